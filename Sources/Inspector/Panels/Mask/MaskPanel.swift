import ColorMaps
import Statistics
import TerminalUI
import Trace

extension Canvas {
  /// The whole matrix, so that its shape is seen; beside or below it the edges round the cursor, the segments in numbers
  /// and the edge under the cursor with its reason.
  mutating func drawMask(_ state: InspectorState, in rect: Rect) {
    guard let mask = state.statistics?.mask, let sequence = state.trace?.sequence, sequence.length > 0 else {
      return line("The sequence is not laid out yet.", in: rect, style: look.theme.dim)
    }
    let side = rect.width >= 60 && rect.height >= 8
    let map = MaskMap(mask.coverage, segments: mask.segments, cursor: state.maskEdge?.point)
    if side {
      let unit = look.drawsHalfBlocks ? 2 : 4
      // The names of the segments stand at the left of the matrix.
      let width = min(rect.width - 30, (rect.height - 1) * unit / (look.drawsHalfBlocks ? 1 : 2) + 9)
      drawMaskMap(map, in: rect.left(width))
      fill(
        rect.dropping(left: width + 2),
        with: [
          edgeBlock(state, mask, width: rect.width - width - 2), magnifierBlock(state, sequence),
          blocksBlock(state, mask),
        ])
      return
    }
    let text = edgeLines(state, mask, width: rect.width)
    let textRows = min(text.count, max(1, rect.height / 3))
    draw(text, in: rect.bottom(textRows))
    let room = rect.dropping(bottom: textRows)
    let rows = mask.spans.count + 1
    if state.view.showsMaskCells && room.height < 24 {
      drawMagnifier(state, sequence, in: room)
    } else if room.height >= 6 {
      let map = min(room.height, room.width / 2 + 1)
      drawMaskMap(MaskMap(mask.coverage, segments: mask.segments, cursor: state.maskEdge?.point), in: room.top(map))
      let below = room.dropping(top: map + 1)
      if below.height >= rows { drawMaskBlocks(state, mask, in: below) }
    } else {
      drawMaskBlocks(state, mask, in: room)
    }
  }

  private mutating func drawMaskMap(_ map: MaskMap, in rect: Rect) {
    hits.add(map.draw(in: rect, of: &frame, look)) { .maskEdge(row: $0.row, column: $0.column) }
  }

  private mutating func draw(_ lines: [(text: String, style: Style)], in rect: Rect) {
    for (row, entry) in lines.prefix(rect.height).enumerated() {
      line(entry.text, in: rect, row: row, style: entry.style)
    }
  }

  private func edgeBlock(_ state: InspectorState, _ mask: MaskStatistics, width: Int) -> Block {
    let rows = edgeLines(state, mask, width: min(width, 60)).count
    return Block(least: Size(width: 24, height: min(rows, 6)), most: rows) {
      $0.draw($0.edgeLines(state, mask, width: $1.width), in: $1)
    }
  }

  private func magnifierBlock(_ state: InspectorState, _ sequence: SequenceTrace) -> Block {
    Block(least: Size(width: 50, height: 6)) { $0.drawMagnifier(state, sequence, in: $1) }
  }

  private func blocksBlock(_ state: InspectorState, _ mask: MaskStatistics) -> Block {
    let rows = mask.spans.count + 2
    return Block(least: Size(width: 28, height: rows), most: rows) { canvas, rect in
      canvas.line("allowed edges, query down, key across", in: rect, style: canvas.look.theme.title)
      canvas.drawMaskBlocks(state, mask, in: rect.dropping(top: 1))
    }
  }

  /// What the blocked edges carry, the edge under the cursor and its reason.
  private func edgeLines(_ state: InspectorState, _ mask: MaskStatistics, width: Int) -> [(text: String, style: Style)]
  {
    var lines: [(text: String, style: Style)] = []
    if let edge = state.maskEdge {
      let verdict = edge.isAllowed ? "allowed" : "blocked"
      let names = "\(state.keyName(edge.row)) \(edge.row) → \(state.keyName(edge.column)) \(edge.column): \(verdict)"
      lines += wrapped(names, to: width).map { ($0, look.theme.title) }
      lines += wrapped(edge.sentence, to: width).map { ($0, look.theme.text) }
      if let value = state.edgeAttention(row: edge.row, column: edge.column) {
        let words = "attention \(Format.number(Double(value))), mean over live layers and heads"
        lines += wrapped(words, to: width).map { ($0, look.theme.text) }
      }
    }
    let holds = mask.blocked?.holds ?? true
    let checked = wrapped("blocked edges \(state.blockedWords(mask))", to: width)
      .map { ($0, holds ? look.theme.good : look.theme.bad) }
    return lines + checked
  }

  /// Every edge round the cursor, a cell each.
  private mutating func drawMagnifier(_ state: InspectorState, _ sequence: SequenceTrace, in rect: Rect) {
    guard rect.height >= 3, let edge = state.maskEdge else { return }
    line("edges round the cursor", in: rect, style: look.theme.title)
    let magnifier = MaskMagnifier(size: sequence.length, center: edge.point) { sequence.allows(row: $0, column: $1) }
    hits.add(magnifier.draw(in: rect.dropping(top: 1), of: &frame, look)) { .maskEdge(row: $0.row, column: $0.column) }
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
}

/// A cell of the mask: query and key, whether the edge is allowed, and why.
package struct MaskEdge: Sendable, Equatable {
  package let row: Int
  package let column: Int
  package let isAllowed: Bool
  package let sentence: String

  var point: GridPoint { GridPoint(column: column, row: row) }
}

extension InspectorState {
  var maskReport: PanelReport {
    var report = PanelReport(.mask)
    guard let mask = statistics?.mask, let model = trace?.model else {
      report.notes = ["The sequence is not laid out yet."]
      return report
    }
    report.add("mask", model.visualMask.rawValue)
    report.add("positions", .integer(links.sequence?.length ?? 0))
    if let edge = maskEdge {
      report.add("query", "\(keyName(edge.row)) \(edge.row)")
      report.add("key", "\(keyName(edge.column)) \(edge.column)")
      report.add("edge", edge.isAllowed ? "allowed" : "blocked")
      report.add("reason", edge.sentence)
    }
    report.add("blocked edges", blockedWords(mask))
    let names = mask.spans.map(\.kind.rawValue)
    report.tables = [
      .init(
        "allowed edges by segment, query in rows, key in columns", columns: ["query \\ key"] + names,
        rows: mask.spans.indices.map { row in
          [.text("\(names[row]) \(mask.spans[row].count)")]
            + mask.spans.indices.map {
              .text("\(Format.integer(mask.allowed[row][$0]))/\(Format.integer(mask.total(row: row, column: $0)))")
            }
        })
    ]
    return report
  }

  var maskFindings: [String] {
    guard let mask = statistics?.mask, let model = trace?.model else { return [] }
    var checked = "blocked edges \(blockedWords(mask))"
    if let blocked = mask.blocked, blocked.count > 0, blocked.holds {
      let mark = glyphs.isUnicode ? "✓" : "ok"
      checked = "\(Format.integer(blocked.count)) blocked edges of \(blocked.rowWords) carry 0.0 \(mark)"
    }
    return [model.visualMask.rawValue, checked, "arrows go by \(view.showsMaskCells ? "cell" : "segment")"]
  }

  /// What the blocked edges carry, checked against the measured attention.
  func blockedWords(_ mask: MaskStatistics) -> String {
    guard let blocked = mask.blocked else { return "not checked: the decoder has not run yet" }
    let rows = "\(blocked.rowWords) of \(Format.integer(blocked.positions))"
    if blocked.count == 0 { return "none in \(rows)" }
    return blocked.holds
      ? "carry 0.0 \(glyphs.isUnicode ? "✓" : "ok") (\(Format.integer(blocked.count)) checked in \(rows))"
      : "✗ one carries \(Format.number(Double(blocked.largest)))"
  }

  /// The mask cell under the cursor with its reason; `nil` before the sequence is known.
  package var maskEdge: MaskEdge? {
    guard let sequence = trace?.sequence, let index = links.sequence, let model = trace?.model,
      let row = cursor.queryPosition(links), let column = links.position(of: cursor.key)
    else { return nil }
    let reason = MaskRule(model.visualMask, kinds: index.kinds).reason(row: row, column: column)
    let isAllowed = sequence.allows(row: row, column: column)
    let sentence =
      reason.isAllowed == isAllowed ? reason.sentence : "The trace's mask differs from the rule: \(reason.sentence)"
    return MaskEdge(row: row, column: column, isAllowed: isAllowed, sentence: sentence)
  }
}
