package import TerminalUI

/// The extents of a grid of cells, both at least 1.
package struct GridSize: Sendable, Hashable {
  package let rows: Int
  package let columns: Int

  package init(rows: Int, columns: Int) {
    self.rows = max(1, rows)
    self.columns = max(1, columns)
  }

  package var count: Int { rows * columns }

  /// The nearest cell that lies in the grid.
  package func clamp(_ point: GridPoint) -> GridPoint {
    GridPoint(column: min(max(0, point.column), columns - 1), row: min(max(0, point.row), rows - 1))
  }

  /// The row-major index of a cell.
  package func index(_ point: GridPoint) -> Int { point.row * columns + point.column }

  package func point(_ index: Int) -> GridPoint { GridPoint(column: index % columns, row: index / columns) }

  /// The cell of `other` that lies under the centre of a cell of this grid, when both cover the same square.
  package func map(_ point: GridPoint, to other: GridSize) -> GridPoint {
    other.clamp(
      GridPoint(
        column: (2 * point.column + 1) * other.columns / (2 * columns),
        row: (2 * point.row + 1) * other.rows / (2 * rows)))
  }
}
