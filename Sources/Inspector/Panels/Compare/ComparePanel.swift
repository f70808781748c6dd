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
    let others = [
      headsChangeBlock(state, comparison), masksBlock(comparison), picturesBlock(state, comparison, compared, pictures),
      sharesBlock(comparison),
    ]
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
      // Two columns where both have room for bars.
      let columns = Layout(.horizontal, rect.width >= 90 ? [.fill, .fill] : [.fill], gap: 2).split(body)
      for (number, column) in columns.enumerated() {
        canvas.drawChanges(rows.dropFirst(number * body.height).prefix(body.height), state, comparison, in: column)
      }
    }
  }

  private mutating func drawChanges(
    _ shown: ArraySlice<Comparison.Change>, _ state: InspectorState, _ comparison: Comparison, in body: Rect
  ) {
    let texts = shown.map { change -> (String, String, String) in
      (
        change.name,
        "\(state.metricText(change.first)) \(look.glyphs.right) \(state.metricText(change.second))",
        state.signed(change.difference)
      )
    }
    let names = min(16, texts.map { displayWidth($0.0) }.max() ?? 0)
    let values = texts.map { displayWidth($0.1) }.max() ?? 0
    let differences = texts.map { displayWidth($0.2) }.max() ?? 0
    for (row, change) in shown.enumerated() {
      let place = Rect(x: body.x, y: body.y + row, width: body.width, height: 1)
      let text =
        "\(TextTable.padded(texts[row].0, to: names)) \(TextTable.padded(texts[row].1, to: values)) "
        + TextTable.padded(texts[row].2, to: differences, .trailing)
      line(text, in: place, style: state.cursor.key == change.key ? look.theme.cursor : look.theme.text)
      let bar = place.dropping(left: names + values + differences + 3)
      if bar.width >= 8 { drawSignedBar(change.difference, comparison.limit, in: bar) }
      hits.add(place, .key(change.key))
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
      title: "anchors' share, change by head", rowNames: comparison.heads.indices.map { "L\($0 + 1)" },
      columnNames: (1...width).map { "h\($0)" }, values: comparison.heads,
      texts: comparison.heads.map { $0.map { $0.map { state.signed((1000 * $0).rounded() / 1000) } ?? Format.none } },
      scale: .linear(-limit...limit), map: .blueOrange, selected: state.markedCell)
    return Block(least: Size(width: 28, height: 4), most: comparison.heads.count + 2) { canvas, rect in
      canvas.hits.add(matrix.draw(in: rect, of: &canvas.frame, canvas.look)) { .head($0) }
    }
  }

  /// The edges that only one of the two may use, over the whole matrix, and what they are.
  private func masksBlock(_ comparison: Comparison) -> Block? {
    guard let masks = comparison.masks else { return nil }
    let scope = masks.scope.isEmpty ? "" : ", in \(masks.scope)"
    let title =
      "masks: \(Format.integer(masks.firstCount)) edges in the first alone, \(Format.integer(masks.secondCount)) in the second\(scope)"
    return Block(least: Size(width: 34, height: 11), most: 32) { canvas, rect in
      let used = canvas.paragraph(title, in: rect.top(2), style: canvas.look.theme.title)
      let lines = masks.blocks.prefix(rect.height >= 16 ? 4 : 2).map(masks.words)
      let map = MaskMap(masks.onlyFirst, segments: masks.segments, added: masks.onlySecond)
      canvas.draw(map, in: rect.dropping(top: used).dropping(bottom: lines.count))
      for (row, text) in lines.enumerated() {
        canvas.line(text, in: rect.bottom(lines.count), row: row, style: canvas.look.theme.dim)
      }
    }
  }

  /// What each kind of key gets in both.
  private func sharesBlock(_ comparison: Comparison) -> Block? {
    guard !comparison.shares.isEmpty else { return nil }
    let rows = comparison.shares.flatMap { share in
      [
        Bars.Row(label: "\(share.name), first", value: share.first, text: Format.percent(share.first)),
        Bars.Row(label: "second", value: share.second, text: Format.percent(share.second)),
      ]
    }
    return Block(least: Size(width: 34, height: rows.count + 1), most: rows.count + 2) { canvas, rect in
      canvas.draw(Bars(title: "where the attention goes", rows, scale: .linear(0...1)), in: rect)
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
        let renderer = pictures ?? .best(for: canvas.look)
        let size = renderer.size(ofWidth: tile.1.width, height: tile.1.height, in: room.size)
        canvas.frame.drawPicture(
          tile.1.pixels, width: tile.1.width, height: tile.1.height,
          in: Rect(x: room.x, y: room.y, width: size.width, height: size.height), with: renderer)
      }
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
    if !comparison.shares.isEmpty {
      report.tables.append(
        .init(
          "where the attention goes", columns: ["keys", "first", "second"],
          rows: comparison.shares.map { [.text($0.name), .share($0.first), .share($0.second)] }))
    }
    if let masks = comparison.masks {
      report.tables.append(
        .init(
          "edges that one mask alone allows", columns: ["query", "key", "first alone", "second alone", "of"],
          rows: masks.blocks.map {
            [
              .text($0.query.rawValue), .text($0.key.rawValue), .integer($0.onlyFirst), .integer($0.onlySecond),
              .integer($0.total),
            ]
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
    let most =
      comparison.changes.first.map {
        $0.difference == 0 ? "no key's share changed" : "most at \($0.name) (\(signed($0.difference)))"
      } ?? ""
    return ["with \(compared.name)", answer, comparison.anchorless ?? "", most].filter { !$0.isEmpty }
  }

  /// `+0.031`, `−0.4`: a difference that says its sign.
  func signed(_ value: Double) -> String { (value > 0 ? "+" : "") + Format.number(value) }

  /// What the second run has at the cursor, for the status line.
  var comparedParts: [String] {
    guard let change = comparison?[cursor.key] else { return [] }
    return ["second \(Format.number(change.second)) (\(signed(change.difference)))"]
  }
}
