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
