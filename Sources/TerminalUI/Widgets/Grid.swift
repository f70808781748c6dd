package import ColorMaps

/// A cell of a grid of data: `column` to the right, `row` down, both from 0.
package struct GridPoint: Sendable, Hashable, Codable {
  package var column: Int
  package var row: Int

  package init(column: Int, row: Int) {
    self.column = column
    self.row = row
  }

  /// The cell with row-major index `index` in a grid `columns` wide.
  package init(index: Int, columns: Int) { self.init(column: index % columns, row: index / columns) }

  package func index(columns: Int) -> Int { row * columns + column }
}

/// Where the cells of a grid stand on the screen: each a whole number of half cells, never interpolated.
///
/// A half cell is one column wide and half a row high, near enough square. A grid too large for its room shows a window
/// that keeps the cursor in sight.
package struct GridLayout: Sendable, Hashable {
  package let columns: Int
  package let rows: Int
  /// Character cells that the visible part of the grid touches.
  package let area: Rect
  /// Columns of one grid cell.
  package let scaleX: Int
  /// Vertical units of one grid cell; a character has `unitsPerRow`.
  package let scaleY: Int
  /// 2 where half blocks can be drawn, else 1.
  package let unitsPerRow: Int
  /// The grid cell at the top left of `area`.
  package let first: GridPoint
  /// How much of the grid is visible, in grid cells.
  package let visible: Size

  /// The largest layout that fits.
  ///
  /// - Parameters:
  ///   - isSquare: keep grid cells square; otherwise they fill the room as whole cells.
  ///   - keeping: a grid cell that must be visible when the grid does not fit.
  ///   - largestScale: an upper bound for `scaleX`, in columns.
  package init(
    columns: Int, rows: Int, in rect: Rect, _ look: Appearance, isSquare: Bool = true, keeping: GridPoint? = nil,
    largestScale: Int = .max
  ) {
    precondition(columns > 0 && rows > 0, "a grid has at least one cell")
    let units = look.drawsHalfBlocks ? 2 : 1
    // Without half blocks a square is two columns by one row.
    let aspect = units == 2 ? 1 : 2
    var x = min(rect.width / columns, largestScale)
    var y = rect.height * units / rows
    if isSquare {
      let square = min(x / aspect, y)
      (x, y) = square >= 1 ? (square * aspect, square) : (x >= aspect ? aspect : 1, 1)
    }
    (scaleX, scaleY, unitsPerRow) = (max(x, 1), max(y, 1), units)
    (self.columns, self.rows) = (columns, rows)
    visible = Size(
      width: min(columns, rect.width / scaleX), height: min(rows, rect.height * units / scaleY))
    let center = keeping ?? GridPoint(column: 0, row: 0)
    first = GridPoint(
      column: Self.start(center.column, visible.width, columns), row: Self.start(center.row, visible.height, rows))
    let height = (visible.height * scaleY + units - 1) / units
    area = Rect(x: rect.x, y: rect.y, width: visible.width * scaleX, height: height)
  }

  /// First visible index so that `kept` stands near the middle, without running past either end.
  private static func start(_ kept: Int, _ window: Int, _ count: Int) -> Int {
    min(max(0, kept - window / 2), max(0, count - window))
  }

  package var showsAll: Bool { visible.width == columns && visible.height == rows }

  package func isVisible(_ point: GridPoint) -> Bool {
    (first.column..<first.column + visible.width).contains(point.column)
      && (first.row..<first.row + visible.height).contains(point.row)
  }

  /// The grid cell drawn in a vertical unit (0 the upper) of a character; `nil` outside the grid.
  package func gridPoint(at point: Point, unit: Int) -> GridPoint? {
    guard area.contains(point) else { return nil }
    let row = ((point.y - area.y) * unitsPerRow + unit) / scaleY
    guard row < visible.height else { return nil }
    return GridPoint(column: first.column + (point.x - area.x) / scaleX, row: first.row + row)
  }

  /// The grid cell that a click means; where a character holds two, clicking again takes the other one.
  package func gridPoint(at point: Point, current: GridPoint? = nil) -> GridPoint? {
    guard let upper = gridPoint(at: point, unit: 0) else { return nil }
    let lower = gridPoint(at: point, unit: unitsPerRow - 1) ?? upper
    return upper == current ? lower : upper
  }

  /// The characters that a grid cell touches; empty when it is out of sight.
  package func rect(of point: GridPoint) -> Rect {
    guard isVisible(point) else { return Rect(x: area.x, y: area.y, width: 0, height: 0) }
    let top = (point.row - first.row) * scaleY
    let y = top / unitsPerRow
    let end = (top + scaleY + unitsPerRow - 1) / unitsPerRow
    return Rect(
      x: area.x + (point.column - first.column) * scaleX, y: area.y + y, width: scaleX, height: end - y)
  }

  /// The rows of characters that belong to one grid cell alone.
  package func wholeRows(of point: GridPoint) -> Range<Int> {
    guard isVisible(point) else { return 0..<0 }
    let top = (point.row - first.row) * scaleY
    let start = (top + unitsPerRow - 1) / unitsPerRow
    let end = (top + scaleY) / unitsPerRow
    return start < end ? area.y + start..<area.y + end : 0..<0
  }
}

extension Appearance {
  /// Whether two map colours fit in one character.
  package var drawsHalfBlocks: Bool { glyphs.isUnicode && (depth == .trueColor || depth == .palette256) }

  /// Whether maps wear their colours, be they mixed of sixteen; without, a ramp of characters stands for magnitudes.
  package var mapsHaveColor: Bool { glyphs.isUnicode && depth != .mono }

  /// A character that is all of one colour; with sixteen colours one of them scattered over another.
  package func cell(of color: Color) -> Cell {
    guard depth == .ansi16 else { return Cell(" ", Style(color, on: color)) }
    let shade = ANSIShade(nearest: color)
    return Cell(
      glyphs.ramp[shade.quarters], Style(paletteColor(shade.foreground), on: paletteColor(shade.background)))
  }
}

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
