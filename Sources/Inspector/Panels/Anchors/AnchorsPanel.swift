import ColorMaps
import Evidence
import Reports
import Statistics
import Tensor
import TerminalUI
import Trace

extension Canvas {
  /// The anchor vectors, their cosines, and the code grid of one group.
  mutating func drawAnchors(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer? = nil) {
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
    drawCodes(state, in: room, pictures: pictures)
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

  private mutating func drawCodes(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    guard rect.height > 0 else { return }
    guard let mgvq = state.trace?.mgvq else {
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
    let used = asNumbers ? drawCodeNumbers(state, mgvq, digits: digits, in: room) : drawCodeMap(state, mgvq, in: room)
    let beside = room.dropping(left: used.width + 2)
    let below = room.dropping(top: used.height)
    let width = beside.width >= 13 ? beside.width : below.width
    let facts = (state.codeFacts(mgvq).dropFirst(2) + state.codeLabFacts).map { "\($0.name) \($0.value.text)" }
    let colored = look.drawsHalfBlocks && state.codeAtCursor?.cellColors != nil
    let legend =
      asNumbers
      ? []
      : [colored ? "colour: the code's vector; near codes look alike" : "colour: the index, a name and not a magnitude"]
    let lines = (facts + legend).flatMap { wrapped($0, to: max(8, width)) }
    for (row, text) in lines.enumerated() {
      line(text, in: beside.width >= 13 ? beside : below, row: row, style: look.theme.dim)
    }
  }

  private mutating func drawCodeMap(_ state: InspectorState, _ mgvq: MGVQTrace, in rect: Rect) -> Size {
    guard !rect.isEmpty else { return Size(width: 0, height: 0) }
    let layout = GridLayout(
      columns: mgvq.codes.width, rows: mgvq.codes.height, in: rect, look, keeping: state.cursor.code)
    var map = HeatMap(
      codes(state, mgvq), layout: layout, range: 0...Double(max(1, state.codesPerGroup - 1)), map: .viridis)
    map.colors = state.codeAtCursor?.cellColors
    draw(map, in: rect)
    draw(GridMarks(layout: layout, cursor: state.cursor.code), in: rect)
    hits.add(layout.area.intersection(rect), .codes(layout))
    return layout.area.size
  }

  private func codes(_ state: InspectorState, _ mgvq: MGVQTrace) -> [Double] {
    let plane = mgvq.codes.height * mgvq.codes.width
    return mgvq.codes.indices[state.view.group * plane..<(state.view.group + 1) * plane].map(Double.init)
  }

  /// Every code as its number, where the panel is large enough.
  private mutating func drawCodeNumbers(_ state: InspectorState, _ mgvq: MGVQTrace, digits: Int, in rect: Rect) -> Size
  {
    let layout = GridLayout(
      columns: mgvq.codes.width, rows: mgvq.codes.height,
      in: Rect(x: rect.x, y: rect.y, width: mgvq.codes.width * (digits + 1), height: mgvq.codes.height),
      Appearance(theme: look.theme, glyphs: .ascii, depth: look.depth), isSquare: false)
    for row in 0..<mgvq.codes.height {
      for column in 0..<mgvq.codes.width {
        let point = GridPoint(column: column, row: row)
        let text = TextTable.padded(String(mgvq.codes[state.view.group, row, column]), to: digits, .trailing)
        let style = point == state.cursor.code ? look.theme.cursor : look.theme.text
        line(text, in: layout.rect(of: point), style: style)
      }
    }
    hits.add(layout.area, .codes(layout))
    return layout.area.size
  }
}

extension InspectorState {
  /// `A1 9.1% ×13.2 #1 ‖v‖ 3.1`, one an anchor, in columns.
  var anchorLines: [String] {
    let rows = anchorTable.rows.map { row in
      [
        row[0].text, row[1] == .missing ? "" : row[1].text,
        row[2] == .missing || view.metric == .lift ? "" : row[2].text, row[3] == .missing ? "" : "#\(row[3].text)",
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
