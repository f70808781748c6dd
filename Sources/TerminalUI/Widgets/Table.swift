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

  /// The longest end of `text` that fits, behind an ellipsis; `text` itself where it fits whole.
  private func ending(_ text: String, _ width: Int, _ ellipsis: Character) -> String {
    guard displayWidth(text) > width else { return text }
    var end = text[...]
    while !end.isEmpty && displayWidth(String(end)) > width - displayWidth(ellipsis) { end.removeFirst() }
    return String(ellipsis) + end
  }

  private func widths() -> [Layout.Constraint] {
    columns.enumerated().map { index, column in
      // Measured only where it decides: a checkpoint has a thousand rows.
      column.width ?? .fixed(rows.reduce(displayWidth(column.title)) { max($0, displayWidth($1[index].text)) })
    }
  }
}
