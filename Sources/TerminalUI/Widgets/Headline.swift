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
