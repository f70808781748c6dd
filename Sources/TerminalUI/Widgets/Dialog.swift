import ColorMaps

/// A framed box over the middle of the screen.
package struct Dialog: Widget, Sendable, Hashable {
  package var title: String
  /// Room wanted inside the frame.
  package var content: Size

  package init(title: String, content: Size) {
    self.title = title
    self.content = content
  }

  /// The frame's place over the middle of `rect`, as large as fits.
  private func box(in rect: Rect) -> Rect {
    let width = min(content.width + 4, rect.width)
    let height = min(content.height + 2, rect.height)
    return Rect(
      x: rect.x + (rect.width - width) / 2, y: rect.y + (rect.height - height) / 2, width: width, height: height)
  }

  /// The room inside the frame when it is drawn in `rect`.
  package func room(in rect: Rect) -> Rect {
    let inside = box(in: rect).inset(by: 1)
    return Rect(x: inside.x + 1, y: inside.y, width: inside.width - 2, height: inside.height)
  }

  /// Draws the frame over `rect`'s middle.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Never>] {
    let box = box(in: rect)
    frame.caret = nil
    frame.fill(box, with: Cell(" ", look.theme.dialog))
    var border = look.theme.focusBorder
    border.background = look.theme.dialog.background
    frame.box(box, title: title, style: border, glyphs: look.glyphs)
    return []
  }

  /// Draws a dialog around a text, broken into lines of at most `width` columns.
  package static func draw(
    _ text: String, title: String, width: Int = 60, in rect: Rect, of frame: inout Frame, _ look: Appearance
  ) {
    let room = max(1, min(width, rect.width - 4))
    let lines = wrapped(text, to: room)
    let widest = max(displayWidth(title), lines.map { displayWidth($0) }.max() ?? 0)
    let dialog = Dialog(title: title, content: Size(width: widest, height: lines.count))
    dialog.draw(in: rect, of: &frame, look)
    frame.writeParagraph(text, in: dialog.room(in: rect), style: look.theme.dialog)
  }
}

/// One line across the screen that must not be overlooked.
package struct Banner: Widget, Sendable, Hashable {
  package var text: String
  package var isError: Bool

  package init(_ text: String, isError: Bool = false) {
    self.text = text
    self.isError = isError
  }

  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Never>] {
    guard !rect.isEmpty else { return [] }
    let style = isError ? look.theme.errorBanner : look.theme.banner
    let row = Rect(x: rect.x, y: rect.y, width: rect.width, height: 1)
    frame.fill(row, with: Cell(" ", style))
    let room = Rect(x: rect.x + 1, y: rect.y, width: rect.width - 2, height: 1)
    frame.writeLine(text, in: room, style: style, ellipsis: look.glyphs.ellipsis)
    return []
  }
}
