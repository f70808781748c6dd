/// Lines of spans, one of them selected, scrolled so that it is in sight.
package struct ListView: Sendable, Hashable {
  package var lines: [[Span]]
  package var selected: Int?
  package var scroll: Scroll

  package init(_ lines: [[Span]], selected: Int? = nil, scroll: Scroll = Scroll()) {
    self.lines = lines
    self.selected = selected
    self.scroll = scroll
  }

  /// Draws the visible lines; returns where each stands, for the mouse.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [(row: Int, rect: Rect)] {
    guard !rect.isEmpty else { return [] }
    let needsBar = lines.count > rect.height && rect.width > 1
    let visible = scroll.revealing(selected, count: lines.count, height: rect.height)
      .range(count: lines.count, height: rect.height)
    var hits: [(row: Int, rect: Rect)] = []
    for row in visible {
      let line = Rect(
        x: rect.x, y: rect.y + row - visible.lowerBound, width: rect.width - (needsBar ? 1 : 0), height: 1)
      frame.writeLine(lines[row], in: line, look)
      if row == selected { frame.restyle(line) { $0 = look.theme.cursor } }
      hits.append((row, line))
    }
    if needsBar { ScrollBar(visible: visible, count: lines.count).draw(in: rect, of: &frame, look) }
    return hits
  }
}

extension Frame {
  /// Writes spans into a rectangle's first row; what does not fit is cut with an ellipsis.
  package mutating func writeLine(_ spans: [Span], in rect: Rect, _ look: Appearance) {
    guard !rect.isEmpty else { return }
    let width = write(spans, at: Point(x: rect.x, y: rect.y), clippedTo: rect)
    guard width > rect.width else { return }
    let style = self[rect.maxX - 1, rect.y].style
    put(look.glyphs.ellipsis, style, x: rect.maxX - 1, y: rect.y, clip: rect)
  }

  /// Writes text over several lines, broken at spaces; returns how many lines it takes.
  @discardableResult
  package mutating func writeParagraph(_ text: String, in rect: Rect, style: Style) -> Int {
    let lines = wrapped(text, to: rect.width)
    for (offset, line) in lines.prefix(rect.height).enumerated() {
      write(line, at: Point(x: rect.x, y: rect.y + offset), style: style, clippedTo: rect)
    }
    return lines.count
  }
}
