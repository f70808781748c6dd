package import ColorMaps

/// The cursor and the selected cells of a grid, drawn over whatever the grid shows: a map or a picture.
///
/// Where a grid cell has a row of characters to itself, brackets and bullets leave its colour to be seen; a grid cell of
/// half a character takes the mark's colour.
package struct GridMarks: Widget, Sendable, Hashable {
  package var layout: GridLayout
  package var cursor: GridPoint?
  package var selection: Set<GridPoint>

  package init(layout: GridLayout, cursor: GridPoint?, selection: Set<GridPoint> = []) {
    self.layout = layout
    self.cursor = cursor
    self.selection = selection
  }

  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Never>] {
    for point in selection where layout.isVisible(point) {
      look.drawsHalfBlocks
        ? mark(point, color: look.theme.selectionColor, brackets: false, in: rect, of: &frame, look)
        : restyle(point, adding: .underline, in: rect, of: &frame)
    }
    guard let cursor, layout.isVisible(cursor) else { return [] }
    look.drawsHalfBlocks
      ? mark(cursor, color: look.theme.cursorColor, brackets: true, in: rect, of: &frame, look)
      : restyle(cursor, adding: [.reverse, .bold], in: rect, of: &frame)
    return []
  }

  private func restyle(_ point: GridPoint, adding attributes: Attributes, in rect: Rect, of frame: inout Frame) {
    frame.restyle(layout.rect(of: point).intersection(rect)) { $0.attributes.formUnion(attributes) }
  }

  private func mark(
    _ point: GridPoint, color: Color, brackets: Bool, in rect: Rect, of frame: inout Frame, _ look: Appearance
  ) {
    let touched = layout.rect(of: point)
    let rows = layout.wholeRows(of: point)
    guard !rows.isEmpty && layout.scaleX >= 2 else {
      return tint(touched, point, color, amount: brackets ? 1 : 0.6, in: rect, of: &frame, look)
    }
    if brackets {
      for y in rows {
        put("[", x: touched.x, y: y, in: rect, of: &frame)
        put("]", x: touched.maxX - 1, y: y, in: rect, of: &frame)
      }
    } else {
      put(look.glyphs.bullet, x: touched.x + (layout.scaleX - 1) / 2, y: rows.lowerBound, in: rect, of: &frame)
    }
  }

  private func put(_ character: Character, x: Int, y: Int, in rect: Rect, of frame: inout Frame) {
    let under = frame[x, y].meanColor
    let style = Style(ColorMap.contrasting(under), on: under, .bold)
    frame.put(character, style, x: x, y: y, clip: rect)
  }

  private func tint(
    _ touched: Rect, _ point: GridPoint, _ color: Color, amount: Double, in rect: Rect, of frame: inout Frame,
    _ look: Appearance
  ) {
    let area = touched.intersection(rect)
    guard !area.isEmpty else { return }
    for y in area.y..<area.maxY {
      for x in area.x..<area.maxX {
        var (upper, lower) = frame[x, y].halves(look.glyphs)
        let place = Point(x: x, y: y)
        if layout.gridPoint(at: place, unit: 0) == point { upper = upper.blended(with: color, amount) }
        if layout.gridPoint(at: place, unit: 1) == point { lower = lower.blended(with: color, amount) }
        let cell = halfBlockCell(upper: upper, lower: lower, look.glyphs)
        frame.put(cell.character, cell.style, x: x, y: y, clip: rect)
      }
    }
  }
}

extension Cell {
  /// The colours of the upper and the lower half, exact for half blocks and blanks.
  package func halves(_ glyphs: Glyphs) -> (upper: Color, lower: Color) {
    if character == glyphs.upperHalf { return (style.foreground, style.background) }
    if character == glyphs.lowerHalf { return (style.background, style.foreground) }
    return (meanColor, meanColor)
  }

  /// The colour a character leaves on the whole: its background for blanks, else halfway to its foreground.
  var meanColor: Color {
    character == " " ? style.background : style.background.blended(with: style.foreground, 0.5)
  }
}
