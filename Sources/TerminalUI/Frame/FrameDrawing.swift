/// A piece of text in one style.
package struct Span: Sendable, Hashable {
  package var text: String
  package var style: Style

  package init(_ text: String, _ style: Style) {
    self.text = text
    self.style = style
  }
}

extension Frame {
  /// Puts one character; a wide character it cuts in half is blanked, a wide one at the clip's edge becomes a space.
  package mutating func put(_ character: Character, width: Int = 1, _ style: Style, x: Int, y: Int, clip: Rect) {
    let clip = clip.intersection(bounds)
    guard clip.contains(Point(x: x, y: y)) else { return }
    let isWhole = width == 1 || x + 1 < clip.maxX
    mendWideCharacters(from: x, to: x + (isWhole ? width : 1), y: y)
    self[x, y] = Cell(isWhole ? character : " ", style)
    if isWhole && width == 2 { self[x + 1, y] = Cell(Cell.continuation.character, style) }
  }

  /// Writes text from a position to the right, within `clip`; foreign text is made safe first.
  ///
  /// Returns the columns the whole text takes, clipped or not.
  @discardableResult
  package mutating func write(_ text: String, at point: Point, style: Style, clippedTo clip: Rect? = nil) -> Int {
    let clip = (clip ?? bounds).intersection(bounds)
    var x = point.x
    for cell in textCells(text) {
      if cell.width == 2 && x + 1 == clip.x {
        put(" ", style, x: clip.x, y: point.y, clip: clip)
      } else {
        put(cell.character, width: cell.width, style, x: x, y: point.y, clip: clip)
      }
      x += cell.width
    }
    return x - point.x
  }

  /// Writes spans one after another; returns the columns they take.
  @discardableResult
  package mutating func write(_ spans: [Span], at point: Point, clippedTo clip: Rect? = nil) -> Int {
    var x = point.x
    for span in spans { x += write(span.text, at: Point(x: x, y: point.y), style: span.style, clippedTo: clip) }
    return x - point.x
  }

  /// Writes one line into a rectangle's first row, aligned, cut with `…` when it does not fit.
  package mutating func writeLine(
    _ text: String, in rect: Rect, style: Style, alignment: Alignment = .leading, ellipsis: Character = "…"
  ) {
    guard !rect.isEmpty else { return }
    let text = truncated(text, to: rect.width, ellipsis: ellipsis)
    let free = rect.width - displayWidth(text)
    let offset = alignment == .leading ? 0 : alignment == .trailing ? free : free / 2
    write(text, at: Point(x: rect.x + offset, y: rect.y), style: style, clippedTo: rect)
  }

  /// Fills a rectangle with one cell of width 1.
  package mutating func fill(_ rect: Rect, with cell: Cell) {
    let area = rect.intersection(bounds)
    guard !area.isEmpty else { return }
    for y in area.y..<area.maxY {
      mendWideCharacters(from: area.x, to: area.maxX, y: y)
      for x in area.x..<area.maxX { cells[y * size.width + x] = cell }
    }
  }

  /// Changes the style of a rectangle's cells, leaving its text.
  package mutating func restyle(_ rect: Rect, _ change: (inout Style) -> Void) {
    let area = rect.intersection(bounds)
    guard !area.isEmpty else { return }
    for y in area.y..<area.maxY {
      for x in area.x..<area.maxX { change(&cells[y * size.width + x].style) }
    }
  }

  /// Draws a border just inside a rectangle, with a title in its top edge; returns the room inside.
  @discardableResult
  package mutating func box(_ rect: Rect, title: String = "", style: Style, titleStyle: Style? = nil, glyphs: Glyphs)
    -> Rect
  {
    guard rect.width >= 2 && rect.height >= 2 else { return rect.inset(by: 1) }
    for x in rect.x + 1..<rect.maxX - 1 {
      put(glyphs.horizontal, style, x: x, y: rect.y, clip: rect)
      put(glyphs.horizontal, style, x: x, y: rect.maxY - 1, clip: rect)
    }
    for y in rect.y + 1..<rect.maxY - 1 {
      put(glyphs.vertical, style, x: rect.x, y: y, clip: rect)
      put(glyphs.vertical, style, x: rect.maxX - 1, y: y, clip: rect)
    }
    put(glyphs.topLeft, style, x: rect.x, y: rect.y, clip: rect)
    put(glyphs.topRight, style, x: rect.maxX - 1, y: rect.y, clip: rect)
    put(glyphs.bottomLeft, style, x: rect.x, y: rect.maxY - 1, clip: rect)
    put(glyphs.bottomRight, style, x: rect.maxX - 1, y: rect.maxY - 1, clip: rect)
    let room = Rect(x: rect.x + 1, y: rect.y, width: rect.width - 2, height: 1)
    writeLine(title, in: room, style: titleStyle ?? style, ellipsis: glyphs.ellipsis)
    return rect.inset(by: 1)
  }

  /// Copies another frame's cells to a position, within `clip`.
  package mutating func blit(_ other: Frame, at point: Point, clippedTo clip: Rect? = nil) {
    blit(other.cells, size: other.size, at: point, clippedTo: clip)
  }

  /// Copies row-major cells of `size` to a position, within `clip`.
  package mutating func blit(_ source: [Cell], size other: Size, at point: Point, clippedTo clip: Rect? = nil) {
    precondition(source.count == other.width * other.height, "cells do not fill their size")
    let target = Rect(x: point.x, y: point.y, width: other.width, height: other.height)
    let area = target.intersection(clip ?? bounds).intersection(bounds)
    guard !area.isEmpty else { return }
    for y in area.y..<area.maxY {
      mendWideCharacters(from: area.x, to: area.maxX, y: y)
      for x in area.x..<area.maxX {
        cells[y * size.width + x] = source[(y - point.y) * other.width + x - point.x]
      }
      mendEdges(of: area, y: y)
    }
  }

  /// Blanks the other half of wide characters that a write to columns `from..<to` cuts.
  private mutating func mendWideCharacters(from: Int, to: Int, y: Int) {
    let halfway = Cell.continuation.character
    if self[from, y].character == halfway { self[from - 1, y].character = " " }
    if self[to, y].character == halfway { self[to, y].character = " " }
  }

  /// Blanks wide characters of a copy whose other half was clipped away.
  private mutating func mendEdges(of area: Rect, y: Int) {
    let halfway = Cell.continuation.character
    if self[area.x, y].character == halfway { self[area.x, y].character = " " }
    let last = self[area.maxX - 1, y].character
    if last != halfway && displayWidth(last) == 2 { self[area.maxX - 1, y].character = " " }
  }
}

/// Where text stands in its room.
package enum Alignment: Sendable, Hashable {
  case leading, center, trailing
}
