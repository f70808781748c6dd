/// A list that narrows while one types: the command palette, the searchable help.
package struct Menu: Sendable, Hashable {
  package struct Item: Sendable, Hashable {
    package var title: String
    /// Shown at the right, for instance the key.
    package var hint: String
    /// Further words that find it.
    package var keywords: String

    package init(_ title: String, hint: String = "", keywords: String = "") {
      self.title = title
      self.hint = hint
      self.keywords = keywords
    }
  }

  package let items: [Item]
  package private(set) var query: TextField
  /// Index into `matches`.
  package private(set) var selected = 0

  package init(_ items: [Item], query: String = "") {
    self.items = items
    self.query = TextField(query)
  }

  /// Indices of the items that answer the query, best first; items of equal score keep their order.
  package var matches: [Int] { scored.map(\.index) }

  /// The item that Enter takes.
  package var selectedItem: Int? {
    let matches = matches
    return matches.indices.contains(selected) ? matches[selected] : nil
  }

  /// Applies a key; `false` when it is not for the menu (Enter and Escape are the caller's).
  package mutating func handle(_ key: Key) -> Bool {
    let last = max(0, matches.count - 1)
    switch key {
    case .up, .control("p"): selected = selected == 0 ? last : selected - 1
    case .down, .control("n"): selected = selected >= last ? 0 : selected + 1
    case .pageUp: selected = max(0, selected - 10)
    case .pageDown: selected = min(last, selected + 10)
    default:
      let before = query.text
      guard query.handle(key) else { return false }
      if query.text != before { selected = 0 }
    }
    return true
  }

  /// Pastes into the query.
  package mutating func paste(_ text: String) {
    query.insert(text)
    selected = 0
  }

  /// Takes the `row`-th match, as a click does.
  package mutating func select(row: Int) { selected = min(max(0, row), max(0, matches.count - 1)) }

  /// Draws query and matches; returns where each visible match stands, by its row among the matches.
  @discardableResult
  package func draw(
    in rect: Rect, of frame: inout Frame, _ look: Appearance, prompt: String = "> "
  ) -> [(row: Int, rect: Rect)] {
    guard !rect.isEmpty else { return [] }
    frame.fill(rect, with: Cell(" ", look.theme.menu))
    let used = frame.write(prompt, at: Point(x: rect.x, y: rect.y), style: look.theme.menu, clippedTo: rect)
    query.draw(
      in: Rect(x: rect.x + used, y: rect.y, width: rect.width - used, height: 1), of: &frame, look)
    let list = Rect(x: rect.x, y: rect.y + 1, width: rect.width, height: rect.height - 1)
    let scored = scored
    if scored.isEmpty && !list.isEmpty {
      frame.writeLine("nothing found", in: list, style: look.theme.menu, ellipsis: look.glyphs.ellipsis)
    }
    let visible = Scroll().revealing(selected, count: scored.count, height: list.height)
      .range(count: scored.count, height: list.height)
    var hits: [(row: Int, rect: Rect)] = []
    for row in visible {
      let line = Rect(x: list.x, y: list.y + row - visible.lowerBound, width: list.width, height: 1)
      drawItem(scored[row], in: line, isSelected: row == selected, of: &frame, look)
      hits.append((row, line))
    }
    return hits
  }

  private func drawItem(
    _ match: Scored, in line: Rect, isSelected: Bool, of frame: inout Frame, _ look: Appearance
  ) {
    let item = items[match.index]
    let style = isSelected ? look.theme.menuSelected : look.theme.menu
    frame.fill(line, with: Cell(" ", style))
    let hintWidth = min(displayWidth(item.hint), line.width / 2)
    let hint = Rect(x: line.maxX - hintWidth, y: line.y, width: hintWidth, height: 1)
    frame.writeLine(item.hint, in: hint, style: style, alignment: .trailing, ellipsis: look.glyphs.ellipsis)
    let room = Rect(x: line.x, y: line.y, width: max(0, line.width - hintWidth - 1), height: 1)
    let matched = Set(match.positions)
    let spans = item.title.enumerated().map { index, character in
      Span(String(character), matched.contains(index) && !isSelected ? look.theme.menuMatch : style)
    }
    frame.writeLine(spans, in: room, look)
  }

  private struct Scored {
    let index: Int
    let score: Int
    let positions: [Int]
  }

  private var scored: [Scored] {
    items.indices.compactMap { index -> Scored? in
      if let match = FuzzyMatch(query.text, in: items[index].title) {
        return Scored(index: index, score: match.score, positions: match.positions)
      }
      return FuzzyMatch(query.text, in: items[index].keywords).map {
        Scored(index: index, score: $0.score / 2, positions: [])
      }
    }.sorted { ($1.score, $0.index) < ($0.score, $1.index) }
  }
}
