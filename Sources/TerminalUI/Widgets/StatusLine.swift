import ColorMaps

/// The last row: what stands under the cursor, and keys that work here.
package struct StatusLine<Target: Sendable & Hashable>: Widget, Sendable, Hashable {
  package struct Hint: Sendable, Hashable {
    package var key: String
    package var label: String
    package var target: Target

    package init(_ key: String, _ label: String, _ target: Target) {
      self.key = key
      self.label = label
      self.target = target
    }
  }

  package var message: [Span]
  /// Most useful first: those that do not fit are left out from the end.
  package var hints: [Hint]

  package init(message: [Span], hints: [Hint]) {
    self.message = message
    self.hints = hints
  }

  /// Draws one row and tells where each hint stands; the message is never cut for the hints' sake.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Target>] {
    guard !rect.isEmpty else { return [] }
    var hits: [Hit<Target>] = []
    let row = Rect(x: rect.x, y: rect.y, width: rect.width, height: 1)
    frame.fill(row, with: Cell(" ", look.theme.statusLine))
    frame.writeLine(message, in: row, look)
    let messageWidth = message.reduce(0) { $0 + displayWidth($1.text) }
    var room = rect.width - messageWidth - 2
    let shown = hints.prefix { hint in
      room -= width(of: hint)
      return room >= 0
    }
    var x = rect.maxX - shown.reduce(0) { $0 + width(of: $1) }
    for hint in shown {
      let place = Rect(x: x, y: rect.y, width: width(of: hint) - 2, height: 1)
      let spans = [Span(hint.key, look.theme.statusKey), Span(" " + hint.label, look.theme.statusLine)]
      frame.write(spans, at: Point(x: x, y: rect.y), clippedTo: row)
      hits.append(Hit(hint.target, place))
      x += width(of: hint)
    }
    return hits
  }

  /// Columns of a hint, with the two blanks that part it from the next.
  private func width(of hint: Hint) -> Int { displayWidth(hint.key) + 1 + displayWidth(hint.label) + 2 }
}

/// Names side by side, one of them chosen; scrolled sideways so that it is in sight.
package struct Tabs: Widget, Sendable, Hashable {
  package var titles: [String]
  package var selected: Int

  package init(_ titles: [String], selected: Int) {
    self.titles = titles
    self.selected = selected
  }

  /// Draws one row; returns where each visible tab stands, for the mouse.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Int>] {
    guard !rect.isEmpty else { return [] }
    let row = Rect(x: rect.x, y: rect.y, width: rect.width, height: 1)
    // A blank at either side of a title where all of them fit so, else one between them.
    let padding = titles.reduce(0) { $0 + displayWidth($1) + 2 } <= rect.width ? 2 : 1
    let widths = titles.map { displayWidth($0) + padding }
    let ends = widths.reduce(into: [Int]()) { $0.append(($0.last ?? 0) + $1) }
    let end = titles.indices.contains(selected) ? ends[selected] : 0
    let hidden = max(0, end - rect.width)
    var hits: [Hit<Int>] = []
    for (index, title) in titles.enumerated() {
      let x = rect.x + ends[index] - widths[index] - hidden
      let style = index == selected ? look.theme.cursor : look.theme.dim
      frame.write("\(padding == 2 ? " " : "")\(title) ", at: Point(x: x, y: rect.y), style: style, clippedTo: row)
      let place = Rect(x: x, y: rect.y, width: widths[index], height: 1).intersection(row)
      if !place.isEmpty { hits.append(Hit(index, place)) }
    }
    return hits
  }
}

/// What came out, in one sentence over as few lines as it needs, of about equal length.
package struct Headline: Widget, Sendable, Hashable {
  package var text: String
  package var style: Style?

  package init(_ text: String, style: Style? = nil) {
    (self.text, self.style) = (text, style)
  }

  /// The lines of the headline in a room so wide: as few as can be, none much shorter than the others.
  package func lines(width: Int) -> [String] {
    let count = wrapped(text, to: width).count
    guard count > 1 else { return wrapped(text, to: width) }
    // The narrowest room that takes no more lines.
    let narrowest = (1...width).first { wrapped(text, to: $0).count <= count } ?? width
    return wrapped(text, to: narrowest)
  }

  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Never>] {
    guard !rect.isEmpty else { return [] }
    let lines = lines(width: rect.width)
    for (offset, line) in lines.prefix(rect.height).enumerated() {
      let isCut = offset == rect.height - 1 && lines.count > rect.height
      let row = Rect(x: rect.x, y: rect.y + offset, width: rect.width, height: 1)
      frame.writeLine(
        isCut ? line + " " + lines[offset + 1] : line, in: row, style: style ?? look.theme.title,
        ellipsis: look.glyphs.ellipsis)
    }
    return []
  }
}

/// A title whose parts stand most important first: those that do not fit are left out whole, from the end.
package func titleLine(_ parts: [String], width: Int, separator: String = " · ") -> String {
  var line = ""
  for part in parts where !part.isEmpty {
    let longer = line.isEmpty ? part : line + separator + part
    guard line.isEmpty || displayWidth(longer) <= width else { break }
    line = longer
  }
  return truncated(line, to: width)
}

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
