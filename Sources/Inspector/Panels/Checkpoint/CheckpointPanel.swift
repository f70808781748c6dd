import ColorMaps
import Evidence
import Statistics
import TerminalUI

/// The checkpoint as the Checkpoint panel lists it; the executable makes it from `CheckpointReport`.
package struct CheckpointListing: Sendable, Equatable {
  /// One tensor, expected or found.
  package struct Row: Sendable, Hashable {
    package let name: String
    /// Extents as found, or as expected when it is missing.
    package let shape: [Int]
    /// `F32`, `BF16`, …; empty when it is missing.
    package let dtype: String
    /// Bytes in the file; 0 when it is missing.
    package let byteCount: Int
    /// `ok`, `missing`, `optional`, …: the words of `vocoscope check`.
    package let status: String
    /// Whether the model cannot run because of it.
    package let isProblem: Bool

    package init(name: String, shape: [Int], dtype: String, byteCount: Int, status: String, isProblem: Bool) {
      self.name = name
      self.shape = shape
      self.dtype = dtype
      self.byteCount = byteCount
      self.status = status
      self.isProblem = isProblem
    }
  }

  /// A line of the configuration or of the summary.
  package struct Fact: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  package let name: String
  package let facts: [Fact]
  package let rows: [Row]
  /// How many tensors have each status, in words: `274 tensors ok, 3 optional ones absent`.
  package let tally: String

  package init(name: String, facts: [Fact], rows: [Row], tally: String) {
    self.name = name
    self.facts = facts
    self.rows = rows
    self.tally = tally
    parts = Self.parts(of: rows)
    nameLength = rows.map(\.name.count).max() ?? 0
    largest = rows.map(\.byteCount).max() ?? 0
  }

  /// Characters of the longest name; bytes of the largest tensor.
  let nameLength: Int
  let largest: Int

  /// Tensors whose names begin alike, without the `model.` that nearly all begin with: `layers` of
  /// `model.layers.0.self_attn.q_proj.weight`.
  package struct Part: Sendable, Equatable {
    package let name: String
    package let bytes: Int
    package let count: Int
  }

  /// The parts with bytes, the largest first.
  package let parts: [Part]

  private static func parts(of rows: [Row]) -> [Part] {
    var sums: [String: (bytes: Int, count: Int)] = [:]
    for row in rows {
      let words = row.name.split(separator: ".")
      let end = words.firstIndex { $0.allSatisfy(\.isNumber) } ?? max(1, words.count - 2)
      let isInModel = end > 1 && words[0] == "model"
      let name = words[(isInModel ? 1 : 0)..<min(end, 3)].joined(separator: ".")
      sums[name, default: (0, 0)].bytes += row.byteCount
      sums[name, default: (0, 0)].count += 1
    }
    return sums.filter { $0.value.bytes > 0 }.map { Part(name: $0.key, bytes: $0.value.bytes, count: $0.value.count) }
      .sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
  }

  package var byteCount: Int { rows.reduce(0) { $0 + $1.byteCount } }

  /// Rows that keep the model from running.
  package var problems: Int { rows.count { $0.isProblem } }
}

extension Canvas {
  /// Every tensor; beside the list the one at the cursor with its values, what takes the bytes, and the configuration.
  mutating func drawCheckpoint(_ state: InspectorState, in rect: Rect) {
    if state.view.showsDiff, let diff = state.checkpointDiff { return drawDiff(diff, state, in: rect) }
    guard let checkpoint = state.checkpoint else {
      paragraph(state.checkpointReport.notes.joined(separator: " "), in: rect, style: look.theme.dim)
      return
    }
    let problems = checkpoint.problems == 0 ? "" : ", \(checkpoint.problems) not ok"
    line(
      "\(checkpoint.name): \(Format.integer(checkpoint.rows.count)) tensors, \(Format.bytes(checkpoint.byteCount))\(problems)",
      in: rect, style: checkpoint.problems == 0 ? look.theme.title : look.theme.bad)
    var room = rect.dropping(top: 1)
    let isWide = room.width >= 110 && room.height >= 12
    let blocks = [tensorBlock(state), partsBlock(checkpoint), factsBlock(checkpoint)].compactMap { $0 }
    if isWide {
      let left = room.left(room.width * 62 / 100)
      let side = room.dropping(left: left.width + 2)
      // The tensor that is looked at, what the checkpoint is, and the bytes as areas in what is left.
      let text = min(side.height / 2, state.tensorAtCursor.map { state.weights[$0.name] == nil ? 7 : 22 } ?? 0)
      fill(side.top(text), with: [tensorBlock(state)].compactMap { $0 })
      let facts = min(checkpoint.facts.count + 3, (side.height - text) / 3)
      fill(side.bottom(facts), with: [factsBlock(checkpoint)])
      drawTreemap(checkpoint, in: side.dropping(top: text).dropping(bottom: facts + 1))
      room = left
    } else if room.height >= 12 {
      let under = min(room.height / 2, 12)
      fill(room.bottom(under), with: blocks)
      room = room.dropping(bottom: under + 1)
    }
    drawTensors(checkpoint, state, in: room)
  }

  private mutating func drawTensors(_ checkpoint: CheckpointListing, _ state: InspectorState, in room: Rect) {
    let wide = room.width >= 70
    // What names leave of a wide panel shows the bytes as bars.
    let names = min(checkpoint.nameLength, 60)
    let bar = room.width - names - 16 - 5 - 10 - 11 - 7
    let hasBars = bar >= 12
    let columns =
      [
        Table.Column("name", width: hasBars ? .fixed(names) : .fill, keepsEnd: true),
        Table.Column("shape", width: .fixed(16)), Table.Column("dtype", width: .fixed(5)),
      ]
      + (wide ? [Table.Column("bytes", .trailing, width: .fixed(10))] : [])
      + [Table.Column("status", width: .fixed(hasBars ? 11 : wide ? 14 : 7))]
      + (hasBars ? [Table.Column("bytes, log", width: .fill)] : [])
    let scale = ValueScale.logarithmic(1...Double(max(2, checkpoint.largest)))
    let rows = checkpoint.rows.enumerated().map { index, row -> [Span] in
      let style = row.isProblem ? look.theme.bad : row.status == "ok" ? look.theme.text : look.theme.dim
      let cells =
        [row.name, Format.shape(row.shape), row.dtype] + (wide ? [Format.bytes(row.byteCount)] : []) + [row.status]
      guard hasBars else { return cells.map { Span($0, style) } }
      let isNear = abs(index - state.tensorRow) <= room.height
      let part = isNear ? scale.clampedPosition(Double(row.byteCount)) ?? 0 : 0
      return cells.map { Span($0, style) } + [Span(eighths(part, width: bar - 1), look.theme.barFill)]
    }
    let table = Table(columns: columns, rows: rows, selected: rows.isEmpty ? nil : state.tensorRow)
    hits.add(table.draw(in: room, of: &frame, look)) { .tensor($0) }
  }

  /// A bar as text.
  private func eighths(_ part: Double, width: Int) -> String {
    let filled = part <= 0 ? 0 : max(1, Int((min(part, 1) * Double(width * 8)).rounded()))
    let rest = filled % 8 == 0 ? "" : String(look.glyphs.horizontalEighths[filled % 8])
    return String(repeating: String(look.glyphs.full), count: filled / 8) + rest
  }

  /// The parts' bytes as areas.
  private mutating func drawTreemap(_ checkpoint: CheckpointListing, in rect: Rect) {
    guard rect.height >= 4, rect.width >= 20, !checkpoint.parts.isEmpty else { return }
    line("bytes by part, as areas", in: rect, style: look.theme.title)
    drawAreas(checkpoint.parts[...], first: 0, in: rect.dropping(top: 1))
  }

  /// Halves of about equal bytes beside each other, along the longer side.
  private mutating func drawAreas(_ parts: ArraySlice<CheckpointListing.Part>, first: Int, in rect: Rect) {
    guard !rect.isEmpty, let part = parts.first else { return }
    guard parts.count > 1 else { return drawArea(part, number: first, in: rect) }
    let total = parts.reduce(0) { $0 + $1.bytes }
    var (end, sum) = (parts.startIndex + 1, part.bytes)
    while end < parts.endIndex - 1, 2 * sum + parts[end].bytes <= total {
      sum += parts[end].bytes
      end += 1
    }
    // A character is about twice as high as it is wide.
    let isAcross = rect.width >= 2 * rect.height
    let length = isAcross ? rect.width : rect.height
    let share = Double(sum) / Double(max(1, total))
    let cut = min(max(1, Int((Double(length) * share).rounded())), max(1, length - 1))
    drawAreas(parts[..<end], first: first, in: isAcross ? rect.left(cut) : rect.top(cut))
    drawAreas(
      parts[end...], first: first + end - parts.startIndex,
      in: isAcross ? rect.dropping(left: cut) : rect.dropping(top: cut))
  }

  private mutating func drawArea(_ part: CheckpointListing.Part, number: Int, in rect: Rect) {
    let palette = look.theme.seriesColors
    var style = look.theme.text
    var fill: Character = " "
    if palette.isEmpty {
      fill = look.glyphs.ramp[1 + number % (look.glyphs.ramp.count - 2)]
    } else {
      let amount = number < palette.count ? 0.25 : 0.55
      let color = palette[number % palette.count].blended(with: look.theme.background, amount)
      style = Style(ColorMap.contrasting(color), on: color)
    }
    frame.fill(rect, with: Cell(fill, style))
    let inside = rect.width >= 8 && rect.height >= 3 ? rect.inset(by: 1) : rect
    let bytes = Format.bytes(part.bytes)
    let last = part.name.split(separator: ".").last.map(String.init) ?? part.name
    // What does not fit whole is told shorter: the name by its end, and no number is cut.
    let texts = [[part.name, last], ["\(bytes) in \(part.count)", bytes]]
    for (row, choices) in texts.enumerated() {
      let room = inside.width
      if let text = choices.first(where: { displayWidth($0) <= room }) {
        line(displayWidth(text) + 2 <= room ? " \(text) " : text, in: inside, row: row, style: style)
      } else if row == 0 {
        line(ending(last, room, look.glyphs.ellipsis), in: inside, style: style)
      }
    }
  }

  /// The tensor at the cursor: its values once they were asked for.
  private func tensorBlock(_ state: InspectorState) -> Block? {
    guard let row = state.tensorAtCursor else { return nil }
    return Block(least: Size(width: 34, height: 7), most: 22) { canvas, rect in
      canvas.line(row.name, in: rect, style: canvas.look.theme.title)
      guard let statistics = state.weights[row.name] else {
        let key = state.keyMap.hint(.open, unicode: state.glyphs.isUnicode)
        let words =
          state.unreadable.contains(row.name)
          ? "\(row.dtype) holds no weights."
          : state.capabilities.runsModel
            ? "\(key) reads its values: quantiles, zeros, what is not finite, a histogram."
            : "Values need the checkpoint."
        canvas.paragraph(words, in: rect.dropping(top: 1), style: canvas.look.theme.dim)
        return
      }
      let lines = ReportText.lines(statistics.facts, width: rect.width)
      // Numbers and histogram beside each other where there is room.
      let isWide = rect.width >= 64
      let text = isWide ? min(lines.count, rect.height - 1) : min(lines.count, max(3, rect.height / 2 - 1))
      for (index, words) in lines.prefix(text).enumerated() { canvas.line(words, in: rect, row: index + 1) }
      let chart = isWide ? rect.dropping(top: 1).dropping(left: 32) : rect.dropping(top: text + 1)
      guard chart.height >= 4, let low = statistics.least, let high = statistics.greatest, low < high else { return }
      canvas.draw(
        Histogram(
          name: "value", counts: statistics.histogram, range: Double(low)...Double(high),
          references: [ScaleTick(statistics.mean, "mean")]), in: chart)
    }
  }

  /// What takes the bytes, on a logarithmic axis.
  private func partsBlock(_ checkpoint: CheckpointListing) -> Block? {
    let parts = checkpoint.parts
    guard let largest = parts.first?.bytes, let least = parts.last?.bytes, least > 0 else { return nil }
    let rows = parts.map {
      Bars.Row(label: $0.name, value: Double($0.bytes), text: "\(Format.bytes($0.bytes)) in \($0.count)")
    }
    let scale = ValueScale.logarithmic(Double(max(1, least / 2))...Double(max(2, largest)))
    return Block(least: Size(width: 34, height: 5), most: rows.count + 2) { canvas, rect in
      // Named also where there is no room for all bars.
      canvas.line("bytes by part (log scale), tensors", in: rect, style: canvas.look.theme.title)
      var bars = Bars(rows, scale: scale, hasAxis: false)
      bars.keepsLabelEnds = true
      canvas.draw(bars, in: rect.dropping(top: 1))
    }
  }

  private func factsBlock(_ checkpoint: CheckpointListing) -> Block {
    let facts = checkpoint.facts.map { PanelReport.Fact(name: $0.name, value: .text($0.value)) }
    return Block(least: Size(width: 30, height: 4), most: facts.count + 4) { canvas, rect in
      canvas.line("configuration", in: rect, style: canvas.look.theme.title)
      for (row, text) in ReportText.lines(facts, width: rect.width).enumerated() {
        canvas.line(text, in: rect, row: row + 1)
      }
    }
  }

  /// Another checkpoint against this one: how many tensors are what, the most changed first.
  private mutating func drawDiff(_ diff: ShownDiff, _ state: InspectorState, in rect: Rect) {
    line(diff.title, in: rect, style: look.theme.title)
    line(diff.summary, in: rect, row: 1, style: diff.isEqual ? look.theme.good : look.theme.accent)
    let room = rect.dropping(top: 2)
    let wide = room.width >= 84
    // What names leave of a wide panel shows the change as bars.
    let names = min(diff.nameLength, 70)
    let bar = room.width - names - 18 - 9 - 9 - 10 - 10 - 8
    let hasBars = bar >= 12
    let columns =
      [
        Table.Column("status", width: .fixed(wide ? 18 : 9)),
        Table.Column("tensor", width: hasBars ? .fixed(names) : .fill, keepsEnd: true),
        Table.Column("relative", .trailing, width: .fixed(9)),
      ]
      + (wide
        ? [
          Table.Column("largest", .trailing, width: .fixed(9)), Table.Column("elements", .trailing, width: .fixed(10)),
          Table.Column("not finite", .trailing, width: .fixed(10)),
        ] : []) + (hasBars ? [Table.Column("‖second − first‖ / ‖first‖, log", width: .fill)] : [])
    let rows = diff.rows.enumerated().map { index, row -> [Span] in
      let style = row.isEqual ? look.theme.dim : row.isChange ? look.theme.text : look.theme.warning
      let cells = (wide ? row.cells : Array(row.cells.prefix(3))).map { Span($0, style) }
      guard hasBars else { return cells }
      let isNear = abs(index - state.tensorRow) <= room.height
      return cells + [Span(isNear ? eighths(row.part, width: bar - 1) : "", look.theme.barFill)]
    }
    let selected = rows.isEmpty ? nil : min(state.tensorRow, rows.count - 1)
    let table = Table(columns: columns, rows: rows, selected: selected)
    hits.add(table.draw(in: room, of: &frame, look)) { .tensor($0) }
  }
}

extension InspectorState {
  var tensorAtCursor: CheckpointListing.Row? {
    checkpoint.flatMap { $0.rows.indices.contains(tensorRow) ? $0.rows[tensorRow] : nil }
  }

  /// Reads the tensor at the cursor; what was read is not read again.
  mutating func readWeights() -> [Effect] {
    guard !view.showsDiff, let row = tensorAtCursor, weights[row.name] == nil, !unreadable.contains(row.name),
      row.byteCount > 0
    else {
      change { $0.isZoomed.toggle() }
      return []
    }
    if let obstacle = weightsObstacle ?? (work == nil ? nil : "the model is busy") {
      notice = obstacle
      return []
    }
    work = .reading(row.name)
    return [.readWeights(name: row.name)]
  }

  mutating func take(_ statistics: WeightStatistics?, of name: String) {
    if case .reading = work { work = nil }
    if let statistics { weights[name] = statistics } else { unreadable.insert(name) }
  }

  mutating func take(_ diff: CheckpointDiff) {
    checkpointDiff = ShownDiff(diff)
    change { $0.showsDiff = true }
  }

  var checkpointFindings: [String] {
    guard let checkpoint else { return [] }
    if view.showsDiff, let checkpointDiff { return [checkpointDiff.summary] }
    if checkpoint.problems == 0 { return [checkpoint.tally] }
    return ["\(Format.integer(checkpoint.problems)) tensor\(checkpoint.problems == 1 ? "" : "s") not ok"]
  }

  var checkpointReport: PanelReport {
    var report = PanelReport(.checkpoint)
    guard let checkpoint else {
      report.notes = [
        capabilities.runsModel ? "The checkpoint is not listed yet." : "This trace was opened without its checkpoint."
      ]
      return report
    }
    report.add("checkpoint", checkpoint.name)
    report.add("tensors", .integer(checkpoint.rows.count))
    report.add("bytes", Format.bytes(checkpoint.byteCount))
    report.add("problems", .integer(checkpoint.problems))
    for fact in checkpoint.facts { report.add(fact.name, fact.value) }
    report.tables = [
      .init(
        "tensors", columns: ["name", "shape", "dtype", "bytes", "status"],
        rows: checkpoint.rows.map {
          [.text($0.name), .text(Format.shape($0.shape)), .text($0.dtype), .integer($0.byteCount), .text($0.status)]
        })
    ]
    for (name, statistics) in weights.sorted(by: { $0.key < $1.key }) {
      report.tables.append(
        .init(
          "values of \(name)", columns: ["what", "value"], rows: statistics.facts.map { [.text($0.name), $0.value] }))
    }
    guard let diff = checkpointDiff?.report else { return report }
    report.facts += diff.facts
    report.tables += diff.tables
    report.notes += diff.notes
    return report
  }
}

extension WeightStatistics {
  /// The numbers as the panel and reports tell them.
  var facts: [PanelReport.Fact] {
    var facts: [PanelReport.Fact] = [
      .init(name: "elements", value: .integer(count)), .init(name: "not finite", value: .integer(nonFinite)),
      .init(name: "zeros", value: .share(count > 0 ? Double(zeros) / Double(count) : 0)),
      .init(name: "mean", value: .number(mean)), .init(name: "deviation", value: .number(deviation)),
    ]
    for (fraction, value) in zip(Self.fractions, quantiles) {
      let name =
        fraction == 0 ? "least" : fraction == 1 ? "greatest" : "quantile \(decimal(100 * fraction, digits: 1)) %"
      facts.append(.init(name: name, value: .number(Double(value))))
    }
    return facts
  }
}
