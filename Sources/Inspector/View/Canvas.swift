package import TerminalUI

/// What a click means.
package enum HitTarget: Sendable, Hashable {
  case panel(Panel)
  case command(Command)
  /// A patch of a map whose cells stand as this layout says.
  case patches(GridLayout)
  /// A patch of the picture, whose cells are stretched over the region.
  case picture
  /// A cell of the code grid.
  case codes(GridLayout)
  /// A cell of the mask, row and column counted from these positions.
  case maskCells(GridLayout)
  /// A pair of segments of the mask, by their numbers.
  case maskBlock(row: Int, column: Int)
  case key(KeyReference)
  /// A layer; `nil` is all.
  case layer(Int?)
  /// A cell of the layer × head matrix.
  case cells(GridLayout)
  case tensor(Int)
  /// A row of the open menu.
  case choice(Int)
  /// The inside of a dialog, where clicks do nothing.
  case dialog
}

/// A frame under construction, with what its regions mean to the mouse.
package struct Canvas {
  package var frame: Frame
  package var hits = HitMap<HitTarget>()
  package let look: Appearance

  package init(size: Size, look: Appearance) {
    frame = Frame(size: size)
    self.look = look
    frame.fill(Rect(size), with: Cell(" ", look.theme.text))
  }

  /// Writes one line, cut with an ellipsis where it does not fit.
  mutating func line(_ text: String, in rect: Rect, row: Int = 0, style: Style? = nil, alignment: Alignment = .leading)
  {
    guard row >= 0 && row < rect.height else { return }
    let place = Rect(x: rect.x, y: rect.y + row, width: rect.width, height: 1)
    frame.writeLine(
      text, in: place, style: style ?? look.theme.text, alignment: alignment, ellipsis: look.glyphs.ellipsis)
  }

  /// Writes spans in one line.
  mutating func line(_ spans: [Span], in rect: Rect, row: Int = 0) {
    guard row >= 0 && row < rect.height else { return }
    frame.writeLine(spans, in: Rect(x: rect.x, y: rect.y + row, width: rect.width, height: 1), look)
  }

  /// Writes wrapped text; returns the rows it took, at most those there are.
  @discardableResult
  mutating func paragraph(_ text: String, in rect: Rect, style: Style? = nil) -> Int {
    guard !rect.isEmpty else { return 0 }
    return min(rect.height, frame.writeParagraph(text, in: rect, style: style ?? look.theme.text))
  }

  mutating func draw(_ widget: some Widget, in rect: Rect) { widget.draw(in: rect, of: &frame, look) }
}
