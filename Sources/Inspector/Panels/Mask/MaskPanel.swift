import ColorMaps
import Statistics
import TerminalUI
import Trace

extension Canvas {
  /// Blocks or cells, then the edge under the cursor with its reason, and whether blocked edges carry nothing.
  mutating func drawMask(_ state: InspectorState, in rect: Rect) {
    guard let mask = state.statistics?.mask, let sequence = state.trace?.sequence else {
      return line("The sequence is not laid out yet.", in: rect, style: look.theme.dim)
    }
    let text = edgeLines(state, mask, width: rect.width)
    let textRows = min(text.count, max(1, rect.height / 2))
    let room = rect.dropping(bottom: textRows)
    for (row, entry) in text.prefix(textRows).enumerated() {
      line(entry.text, in: rect.bottom(textRows), row: row, style: entry.style)
    }
    let blockRows = mask.spans.count + 1
    if room.height >= blockRows + 10 && room.width < 90 {
      drawMaskBlocks(state, mask, in: Rect(x: room.x, y: room.y, width: room.width, height: blockRows))
      drawMaskCells(state, sequence, in: room.dropping(top: blockRows + 1))
    } else if room.width >= 90 {
      let halves = Layout(.horizontal, [.fill, .fill], gap: 2).split(room)
      drawMaskBlocks(state, mask, in: halves[0])
      drawMaskCells(state, sequence, in: halves[1])
    } else if state.view.showsMaskCells {
      drawMaskCells(state, sequence, in: room)
    } else {
      drawMaskBlocks(state, mask, in: room)
    }
  }

  private func edgeLines(_ state: InspectorState, _ mask: MaskStatistics, width: Int) -> [(text: String, style: Style)]
  {
    var lines: [(text: String, style: Style)] = []
    if let edge = state.maskEdge {
      let verdict = edge.isAllowed ? "allowed" : "blocked"
      let names = "\(state.keyName(edge.row)) \(edge.row) → \(state.keyName(edge.column)) \(edge.column): \(verdict)"
      lines += wrapped(names, to: width).map { ($0, look.theme.title) }
      lines += wrapped(edge.sentence, to: width).map { ($0, look.theme.text) }
    }
    let holds = mask.blocked?.holds ?? true
    let checked = "blocked edges \(state.blockedWords(mask))"
    return wrapped(checked, to: width).map { ($0, holds ? look.theme.good : look.theme.bad) } + lines
  }

  /// Segments against segments: all, none or how many edges are allowed; query in rows, key in columns.
  private mutating func drawMaskBlocks(_ state: InspectorState, _ mask: MaskStatistics, in rect: Rect) {
    let names = mask.spans.map { "\($0.kind.rawValue) \($0.count)" }
    let label = min(max(8, (names.map { displayWidth($0) }.max() ?? 0) + 1), rect.width * 2 / 5)
    let column = max(4, min(14, (rect.width - label) / max(1, mask.spans.count)))
    let edge = state.maskEdge
    let here = (edge.flatMap { mask.span(of: $0.row) }, edge.flatMap { mask.span(of: $0.column) })
    for (index, span) in mask.spans.enumerated() {
      let place = Rect(x: rect.x + label + index * column, y: rect.y, width: column - 1, height: 1).intersection(rect)
      line(
        place.width >= 7 ? span.kind.rawValue : span.kind.shortName, in: place,
        style: here.1 == index ? look.theme.title : look.theme.dim, alignment: .trailing)
    }
    for row in mask.spans.indices where row + 1 < rect.height {
      line(
        names[row], in: Rect(x: rect.x, y: rect.y + 1 + row, width: label, height: 1),
        style: here.0 == row ? look.theme.title : look.theme.dim)
      for key in mask.spans.indices {
        let place = Rect(x: rect.x + label + key * column, y: rect.y + 1 + row, width: column - 1, height: 1)
          .intersection(rect)
        let words = mask.words(row: row, column: key, width: column - 1)
        var style = words == "none" || words == "·" ? look.theme.dim : look.theme.good
        if here.0 == row && here.1 == key { style = look.theme.cursor }
        line(words, in: place, style: style, alignment: .trailing)
        hits.add(place, .maskBlock(row: row, column: key))
      }
    }
  }

  /// One cell an edge, in a window round the cursor.
  private mutating func drawMaskCells(_ state: InspectorState, _ sequence: SequenceTrace, in rect: Rect) {
    guard sequence.length > 0, rect.height >= 2, rect.width >= 2, let edge = state.maskEdge else { return }
    let room = rect.dropping(bottom: 1)
    let cursor = GridPoint(column: edge.column, row: edge.row)
    let layout = GridLayout(columns: sequence.length, rows: sequence.length, in: room, look, keeping: cursor)
    let (allowed, blocked) = (ColorMap.cividis.color(1), look.theme.noDataColor)
    for y in layout.area.y..<layout.area.maxY {
      for x in layout.area.x..<layout.area.maxX {
        let place = Point(x: x, y: y)
        guard let upper = layout.gridPoint(at: place, unit: 0) else { continue }
        let isUpper = sequence.allows(row: upper.row, column: upper.column)
        guard look.drawsHalfBlocks else {
          frame.put(isUpper ? "#" : ".", isUpper ? look.theme.text : look.theme.dim, x: x, y: y, clip: room)
          continue
        }
        let lower = layout.gridPoint(at: place, unit: 1)
        let isLower = lower.map { sequence.allows(row: $0.row, column: $0.column) }
        let style = Style(
          isUpper ? allowed : blocked, on: isLower.map { $0 ? allowed : blocked } ?? look.theme.background)
        frame.put(look.glyphs.upperHalf, style, x: x, y: y, clip: room)
      }
    }
    draw(GridMarks(layout: layout, cursor: cursor), in: room)
    hits.add(layout.area, .maskCells(layout))
    let rows = "\(layout.first.row)–\(layout.first.row + layout.visible.height - 1)"
    let columns = "\(layout.first.column)–\(layout.first.column + layout.visible.width - 1)"
    line("queries \(rows), keys \(columns) of \(sequence.length)", in: rect.bottom(1), style: look.theme.dim)
  }
}

extension SegmentKind {
  /// Three letters at most, for narrow columns.
  var shortName: String {
    switch self {
    case .bos: "bos"
    case .anchors: "anc"
    case .patches: "pat"
    case .cls: "cls"
    case .newline: "nl"
    case .voco: "voc"
    case .text: "txt"
    }
  }
}

extension MaskStatistics {
  /// The segment that holds a position.
  func span(of position: Int) -> Int? { spans.firstIndex { $0.range.contains(position) } }

  /// `all`, `none`, or how many edges, as exactly as the width allows.
  func words(row: Int, column: Int, width: Int) -> String {
    let (count, total) = (allowed[row][column], total(row: row, column: column))
    if count == 0 { return width >= 4 ? "none" : "·" }
    if count == total { return "all" }
    let exact = "\(Format.integer(count))/\(Format.integer(total))"
    if displayWidth(exact) <= width { return exact }
    let short = Format.integer(count)
    return displayWidth(short) <= width ? short : "\(count / 1000)k"
  }
}
