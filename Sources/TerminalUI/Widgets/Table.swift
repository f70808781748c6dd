/// Rows of aligned columns under a heading, scrolled so that the selected row is in sight.
package struct Table: Widget, Sendable, Hashable {
  package struct Column: Sendable, Hashable {
    package var title: String
    package var alignment: Alignment
    /// Room for the column; `nil` fits its widest text.
    package var width: Layout.Constraint?
    /// Whether a text too long for its column loses its start: keys of one model differ in their ends.
    package var keepsEnd: Bool

    package init(
      _ title: String, _ alignment: Alignment = .leading, width: Layout.Constraint? = nil, keepsEnd: Bool = false
    ) {
      self.title = title
      self.alignment = alignment
      self.width = width
      self.keepsEnd = keepsEnd
    }
  }

  package var columns: [Column]
  package var rows: [[Span]]
  package var selected: Int?
  package var scroll: Scroll

  /// - Parameter rows: one span a column.
  package init(columns: [Column], rows: [[Span]], selected: Int? = nil, scroll: Scroll = Scroll()) {
    precondition(rows.allSatisfy { $0.count == columns.count }, "one span a column")
    self.columns = columns
    self.rows = rows
    self.selected = selected
    self.scroll = scroll
  }

  /// Draws heading and visible rows; returns where each visible row stands, for the mouse.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Int>] {
    guard !rect.isEmpty else { return [] }
    let body = Rect(x: rect.x, y: rect.y + 1, width: rect.width, height: rect.height - 1)
    let needsBar = rows.count > body.height && rect.width > 1
    let room = Rect(x: rect.x, y: rect.y, width: rect.width - (needsBar ? 1 : 0), height: rect.height)
    let places = Layout(.horizontal, widths(), gap: 1).split(room)
    for (column, place) in zip(columns, places) {
      let cell = Rect(x: place.x, y: rect.y, width: place.width, height: 1)
      frame.writeLine(
        column.title, in: cell, style: look.theme.title, alignment: column.alignment, ellipsis: look.glyphs.ellipsis)
    }
    let visible = scroll.revealing(selected, count: rows.count, height: body.height).range(
      count: rows.count, height: body.height)
    var hits: [Hit<Int>] = []
    for row in visible {
      let line = Rect(x: room.x, y: body.y + row - visible.lowerBound, width: room.width, height: 1)
      drawRow(row, in: line, places, of: &frame, look)
      hits.append(Hit(row, line))
    }
    if needsBar { ScrollBar(visible: visible, count: rows.count).draw(in: body, of: &frame, look) }
    return hits
  }

  private func drawRow(_ row: Int, in line: Rect, _ places: [Rect], of frame: inout Frame, _ look: Appearance) {
    for (column, place) in places.enumerated() {
      let cell = Rect(x: place.x, y: line.y, width: place.width, height: 1)
      let span = rows[row][column]
      let text = columns[column].keepsEnd ? ending(span.text, place.width, look.glyphs.ellipsis) : span.text
      frame.writeLine(
        text, in: cell, style: span.style, alignment: columns[column].alignment, ellipsis: look.glyphs.ellipsis)
    }
    if row == selected { frame.restyle(line) { $0 = look.theme.cursor } }
  }

  private func widths() -> [Layout.Constraint] {
    columns.enumerated().map { index, column in
      // Measured only where it decides: a checkpoint has a thousand rows.
      column.width ?? .fixed(rows.reduce(displayWidth(column.title)) { max($0, displayWidth($1[index].text)) })
    }
  }
}

/// Lines of spans, one of them selected, scrolled so that it is in sight.
package struct ListView: Widget, Sendable, Hashable {
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
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Int>] {
    guard !rect.isEmpty else { return [] }
    let needsBar = lines.count > rect.height && rect.width > 1
    let visible = scroll.revealing(selected, count: lines.count, height: rect.height)
      .range(count: lines.count, height: rect.height)
    var hits: [Hit<Int>] = []
    for row in visible {
      let line = Rect(
        x: rect.x, y: rect.y + row - visible.lowerBound, width: rect.width - (needsBar ? 1 : 0), height: 1)
      frame.writeLine(lines[row], in: line, look)
      if row == selected { frame.restyle(line) { $0 = look.theme.cursor } }
      hits.append(Hit(row, line))
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

/// Which part of a long list is in sight.
package struct Scroll: Sendable, Hashable {
  /// The first visible line.
  package var offset: Int

  package init(offset: Int = 0) { self.offset = offset }

  /// The visible lines of `count` in `height` rows; an offset past the end is pulled back.
  package func range(count: Int, height: Int) -> Range<Int> {
    guard count > 0 && height > 0 else { return 0..<0 }
    let first = min(max(0, offset), max(0, count - height))
    return first..<min(count, first + height)
  }

  /// Moved by `lines`, within the list.
  package func moved(by lines: Int, count: Int, height: Int) -> Scroll {
    let (sum, overflows) = offset.addingReportingOverflow(lines)
    return Scroll(offset: min(max(0, overflows ? (lines < 0 ? 0 : count) : sum), max(0, count - height)))
  }

  /// Moved as little as needed for `line` to be in sight.
  package func revealing(_ line: Int?, count: Int, height: Int) -> Scroll {
    let visible = range(count: count, height: height)
    guard let line, !visible.isEmpty, !visible.contains(line) else { return Scroll(offset: visible.lowerBound) }
    return Scroll(offset: line < visible.lowerBound ? line : line - height + 1)
      .moved(by: 0, count: count, height: height)
  }
}

/// A vertical bar at a rectangle's right edge: which part of the whole is in sight.
package struct ScrollBar: Widget, Sendable, Hashable {
  package var visible: Range<Int>
  package var count: Int

  package init(visible: Range<Int>, count: Int) {
    self.visible = visible
    self.count = count
  }

  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Never>] {
    guard !rect.isEmpty && count > visible.count else { return [] }
    let length = max(1, rect.height * visible.count / count)
    let travel = rect.height - length
    let start = rect.y + travel * visible.lowerBound / max(1, count - visible.count)
    for y in rect.y..<rect.maxY {
      let isThumb = (start..<start + length).contains(y)
      let glyph = isThumb ? look.glyphs.scrollThumb : look.glyphs.scrollTrack
      frame.put(glyph, isThumb ? look.theme.accent : look.theme.border, x: rect.maxX - 1, y: y, clip: rect)
    }
    return []
  }
}

/// The longest end of `text` that fits, behind an ellipsis; `text` itself where it fits whole.
package func ending(_ text: String, _ width: Int, _ ellipsis: Character) -> String {
  guard displayWidth(text) > width else { return text }
  var end = text[...]
  while !end.isEmpty && displayWidth(String(end)) > width - displayWidth(ellipsis) { end.removeFirst() }
  return String(ellipsis) + end
}
