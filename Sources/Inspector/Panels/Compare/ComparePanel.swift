import ColorMaps
import Evidence
import Reports
import Statistics
import Tensor
import TerminalUI
import Trace

/// What the Compare panel shows large.
package enum CompareDisplay: String, Sendable, CaseIterable, Codable {
  /// Both maps and their difference.
  case maps
  /// The keys that changed most.
  case changes
  /// What the two runs were made with, and how far their results are apart.
  case runs

  var next: CompareDisplay {
    let all = CompareDisplay.allCases
    return all[((all.firstIndex(of: self) ?? 0) + 1) % all.count]
  }
}

extension Canvas {
  /// Both maps on one range and their difference, with linked cursors; beside and below them what changed most.
  mutating func drawCompare(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    guard let comparison = state.comparison, let compared = state.compared else {
      paragraph(state.compareWaiting, in: rect, style: look.theme.dim)
      return
    }
    var room = rect
    if let obstacle = comparison.obstacle {
      room = room.dropping(top: paragraph("No maps: \(obstacle).", in: room, style: look.theme.warning))
    }
    let (changes, runs) = (changesBlock(state, comparison), runsBlock(state, comparison))
    let others = [headsChangeBlock(state, comparison), picturesBlock(state, comparison, compared, pictures)]
    switch state.view.compareDisplay {
    case .maps where comparison.obstacle == nil:
      let used = drawComparedMaps(state, comparison, compared, in: room)
      let side = room.dropping(left: used.width + 2)
      let below = room.dropping(top: used.height + 1)
      let rest = others.compactMap { $0 }
      guard side.width >= 34 else { return fill(below, with: [changes, runs] + rest) }
      fill(side.top(used.height), with: rest)
      fill(below, with: [changes, runs] + (used.height >= 12 ? [] : rest))
    case .maps, .changes: fill(room, with: [changes] + others.compactMap { $0 } + [runs])
    case .runs: fill(room, with: [runs] + others.compactMap { $0 } + [changes])
    }
  }

  /// Three maps where they fit beside each other, else the difference alone; returns the room they took.
  private mutating func drawComparedMaps(
    _ state: InspectorState, _ comparison: Comparison, _ compared: ComparedRun, in rect: Rect
  ) -> Size {
    let grid = state.links.geometry.patches
    guard comparison.difference.count == grid.count, rect.height >= 3 else { return Size(width: 0, height: 0) }
    let unit = look.drawsHalfBlocks ? 1 : 2
    let showsAll = rect.width >= 3 * grid.columns * unit + 2
    let copies = showsAll ? 3 : 1
    let third = Rect(x: rect.x, y: rect.y, width: (rect.width - copies + 1) / copies, height: rect.height)
    // A fifth of the height, and the lines of names and colour bars, are left to what changed most.
    let spare = rect.height >= 30 ? rect.height * 2 / 5 : rect.height >= 20 ? 5 : 0
    let place = third.dropping(top: 1).dropping(bottom: 1 + spare)
    let layout = GridLayout(
      columns: grid.columns, rows: grid.rows, in: place, look, keeping: state.cursor.patch)
    let width = min(layout.area.width, third.width)
    let signed = ValueScale.linear(-max(comparison.limit, .ulpOfOne)...max(comparison.limit, .ulpOfOne))
    let maps: [(String, [Double], ValueScale, ColorMap)] = [
      ("first: \(state.imageName)", comparison.first, comparison.scale, .cividis),
      ("second: \(compared.name)", comparison.second, comparison.scale, .cividis),
      ("second − first", comparison.difference, signed, .blueOrange),
    ]
    let height = layout.area.height + 2
    for (index, map) in maps.suffix(copies).enumerated() {
      let column = Rect(x: rect.x + index * (width + 1), y: rect.y, width: width, height: height).intersection(rect)
      line(map.0, in: column, style: look.theme.title)
      let area = column.dropping(top: 1).dropping(bottom: 1)
      let layout = GridLayout(columns: grid.columns, rows: grid.rows, in: area, look, keeping: state.cursor.patch)
      draw(HeatMap(map.1, layout: layout, scale: map.2, map: map.3), in: area)
      let selection = state.highlightedKeys.compactMap { key in
        if case .patch(let index) = key, index < grid.count { grid.point(index) } else { nil }
      }
      draw(GridMarks(layout: layout, cursor: state.cursor.patch, selection: Set(selection)), in: area)
      hits.add(layout.area.intersection(area), .patches(layout))
      let value = comparison[state.cursor.key].map {
        map.3.isDiverging ? $0.difference : index == 0 ? $0.first : $0.second
      }
      draw(
        ColorBar(
          map: map.3, scale: map.2, name: map.3.isDiverging ? "change" : state.view.metric.rawValue, marked: value),
        in: column.bottom(1))
    }
    return Size(width: copies * (width + 1) - 1, height: height)
  }

  /// `patch (3,7)  0.0021 → 0.0340  +0.0319 ▆▆▆▆`, the largest changes first, bars to either side of the middle.
  private func changesBlock(_ state: InspectorState, _ comparison: Comparison) -> Block {
    let rows = comparison.changes
    return Block(least: Size(width: 34, height: 3)) { canvas, rect in
      canvas.line("largest changes, second − first", in: rect, style: canvas.look.theme.title)
      let body = rect.dropping(top: 1)
      let count = min(rows.count, body.height)
      let shown = rows.prefix(count)
      let texts = shown.map { change -> (String, String, String) in
        (
          change.name,
          "\(state.metricValue(change.first).text) \(canvas.look.glyphs.right) \(state.metricValue(change.second).text)",
          state.signed(change.difference)
        )
      }
      let names = min(16, texts.map { displayWidth($0.0) }.max() ?? 0)
      let values = texts.map { displayWidth($0.1) }.max() ?? 0
      let differences = texts.map { displayWidth($0.2) }.max() ?? 0
      for (row, change) in shown.enumerated() {
        let place = Rect(x: body.x, y: body.y + row, width: body.width, height: 1)
        let isHere = state.cursor.key == change.key
        let text =
          "\(TextTable.padded(texts[row].0, to: names)) \(TextTable.padded(texts[row].1, to: values)) "
          + TextTable.padded(texts[row].2, to: differences, .trailing)
        canvas.line(text, in: place, style: isHere ? canvas.look.theme.cursor : canvas.look.theme.text)
        let bar = place.dropping(left: names + values + differences + 3)
        if bar.width >= 8 { canvas.drawSignedBar(change.difference, comparison.limit, in: bar) }
        canvas.hits.add(place, .key(change.key))
      }
    }
  }

  /// A bar from the middle: to the right what grew, to the left what shrank.
  private mutating func drawSignedBar(_ value: Double, _ limit: Double, in rect: Rect) {
    guard limit > 0 else { return }
    let half = rect.width / 2
    let length = max(1, Int((abs(value) / limit * Double(half)).rounded()))
    let middle = rect.x + half
    let style =
      look.hasColor
      ? Style(ColorMap.blueOrange.color(value < 0 ? 0.1 : 0.9, look.depth), on: look.theme.background) : look.theme.text
    let glyph: Character = look.glyphs.isUnicode ? look.glyphs.full : value < 0 ? "-" : "+"
    let start = value < 0 ? middle - length : middle
    for x in start..<start + length { frame.put(glyph, style, x: x, y: rect.y, clip: rect) }
    if start > middle || value < 0 {
      frame.put(look.glyphs.vertical, look.theme.border, x: middle, y: rect.y, clip: rect)
    }
  }

  /// What both were made with, then how far they are apart.
  private func runsBlock(_ state: InspectorState, _ comparison: Comparison) -> Block {
    let count = comparison.settings.count + comparison.facts.count + 3
    return Block(least: Size(width: 38, height: 5), most: count) { canvas, rect in
      canvas.line("two runs", in: rect, style: canvas.look.theme.title)
      let names = comparison.settings.map { displayWidth($0.name) }.max() ?? 0
      var room = rect.dropping(top: 1)
      let half = max(6, (room.width - names - 4) / 2)
      func cut(_ text: String) -> String {
        TextTable.padded(truncated(text, to: half, ellipsis: canvas.look.glyphs.ellipsis), to: half)
      }
      for setting in comparison.settings where room.height > 0 {
        let differs = setting.first != setting.second
        let mark = differs ? (canvas.look.glyphs.isUnicode ? "≠" : "!") : "="
        let text =
          "\(TextTable.padded(setting.name, to: names)) \(mark) \(cut(setting.first)) \(differs ? cut(setting.second) : "")"
        canvas.line(text, in: room, style: differs ? canvas.look.theme.accent : canvas.look.theme.dim)
        room = room.dropping(top: 1)
      }
      guard room.height > 1 else { return }
      canvas.line("how far apart", in: room, style: canvas.look.theme.title)
      for (row, text) in ReportText.lines(comparison.facts, width: room.width).enumerated() {
        canvas.line(text, in: room.dropping(top: 1), row: row)
      }
    }
  }

  /// What each head gives the anchors more or less.
  private func headsChangeBlock(_ state: InspectorState, _ comparison: Comparison) -> Block? {
    guard let width = comparison.heads.first?.count, width > 0 else { return nil }
    let limit = max(comparison.headLimit, .ulpOfOne)
    let matrix = ScoreMatrix(
      rowNames: comparison.heads.indices.map { "L\($0 + 1)" }, columnNames: (1...width).map { "h\($0)" },
      values: comparison.heads,
      texts: comparison.heads.map { $0.map { $0.map { state.signed((1000 * $0).rounded() / 1000) } ?? Format.none } },
      scale: .linear(-limit...limit), map: .blueOrange, selected: state.markedCell)
    return Block(least: Size(width: 28, height: 4), most: comparison.heads.count + 2) { canvas, rect in
      canvas.line("anchors' share, change by head", in: rect, style: canvas.look.theme.title)
      canvas.hits.add(matrix.draw(in: rect.dropping(top: 1), of: &canvas.frame, canvas.look)) { .head($0) }
    }
  }

  /// Both pictures as the model sees them, where they differ.
  private func picturesBlock(
    _ state: InspectorState, _ comparison: Comparison, _ compared: ComparedRun, _ pictures: PictureRenderer?
  ) -> Block? {
    guard let first = state.square, let second = comparison.picture, first != second else { return nil }
    return Block(least: Size(width: 34, height: 9), most: 26) { canvas, rect in
      let halves = Layout(.horizontal, [.fill, .fill], gap: 1).split(rect)
      for (half, tile) in zip(halves, [(state.imageName, first), (compared.name, second)]) {
        canvas.line(tile.0, in: half, style: canvas.look.theme.title)
        let room = half.dropping(top: 1)
        let size = PictureRenderer.size(ofWidth: tile.1.width, height: tile.1.height, in: room.size)
        canvas.frame.drawPicture(
          tile.1.pixels, width: tile.1.width, height: tile.1.height,
          in: Rect(x: room.x, y: room.y, width: size.width, height: size.height),
          with: pictures ?? .best(for: canvas.look))
      }
    }
  }
}

extension Comparison {
  /// What the two runs were made with, line by line.
  static func settings(_ state: InspectorState, _ compared: ComparedRun) -> [Setting] {
    guard let trace = state.trace else { return [] }
    guard let other = compared.trace else {
      return [
        Setting(name: "run", first: "nothing cut", second: compared.name),
        Setting(name: "answer", first: trace.generation?.text ?? "", second: compared.answer),
      ]
    }
    func setting(_ name: String, _ value: (Trace) -> String) -> Setting {
      Setting(name: name, first: value(trace), second: value(other))
    }
    func digest(_ text: String) -> String { text.isEmpty ? "not known" : String(text.prefix(12)) }
    return [
      setting("picture") { $0.provenance.imageName }, setting("picture SHA-256") { digest($0.provenance.imageSHA256) },
      setting("prompt") { $0.provenance.prompt }, setting("checkpoint") { $0.provenance.modelName },
      setting("weights SHA-256") { digest($0.provenance.weightsSHA256) },
      setting("config SHA-256") { digest($0.provenance.configSHA256) },
      setting("mask") { $0.model.visualMask.rawValue }, setting("precision") { $0.model.precision.rawValue },
      setting("layers × heads") { "\($0.model.layers) × \($0.model.heads)" },
      setting("edits") { $0.provenance.edits.isEmpty ? "none" : $0.provenance.edits },
      setting("answer") { $0.generation?.text ?? "" },
    ]
  }

  /// How far the runs' results are apart.
  static func facts(
    _ state: InspectorState, _ compared: ComparedRun, views: (AttentionView, AttentionView)?
  ) -> [PanelReport.Fact] {
    guard let trace = state.trace else { return [] }
    var facts: [PanelReport.Fact] = []
    func add(_ name: String, _ value: ReportValue) { facts.append(.init(name: name, value: value)) }
    add("same answer", .flag((trace.generation?.text ?? "") == compared.answer))
    switch compared.outcome {
    case .cut(let result):
      add("KL of the next token, nat", .number(result.kl))
      add("logit of the answer", .number(result.logitDifference))
    case .run(let other, _):
      if let p = trace.language?.logits, let q = other.language?.logits, p.count == q.count {
        add("KL of the next token, nat", .number(Divergence.kl(reference: p, changed: q)))
      }
      if let a = trace.language?.hiddenVoco, let b = other.language?.hiddenVoco, a.shape == b.shape, a.shape[0] > 0 {
        let last = a.shape[0] - 1
        add("cosine of the last state", .number(Divergence.cosine(a[row: last], b[row: last])))
      }
      addParts(trace, other, add)
    }
    guard let (a, b) = views else { return facts }
    if !a.layout.anchors.isEmpty || !b.layout.anchors.isEmpty {
      add("anchors' share, first", .share(a.shares.anchors))
      add("anchors' share, second", .share(b.shares.anchors))
      add("lift, first", .init(times: a.shares.lift))
      add("lift, second", .init(times: b.shares.lift))
    }
    if a.layout == b.layout, a.query.metric != .lift {
      add("rows apart, Jensen–Shannon bits", .number(Divergence.jensenShannon(a.values, b.values)))
    }
    return facts
  }

  /// Anchors, codes and mask of two whole runs.
  private static func addParts(_ trace: Trace, _ other: Trace, _ add: (String, ReportValue) -> Void) {
    if let a = trace.anchors, let b = other.anchors, a.rank == 2, a.shape == b.shape {
      for index in 0..<a.shape[0] {
        add("cosine of A\(index + 1)", .number(Divergence.cosine(a[row: index], b[row: index])))
      }
    }
    if let a = trace.mgvq?.codes, let b = other.mgvq?.codes, a.indices.count == b.indices.count, a.groups == b.groups {
      add("equal codes", .integer(zip(a.indices, b.indices).count { $0 == $1 }))
      add("of codes", .integer(a.indices.count))
    }
    guard let a = trace.sequence, let b = other.sequence else { return }
    if a.mask.count == b.mask.count {
      add("mask edges that differ", .integer(zip(a.mask, b.mask).count { ($0 != 0) != ($1 != 0) }))
    } else {
      add("sequence, first", .integer(a.length))
      add("sequence, second", .integer(b.length))
    }
  }
}

extension InspectorState {
  /// Rows of the list of changes in reports.
  static let reportedChanges = 24

  var compareReport: PanelReport {
    var report = PanelReport(.compare)
    guard let comparison, let compared else {
      report.notes = [compareWaiting]
      return report
    }
    report.add("compared by", compared.kind.rawValue)
    report.add("second", compared.name)
    report.facts += comparison.facts
    report.tables = [
      .init(
        "two runs", columns: ["", "first", "second", "same"],
        rows: comparison.settings.map {
          [.text($0.name), .text($0.first), .text($0.second), .flag($0.first == $0.second)]
        }
      )
    ]
    if !comparison.changes.isEmpty {
      report.tables.append(
        .init(
          "largest changes", columns: ["key", "first", "second", "second − first"],
          rows: comparison.changes.prefix(Self.reportedChanges).map {
            [.text($0.name), metricValue($0.first), metricValue($0.second), .number($0.difference)]
          }))
    }
    if let width = comparison.heads.first?.count {
      report.tables.append(
        .init(
          "change of the anchors' share", columns: ["layer"] + (1...max(1, width)).map { "h\($0)" },
          rows: comparison.heads.enumerated().map { [.integer($0.offset + 1)] + $0.element.map { .init(number: $0) } }))
    }
    if !comparison.difference.isEmpty {
      let width = links.geometry.patches.columns
      report.tables.append(
        .init(
          "second − first, patches", columns: ["row"] + (0..<width).map(String.init),
          rows: stride(from: 0, to: comparison.difference.count, by: width).map { start in
            [.integer(start / width)]
              + comparison.difference[start..<min(start + width, comparison.difference.count)].map {
                .init(number: $0.isFinite ? $0 : nil)
              }
          }))
    }
    report.notes = [
      comparison.obstacle.map { "No maps: \($0)." } ?? "", map.map { "Values: \($0.view.formula)." } ?? "",
    ]
    .filter { !$0.isEmpty }
    return report
  }

  /// What to say while nothing is compared.
  var compareWaiting: String {
    if trace?.language == nil { return "The decoder has not run yet." }
    let key = keyMap.hint(.compare, unicode: glyphs.isUnicode)
    return capabilities.runsModel
      ? "Nothing is compared yet. Press \(key): another picture, question or checkpoint, a trace file, or the last cut against the run before it."
      : "Nothing is compared yet. Press \(key) and name a second trace file."
  }

  var compareFindings: [String] {
    guard let comparison, let compared else { return [] }
    let answers = comparison.settings.first { $0.name == "answer" }
    let answer =
      answers.map {
        $0.first.isEmpty && $0.second.isEmpty
          ? "" : $0.first == $0.second ? "both say “\($0.first)”" : "“\($0.first)” → “\($0.second)”"
      } ?? ""
    let most = comparison.changes.first.map { "most at \($0.name) (\(signed($0.difference)))" } ?? ""
    return ["with \(compared.name)", answer, most]
  }

  /// `+0.031`, `−0.4`: a difference that says its sign.
  func signed(_ value: Double) -> String { (value > 0 ? "+" : "") + Format.number(value) }

  /// What the second run has at the cursor, for the status line.
  var comparedParts: [String] {
    guard let change = comparison?[cursor.key] else { return [] }
    return ["second \(Format.number(change.second)) (\(signed(change.difference)))"]
  }
}
