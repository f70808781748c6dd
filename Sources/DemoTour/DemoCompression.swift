import ColorMaps
import Evidence
import Inspector
import Statistics
import Tensor
import TerminalUI
import Trace

extension Canvas {
  /// Who sees whom, by segments, a query row after another.
  mutating func drawMaskBlocks(_ content: DemoContent, _ revealed: Double, in rect: Rect) {
    guard let sequence = content.trace.sequence else { return }
    let spans = sequence.spans.filter { $0.count > 0 }
    let label = rect.width >= 44 ? 13 : 0
    let legend = rect.height >= 10 ? 2 : 0
    let room = rect.dropping(bottom: legend).dropping(left: label)
    guard room.height >= spans.count, room.width >= spans.count else {
      return line("\(spans.count) kinds of token", in: rect, style: look.theme.dim)
    }
    let heights = Self.lengths(spans, total: room.height)
    let widths = Self.lengths(spans, total: min(room.width, 4 * room.height))
    let shown = Int((revealed * Double(spans.count)).rounded(.up))
    var y = room.y
    for (row, span) in spans.enumerated() where row < shown {
      if label > 0 {
        let style = span.kind == .voco ? look.theme.title : look.theme.dim
        line(name(span), in: Rect(x: rect.x, y: y, width: label - 1, height: 1), style: style)
      }
      var x = room.x
      for (column, key) in spans.enumerated() {
        let block = Rect(x: x, y: y, width: widths[column], height: heights[row])
        fill(block, sequence, query: span, key: key, isVoco: span.kind == .voco)
        x += widths[column]
      }
      y += heights[row]
    }
    guard legend > 0 else { return }
    let ramp = look.drawsHalfBlocks ? "bright: sees" : "#: sees"
    line(
      "rows look at columns · \(ramp) · diagonal: only itself · in order: \(spans.map(name).joined(separator: ", "))",
      in: rect.bottom(1), style: look.theme.dim)
  }

  /// A block of the mask, each cell taken from the positions that it stands for.
  private mutating func fill(
    _ block: Rect, _ sequence: SequenceTrace, query: SequenceSpan, key: SequenceSpan, isVoco: Bool
  ) {
    for row in 0..<block.height {
      for column in 0..<block.width {
        let allowed = isAllowed(sequence, query, key, row, block.height, column, block.width)
        let x = block.x + column
        let y = block.y + row
        let style: Style
        if look.drawsHalfBlocks {
          let color: Color =
            allowed
            ? (isVoco ? look.theme.cursorColor : ColorMap.cividis.color(0.75, look.depth))
            : ColorMap.cividis.color(0.05, look.depth)
          style = Style(color, on: color)
          frame.put(" ", style, x: x, y: y, clip: block)
        } else {
          style = isVoco ? look.theme.title : look.theme.text
          frame.put(allowed ? "#" : ".", style, x: x, y: y, clip: block)
        }
      }
    }
  }

  /// Whether the positions of a cell of a block may see each other; a diagonal stays one cell wide.
  private func isAllowed(
    _ sequence: SequenceTrace, _ query: SequenceSpan, _ key: SequenceSpan, _ row: Int, _ height: Int, _ column: Int,
    _ width: Int
  ) -> Bool {
    let queryPosition = query.start + min(query.count - 1, row * query.count / height)
    let keyPosition = key.start + min(key.count - 1, column * key.count / width)
    if query.start == key.start && query.count > 1 && query.kind.isVisual {
      let isStar = !sequence.allows(row: query.start + query.count - 1, column: query.start)
      if isStar { return column * height / width == row || row * width / height == column }
    }
    return sequence.allows(
      row: max(queryPosition, keyPosition <= queryPosition ? queryPosition : query.start), column: keyPosition)
  }

  private func name(_ span: SequenceSpan) -> String {
    switch span.kind {
    case .bos: "start"
    case .anchors: "\(span.count) anchors"
    case .patches: "\(span.count) patches"
    case .cls: "CLS"
    case .newline: "newline"
    case .voco: "<voco>"
    case .text: "question"
    }
  }

  /// Lengths for the segments: patches get most, the rest enough to be seen.
  private static func lengths(_ spans: [SequenceSpan], total: Int) -> [Int] {
    let weights = spans.map { span -> Double in
      switch span.kind {
      case .patches: 10
      case .anchors, .text: 3
      default: 1.5
      }
    }
    let split = Layout(.horizontal, weights.map { .fill(weight: $0, minimum: 1) })
      .split(Rect(x: 0, y: 0, width: total, height: 1))
    return split.map(\.width)
  }

  /// The attention of voco over the picture; beside it what all tokens keep, shrinking to what voco keeps.
  mutating func drawCompression(
    _ content: DemoContent, _ revealed: Double, in rect: Rect, pictures: PictureRenderer?
  ) {
    let hasRoom = rect.width >= 50
    let places = hasRoom ? Layout(.horizontal, [.fill, .fill], gap: 3).split(rect) : [rect]
    drawPicture(content.attended(look), in: places[0], pictures: look.hasColor ? pictures : nil)
    guard hasRoom, let bill = content.bill, let full = bill[.full], let voco = bill[.voco], let ratio = bill.ratio
    else { return }
    let side = places[1]
    var row = max(0, side.height / 2 - 4)
    func put(_ canvas: inout Canvas, _ text: String, _ style: Style) {
      canvas.line(text, in: side, row: row, style: style)
      row += 1
    }
    put(&self, "keys and values kept", look.theme.dim)
    put(&self, "\(Format.integer(full.rows)) tokens: \(Format.bytes(full.computedBytes))", look.theme.text)
    drawBar(1, in: side, row: row)
    row += 2
    // The bar falls from all to what is left.
    let left = Double(voco.computedBytes) / Double(max(1, full.computedBytes))
    put(&self, "\(voco.rows) <voco>: \(Format.bytes(voco.computedBytes))", look.theme.title)
    drawBar(1 - revealed * (1 - left), in: side, row: row)
    row += 2
    if revealed >= 1 { put(&self, "\(Format.times(ratio)) fewer bytes", look.theme.good) }
  }

  private mutating func drawBar(_ fraction: Double, in rect: Rect, row: Int) {
    guard row < rect.height else { return }
    var style = look.theme.barFill
    if look.hasColor { style.background = look.theme.field.background }
    let bar = Rect(x: rect.x, y: rect.y + row, width: max(1, rect.width - 2), height: 1)
    // Something is always kept, however little a cell of it shows.
    frame.drawEighths(max(fraction, 0.125 / Double(bar.width)), in: bar, style: style, look)
  }

  /// What an answer shows here at most.
  private static let mostDemoTokens = 8

  /// The three answers as they come, token by token.
  mutating func drawAnswers(
    _ content: DemoContent, _ revealed: Double, in rect: Rect, pictures: PictureRenderer?
  ) {
    guard let exchange = content.compression.latest else { return }
    let longest = exchange.answers.map(\.tokens.count).max() ?? 0
    let most = min(longest, Self.mostDemoTokens, max(1, rect.height - 4))
    let isOver = revealed >= 1
    let tokens = isOver ? longest : Int((revealed * Double(min(longest, most))).rounded(.up))
    let lines = CompressionLines(
      state: content.compression.revealing(tokens: tokens), view: CompressionViewSettings(), look: look,
      width: min(rect.width, 120)
    ).demoAnswers(mostTokens: most, isOver: isOver, right: content.right)
    ListView(lines).draw(in: rect, of: &frame, look)
    // The picture keeps the rest of the screen; its place does not move while answers grow.
    let rest = rect.dropping(top: most + 4)
    if rest.height >= 6 { drawPicture(content.square, in: rest, pictures: pictures) }
  }
}

extension DemoContent {
  /// The square under voco's attention: what it attends to more is brighter.
  func attended(_ look: Appearance) -> Picture {
    guard look.hasColor, patchShares.count == grid.count, let largest = patchShares.max(), largest > 0 else {
      return square
    }
    let pixels = overlaid(
      square.pixels, width: square.width, height: square.height,
      colors: patchShares.map { ColorMap.cividis.color(($0 / largest).squareRoot(), look.depth) },
      columns: grid.columns,
      rows: grid.rows, opacity: 0.6)
    return Picture(width: square.width, height: square.height, pixels: pixels)
  }
}
