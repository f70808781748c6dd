import ColorMaps

/// A text token by token, under each a bar as high as the model was sure of it; where it first differs from another text
/// is marked.
package struct ProbabilityText: Widget, Sendable, Hashable {
  package struct Token: Sendable, Hashable {
    package var text: String
    /// 0…1; `nil` where it is not known.
    package var probability: Double?

    package init(_ text: String, _ probability: Double?) {
      (self.text, self.probability) = (text, probability)
    }
  }

  package var tokens: [Token]
  /// The first token that differs from the text this one is compared with.
  package var firstDifference: Int?
  /// The token that is looked at: its probability is printed behind it.
  package var selected: Int?

  package init(_ tokens: [Token], firstDifference: Int? = nil, selected: Int? = nil) {
    (self.tokens, self.firstDifference, self.selected) = (tokens, firstDifference, selected)
  }

  /// Rows that the whole text takes in a room so wide.
  package func rows(width: Int) -> Int { 2 * ((places(width: width).last?.y ?? -1) + 1) }

  /// Parts are the tokens by number.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Int>] {
    var hits: [Hit<Int>] = []
    for (index, place) in places(width: rect.width).enumerated() {
      let cell = Rect(
        x: rect.x + place.x, y: rect.y + 2 * place.y, width: min(width(index), rect.width - place.x), height: 1)
      guard cell.y < rect.maxY else { break }
      let token = tokens[index]
      var style = index == selected ? look.theme.cursor : look.theme.text
      if let firstDifference, index >= firstDifference && index != selected {
        style = index == firstDifference ? look.theme.bad : look.theme.warning
      }
      frame.writeLine(shownText(index), in: cell, style: style, ellipsis: look.glyphs.ellipsis)
      if cell.y + 1 < rect.maxY { drawBar(token.probability, under: cell, of: &frame, look) }
      hits.append(Hit(index, Rect(x: cell.x, y: cell.y, width: cell.width, height: min(2, rect.maxY - cell.y))))
    }
    return hits
  }

  private func drawBar(_ probability: Double?, under cell: Rect, of frame: inout Frame, _ look: Appearance) {
    let row = Rect(x: cell.x, y: cell.y + 1, width: cell.width, height: 1)
    guard let probability, probability.isFinite else {
      return frame.fill(row, with: Cell(look.glyphs.noData, look.theme.dim))
    }
    let eighths = probability <= 0 ? 0 : max(1, Int((min(probability, 1) * 8).rounded()))
    frame.fill(row, with: Cell(look.glyphs.verticalEighths[eighths], look.theme.barFill))
  }

  /// White space that would not be seen is named; the token looked at carries its number.
  private func shownText(_ index: Int) -> String {
    let text = tokens[index].text
    let shown = text.isEmpty ? "∅" : text.allSatisfy(\.isNewline) ? "⏎" : text
    guard index == selected, let probability = tokens[index].probability else { return shown }
    return "\(shown) \(tickText(probability, step: 0.001))"
  }

  private func width(_ index: Int) -> Int { max(1, displayWidth(shownText(index))) }

  /// Column and line of each token; a token that does not fit starts a new line.
  private func places(width room: Int) -> [Point] {
    guard room > 0 else { return [] }
    var point = Point(x: 0, y: 0)
    return tokens.indices.map { index in
      let width = width(index)
      if point.x > 0 && point.x + width > room { point = Point(x: 0, y: point.y + 1) }
      defer { point.x += width + (tokens[index].text.hasSuffix(" ") ? 0 : 1) }
      return point
    }
  }
}
