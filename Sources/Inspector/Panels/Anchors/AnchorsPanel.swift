import ColorMaps
import Evidence
import Reports
import Statistics
import Tensor
import TerminalUI
import Trace

/// What the Anchors panel shows large.
package enum AnchorsDisplay: String, Sendable, CaseIterable, Codable {
  /// Vectors, groups, book and usage together, where there is room.
  case overview
  /// The code maps of all groups side by side.
  case groups
  /// One group, as large as it goes.
  case group
  /// The codebook of one group on the plane of its two main directions.
  case book

  var next: AnchorsDisplay {
    let all = AnchorsDisplay.allCases
    return all[((all.firstIndex(of: self) ?? 0) + 1) % all.count]
  }
}

extension Canvas {
  /// The anchor vectors with their similarity and health, and the codes that they are made from.
  mutating func drawAnchors(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer? = nil) {
    let isBoard = rect.width >= 100 && rect.height >= 24
    switch state.view.anchorsDisplay {
    case .overview where isBoard: drawAnchorsBoard(state, in: rect, pictures: pictures)
    case .groups where state.codeFigures != nil && state.codeLab.page == .code: _ = drawGroups(state, in: rect)
    case .book where state.codeFigures?.book != nil && state.codeLab.page == .code:
      fill(rect, with: [bookBlock(state), usageBlock(state), codeBlock(state, pictures)].compactMap { $0 })
    case .group where isBoard:
      let left = rect.left(rect.width * 62 / 100)
      drawCodes(state, in: left, pictures: pictures, withFacts: false)
      fill(
        rect.dropping(left: left.width + 2),
        with: [codeBlock(state, pictures), usageBlock(state), bookBlock(state)].compactMap { $0 })
    default: drawAnchorsColumn(state, in: rect, pictures: pictures)
    }
  }

  /// Everything at once: vectors and groups at the left, book, usage and the code at the cursor at the right.
  private mutating func drawAnchorsBoard(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    let left = rect.left(rect.width * 58 / 100)
    let top = min(state.links.anchors + 2, rect.height / 3)
    let matrix = state.statistics?.anchors == nil ? 0 : min(left.width * 2 / 5, 6 + 8 * state.links.anchors)
    drawVectors(state, in: left.dropping(right: matrix + (matrix > 0 ? 2 : 0)).top(top))
    drawSimilarity(state, in: left.right(matrix).top(top))
    var room = left.dropping(top: top)
    let words = [state.healthWords].compactMap { $0 } + state.editWords
    for (index, text) in words.enumerated() where room.height > 12 {
      let style = index == 0 ? (state.collapseWords == nil ? look.theme.good : look.theme.warning) : look.theme.accent
      room = room.dropping(top: paragraph(text, in: room.top(3), style: style))
    }
    room = room.dropping(top: 1)
    var below = Rect(x: room.x, y: room.maxY, width: room.width, height: 0)
    if state.codeLab.page == .code, state.codeFigures != nil {
      below = room.dropping(top: drawGroups(state, in: room) + 1)
    } else {
      drawCodes(state, in: room, pictures: pictures, withFacts: false)
    }
    let side = rect.dropping(left: left.width + 2)
    let (book, code, usage) = (bookBlock(state), codeBlock(state, pictures), usageBlock(state))
    guard below.height >= 12 else {
      if below.height >= 8 { fill(below, with: [usage].compactMap { $0 }) }
      let rest = below.height >= 8 ? [code, book] : [book, code, usage]
      return fill(side, with: rest.compactMap { $0 })
    }
    // What the maps leave holds the code and how its group is used; beside them the book, and the shown group large.
    fill(below, with: [code, usage].compactMap { $0 })
    guard let group = groupBlock(state, in: side), side.height >= group.least.height + 13 else {
      return fill(side, with: [book].compactMap { $0 })
    }
    fill(side.dropping(bottom: group.least.height + 1), with: [book].compactMap { $0 })
    group.draw(&self, side.bottom(group.least.height))
  }

  /// One thing under another, for narrow panels.
  private mutating func drawAnchorsColumn(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    var room = rect
    let rows = min(state.links.anchors, max(0, rect.height - 3))
    for anchor in 0..<rows {
      drawAnchor(anchor, state, in: Rect(x: room.x, y: room.y + anchor, width: room.width, height: 1))
    }
    room = room.dropping(top: rows)
    let cosines = state.cosineWords
    if !cosines.isEmpty && room.height >= 8 {
      room = room.dropping(
        top: paragraph(cosines, in: Rect(x: room.x, y: room.y, width: room.width, height: 2), style: look.theme.dim))
    }
    if let collapse = state.collapseWords {
      room = room.dropping(top: paragraph(collapse, in: room, style: look.theme.warning))
    }
    for words in state.editWords where room.height > 6 {
      room = room.dropping(top: paragraph(words, in: room, style: look.theme.accent))
    }
    drawCodes(state, in: room, pictures: pictures, withFacts: true)
  }

  private mutating func drawVectors(_ state: InspectorState, in rect: Rect) {
    line(
      "anchors: \(state.view.metric.rawValue), lift, rank, length, magnitude", in: rect,
      style: look.theme.title)
    for anchor in 0..<min(state.links.anchors, max(0, rect.height - 1)) {
      drawAnchor(anchor, state, in: Rect(x: rect.x, y: rect.y + 1 + anchor, width: rect.width, height: 1))
    }
  }

  private mutating func drawSimilarity(_ state: InspectorState, in rect: Rect) {
    guard let cosines = state.statistics?.anchors?.cosines, rect.width >= 16 else { return }
    line("cosine", in: rect, style: look.theme.title)
    let names = cosines.indices.map { "A\($0 + 1)" }
    draw(
      ScoreMatrix(
        rowNames: names, columnNames: names, values: cosines.map { $0.map { Optional($0) } },
        texts: cosines.map { $0.map { decimal($0, digits: 2) } }, scale: .linear(-1...1), map: .blueOrange),
      in: rect.dropping(top: 1))
  }

  /// `A1 9.1% ×13.2 ▁▇▃ ‖v‖ 3.1`
  private mutating func drawAnchor(_ anchor: Int, _ state: InspectorState, in rect: Rect) {
    let key = KeyReference.anchor(anchor)
    hits.add(rect, .key(key))
    let isHere = state.cursor.key == key
    let pin = state.highlightedKeys.contains(key) ? look.glyphs.bullet : " "
    let text = "\(pin)\(state.anchorLines[anchor]) "
    line(text, in: rect, style: isHere ? look.theme.cursor : look.theme.text)
    let space = rect.dropping(left: displayWidth(text))
    guard space.width >= 4, let vector = state.anchorShape(anchor, width: space.width) else { return }
    line(sparkline(vector.values, range: vector.range, look.glyphs), in: space, style: look.theme.accent)
  }

  /// The code maps of all groups in the largest multiple that lets all of them in; else a page with the shown one.
  /// Returns the rows that they took.
  private mutating func drawGroups(_ state: InspectorState, in rect: Rect) -> Int {
    guard let figures = state.codeFigures, let codes = state.trace?.mgvq?.codes, !rect.isEmpty else { return 0 }
    let legend = rect.height >= 14 ? 1 : 0
    let room = rect.dropping(bottom: legend)
    let plan = groupsPlan(codes, in: room)
    let first = state.view.group / max(1, plan.shown) * plan.shown
    let last = min(codes.groups, first + plan.shown)
    for group in first..<max(first, last) {
      let (column, row) = ((group - first) % plan.columns, (group - first) / plan.columns)
      let place = Rect(
        x: room.x + column * (plan.tile.width + 1), y: room.y + row * (plan.tile.height + 1), width: plan.tile.width,
        height: plan.tile.height + 1
      ).intersection(room)
      let isChosen = group == state.view.group
      let used = state.statistics?.usage[group].used ?? 0
      let name = "\(isChosen ? String(look.glyphs.pointer) : "")group \(group + 1)"
      line(
        titleLine([name, "\(used) used"], width: place.width), in: place,
        style: isChosen ? look.theme.focusBorder : look.theme.dim)
      let area = place.dropping(top: 1)
      guard !area.isEmpty else { continue }
      let layout = drawCodeMap(state, figures, codes, group: group, in: area)
      hits.add(layout.area.intersection(area), .codesOf(group: group, layout))
    }
    guard legend > 0 else { return rect.height }
    let used = min(rect.height - 1, (last - first + plan.columns - 1) / plan.columns * (plan.tile.height + 1))
    line(
      figures.legend(look), in: Rect(x: rect.x, y: rect.y + used, width: rect.width, height: 1), style: look.theme.dim)
    return used + 1
  }

  private func groupsPlan(_ codes: CodeGrid, in rect: Rect) -> (columns: Int, shown: Int, tile: Size) {
    let unit = look.drawsHalfBlocks ? 1 : 2
    func plan(_ scale: Int) -> (columns: Int, shown: Int, tile: Size) {
      let width = codes.width * scale * unit
      let height = look.drawsHalfBlocks ? (codes.height * scale + 1) / 2 : codes.height * scale
      let columns = max(1, (rect.width + 1) / (width + 1))
      let shown = columns * max(1, rect.height / (height + 1))
      return (columns, shown, Size(width: min(width, rect.width), height: min(height, max(1, rect.height - 1))))
    }
    return (1...8).reversed().map(plan).first {
      $0.shown >= codes.groups && $0.tile.width * $0.columns <= rect.width && $0.tile.height + 1 <= rect.height
    } ?? plan(1)
  }

  /// One group's map: codes by the colours of their vectors; without those by how often they occur.
  private mutating func drawCodeMap(
    _ state: InspectorState, _ figures: CodeFigures, _ codes: CodeGrid, group: Int, in rect: Rect
  ) -> GridLayout {
    let layout = GridLayout(
      columns: codes.width, rows: codes.height, in: rect, look, keeping: state.cursor.code)
    var map = HeatMap(
      figures.usage[group], layout: layout, scale: .logarithmic(1...max(1.5, figures.usage[group].max() ?? 1)))
    map.colors = figures.colors[group]
    draw(map, in: rect)
    draw(GridMarks(layout: layout, cursor: state.cursor.code), in: rect)
    return layout
  }

  private mutating func drawCodes(
    _ state: InspectorState, in rect: Rect, pictures: PictureRenderer?, withFacts: Bool
  ) {
    guard rect.height > 0 else { return }
    guard let mgvq = state.trace?.mgvq, let figures = state.codeFigures else {
      _ = paragraph(state.missingCodes, in: rect, style: look.theme.dim)
      return
    }
    let code = mgvq.codes[state.view.group, state.cursor.code.row, state.cursor.code.column]
    line(
      "group \(state.view.group + 1)/\(mgvq.codes.groups)  code \(Format.integer(code)) at (\(state.cursor.code.row),\(state.cursor.code.column))"
        + (state.capabilities.runsModel ? state.candidateCode.map { "  candidate \($0)" } ?? "" : ""),
      in: rect, style: look.theme.title)
    let room = rect.dropping(top: 1)
    if drawLab(state, in: room, pictures: pictures) { return }
    let digits = String(max(1, state.codesPerGroup - 1)).count
    let asNumbers = room.width >= mgvq.codes.width * (digits + 1) && room.height >= mgvq.codes.height + 1
    let used: Size
    if asNumbers {
      used = drawCodeNumbers(state, figures, mgvq, digits: digits, in: room)
    } else if room.isEmpty {
      used = Size(width: 0, height: 0)
    } else {
      let layout = drawCodeMap(state, figures, mgvq.codes, group: state.view.group, in: room)
      hits.add(layout.area.intersection(room), .codes(layout))
      used = layout.area.size
    }
    let beside = room.dropping(left: used.width + 2)
    let below = room.dropping(top: used.height)
    let width = beside.width >= 13 ? beside.width : below.width
    let facts = (state.codeFacts(mgvq).dropFirst(2) + state.codeLabFacts).map { "\($0.name) \($0.value.text)" }
    let lines = ((withFacts ? facts : []) + [figures.legend(look)]).flatMap { wrapped($0, to: max(8, width)) }
    for (row, text) in lines.enumerated() {
      line(text, in: beside.width >= 13 ? beside : below, row: row, style: look.theme.dim)
    }
  }

  /// Every code as its number on its colour, where the panel is large enough.
  private mutating func drawCodeNumbers(
    _ state: InspectorState, _ figures: CodeFigures, _ mgvq: MGVQTrace, digits: Int, in rect: Rect
  ) -> Size {
    let layout = GridLayout(
      columns: mgvq.codes.width, rows: mgvq.codes.height,
      in: Rect(x: rect.x, y: rect.y, width: mgvq.codes.width * (digits + 1), height: mgvq.codes.height),
      Appearance(theme: look.theme, glyphs: .ascii, depth: look.depth), isSquare: false)
    let colors = look.drawsHalfBlocks ? figures.colors[state.view.group] : nil
    for row in 0..<mgvq.codes.height {
      for column in 0..<mgvq.codes.width {
        let point = GridPoint(column: column, row: row)
        let text = TextTable.padded(String(mgvq.codes[state.view.group, row, column]), to: digits, .trailing) + " "
        var style = look.theme.text
        if let color = colors?[row * mgvq.codes.width + column] {
          style = Style(ColorMap.contrasting(color), on: color)
        }
        line(text, in: layout.rect(of: point), style: point == state.cursor.code ? look.theme.cursor : style)
      }
    }
    hits.add(layout.area, .codes(layout))
    return layout.area.size
  }
}

/// The parts beside the maps.
extension Canvas {
  /// The shown group in the largest multiple that leaves half of the height.
  private func groupBlock(_ state: InspectorState, in room: Rect) -> Block? {
    guard let figures = state.codeFigures, let codes = state.trace?.mgvq?.codes else { return nil }
    let unit = look.drawsHalfBlocks ? 1 : 2
    let rows = (codes.height * unit + 1) / 2
    // The book above needs half of the height to be read.
    let scale = max(1, min(room.width / (codes.width * unit), room.height / 2 / rows))
    let least = Size(width: codes.width * unit * scale, height: rows * scale + 1)
    return Block(least: least, most: least.height) { canvas, rect in
      canvas.line("group \(state.view.group + 1)", in: rect, style: canvas.look.theme.title)
      let area = rect.dropping(top: 1)
      let layout = canvas.drawCodeMap(state, figures, codes, group: state.view.group, in: area)
      canvas.hits.add(layout.area.intersection(area), .codes(layout))
    }
  }

  /// The group's codes on the plane of their two main directions, those of this picture lit.
  private func bookBlock(_ state: InspectorState) -> Block? {
    guard let book = state.codeFigures?.book else { return nil }
    return Block(least: Size(width: 34, height: 12)) { canvas, rect in
      canvas.draw(book, in: rect)
    }
  }

  /// How often this picture uses each code of the group, the most used first.
  private func usageBlock(_ state: InspectorState) -> Block? {
    guard let figures = state.codeFigures else { return nil }
    return Block(least: Size(width: 34, height: 8), most: 16) { canvas, rect in
      canvas.draw(figures.usageChart, in: rect)
    }
  }

  /// The code at the cursor: where it fires, its neighbours and margin, and what would stand in its place.
  private func codeBlock(_ state: InspectorState, _ pictures: PictureRenderer?) -> Block? {
    guard let mgvq = state.trace?.mgvq, let figures = state.codeFigures else { return nil }
    let facts = state.codeFacts(mgvq) + state.codeLabFacts
    return Block(least: Size(width: 34, height: 10), most: facts.count + 16) { canvas, rect in
      canvas.line("the code at the cursor", in: rect, style: canvas.look.theme.title)
      var room = rect.dropping(top: 1)
      let words = ReportText.lines(facts, width: room.width)
      let shown = words.prefix(max(5, room.height - (canvas.look.hasColor && room.height >= 14 ? 8 : 2)))
      for (row, text) in shown.enumerated() { canvas.line(text, in: room, row: row) }
      room = room.dropping(top: shown.count)
      if room.height >= 6, canvas.look.hasColor { canvas.drawExemplars(figures, in: room.top(6), pictures) }
      if room.height >= 2 { canvas.paragraph(state.editorWords, in: rect.bottom(2), style: canvas.look.theme.dim) }
    }
  }

  /// The cells where the code fires, each with its neighbours, as they are in the picture.
  private mutating func drawExemplars(_ figures: CodeFigures, in rect: Rect, _ pictures: PictureRenderer?) {
    let (width, height) = (8, 4)
    for (index, exemplar) in figures.exemplars.prefix((rect.width + 1) / (width + 1)).enumerated() {
      let place = Rect(x: rect.x + index * (width + 1), y: rect.y + 1, width: width, height: height).intersection(rect)
      frame.drawPicture(
        exemplar.crop.pixels, width: exemplar.crop.width, height: exemplar.crop.height, in: place,
        with: pictures ?? .best(for: look))
      line(
        "(\(exemplar.cell.row),\(exemplar.cell.column))",
        in: Rect(x: place.x, y: rect.y, width: width, height: 1), style: look.theme.dim)
    }
  }
}

extension InspectorState {
  /// That the projector has collapsed, or how far the nearest two anchors are apart.
  var healthWords: String? { collapseWords ?? statistics?.nearestAnchors }

  /// How to put another code in the place of the one at the cursor.
  var editorWords: String {
    guard capabilities.runsModel else { return "Editing codes needs the checkpoint." }
    guard let candidate = candidateCode else { return "" }
    func key(_ command: Command) -> String { keyMap.hint(command, unicode: glyphs.isUnicode) }
    return
      "Editor: \(key(.previousCandidate)) \(key(.nextCandidate)) choose, \(key(.editCode)) puts \(candidate) here and runs, \(key(.codePage)) decodes it, \(key(.undo)) takes it back."
  }

  /// `A1 9.1% ×13.2 #1 ‖v‖ 3.1`, one per anchor, in columns.
  var anchorLines: [String] {
    let rows = anchorTable.rows.map { row in
      [
        row[0].text, row[1] == .missing ? "" : row[1].text,
        row[2] == .missing || view.metric == .lift ? "" : row[2].lift, row[3] == .missing ? "" : "#\(row[3].text)",
        row[4] == .missing ? "" : "‖v‖ \(row[4].text)",
      ]
    }
    let widths = (0..<5).map { column in rows.map { displayWidth($0[column]) }.max() ?? 0 }
    return rows.map { row in
      (0..<5).filter { widths[$0] > 0 }.map { TextTable.padded(row[$0], to: widths[$0]) }.joined(separator: " ")
    }
  }

  /// `cos A1·A2 0.31, A1·A3 −0.02, …`
  var cosineWords: String {
    guard let cosines = statistics?.anchors?.cosines, cosines.count > 1 else { return "" }
    let pairs = cosines.indices.flatMap { a in cosines.indices.filter { $0 > a }.map { (a, $0) } }
    return "cos " + pairs.map { "A\($0 + 1)·A\($1 + 1) \(Format.number(cosines[$0][$1]))" }.joined(separator: ", ")
  }

  /// An anchor's vector in `width` bins, each the mean magnitude of its part; the range all anchors share.
  func anchorShape(_ anchor: Int, width: Int) -> (values: [Double], range: ClosedRange<Double>)? {
    guard let anchors = trace?.anchors, anchors.rank == 2, anchor < anchors.shape[0], anchors.shape[1] > 0 else {
      return nil
    }
    let size = anchors.shape[1]
    let bins = min(width, size)
    func shape(_ anchor: Int) -> [Double] {
      (0..<bins).map { bin in
        let part = bin * size / bins..<max(bin * size / bins + 1, (bin + 1) * size / bins)
        return part.reduce(0) { $0 + Double(abs(anchors.values[anchor * size + $1])) } / Double(part.count)
      }
    }
    let largest = (0..<anchors.shape[0]).map { shape($0).max() ?? 0 }.max() ?? 0
    return (shape(anchor), 0...max(largest, .ulpOfOne))
  }
}

extension ReportValue {
  /// A ratio as the Attention panel writes it: what has no digits that mean anything has none.
  fileprivate var lift: String { if case .times(let value) = self { liftText(value) } else { text } }
}
