import ColorMaps

/// A cell of a grid of data: `column` to the right, `row` down, both from 0.
package struct GridPoint: Sendable, Hashable {
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
      (x, y) = square >= 1 ? (square * aspect, square) : (1, 1)
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
  /// Whether two map colours fit in one character; with 16 colours or fewer a ramp of characters carries maps.
  package var drawsHalfBlocks: Bool { glyphs.isUnicode && (depth == .trueColor || depth == .palette256) }
}
