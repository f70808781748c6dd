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
    let widths = titles.map { displayWidth($0) + 2 }
    let ends = widths.reduce(into: [Int]()) { $0.append(($0.last ?? 0) + $1) }
    let end = titles.indices.contains(selected) ? ends[selected] : 0
    let hidden = max(0, end - rect.width)
    var hits: [Hit<Int>] = []
    for (index, title) in titles.enumerated() {
      let x = rect.x + ends[index] - widths[index] - hidden
      let style = index == selected ? look.theme.cursor : look.theme.dim
      frame.write(" \(title) ", at: Point(x: x, y: rect.y), style: style, clippedTo: row)
      let place = Rect(x: x, y: rect.y, width: widths[index], height: 1).intersection(row)
      if !place.isEmpty { hits.append(Hit(index, place)) }
    }
    return hits
  }
}
