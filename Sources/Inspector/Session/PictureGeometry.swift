package import Tensor
package import TerminalUI

/// How the picture, the square that the model sees, the patches and the latent cells lie over each other.
package struct PictureGeometry: Sendable, Hashable {
  /// How a picture becomes a square: the configuration's `image_aspect_ratio`.
  package enum Aspect: Sendable, Hashable {
    /// Pasted centred on a square of the long edge.
    case pad
    /// The centred square of the short edge.
    case crop
    /// All of it, stretched over a grid that is no square.
    case whole

    package init(_ ratio: ImageAspectRatio) { self = ratio == .pad ? .pad : .crop }
  }

  package let width: Int
  package let height: Int
  package let aspect: Aspect
  package let patches: GridSize
  package let latent: GridSize

  package init(width: Int, height: Int, aspect: Aspect, patches: GridSize, latent: GridSize) {
    self.width = max(1, width)
    self.height = max(1, height)
    self.aspect = aspect
    self.patches = patches
    self.latent = latent
  }

  /// The side of the square in pixels of the picture; the longer side of a whole one.
  package var side: Int { aspect == .crop ? min(width, height) : max(width, height) }

  /// What the patches lie over, in pixels of the picture.
  package var extent: (width: Int, height: Int) { aspect == .whole ? (width, height) : (side, side) }

  /// Where the picture's left edge lies in the square; negative when the sides are cropped.
  package var offsetX: Int { (extent.width - width) / 2 }

  /// Where the picture's top edge lies in the square; negative when it is cropped.
  package var offsetY: Int { (extent.height - height) / 2 }

  /// The pixels of the picture under a cell of a grid over the square; they may lie in the padding.
  package func pixels(of point: GridPoint, in grid: GridSize) -> (x: Range<Int>, y: Range<Int>) {
    let left = point.column * extent.width / grid.columns - offsetX
    let right = (point.column + 1) * extent.width / grid.columns - offsetX
    let top = point.row * extent.height / grid.rows - offsetY
    let bottom = (point.row + 1) * extent.height / grid.rows - offsetY
    return (left..<max(left + 1, right), top..<max(top + 1, bottom))
  }

  /// The patch over a pixel of the picture; `nil` when it was cropped away.
  package func patch(x: Int, y: Int) -> GridPoint? {
    let column = (x + offsetX) * patches.columns
    let row = (y + offsetY) * patches.rows
    guard column >= 0, row >= 0, column < patches.columns * extent.width, row < patches.rows * extent.height else {
      return nil
    }
    return GridPoint(column: column / extent.width, row: row / extent.height)
  }

  /// The latent cell under a patch's centre.
  package func latent(ofPatch point: GridPoint) -> GridPoint { patches.map(point, to: latent) }

  /// The patch over a latent cell's centre.
  package func patch(ofLatent point: GridPoint) -> GridPoint { latent.map(point, to: patches) }
}

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

extension Picture {
  /// Red, green and blue of a pixel; `nil` outside the picture.
  package func rgb(x: Int, y: Int) -> (red: UInt8, green: UInt8, blue: UInt8)? {
    guard x >= 0, y >= 0, x < width, y < height else { return nil }
    let offset = (y * width + x) * 3
    return (pixels[offset], pixels[offset + 1], pixels[offset + 2])
  }

  /// The mean colour of a rectangle of pixels, clipped to the picture; `nil` where they do not meet.
  package func meanColor(x: Range<Int>, y: Range<Int>) -> (red: UInt8, green: UInt8, blue: UInt8)? {
    let columns = x.clamped(to: 0..<width)
    let rows = y.clamped(to: 0..<height)
    guard !columns.isEmpty, !rows.isEmpty else { return nil }
    var sums = (0, 0, 0)
    for row in rows {
      for column in columns {
        let offset = (row * width + column) * 3
        sums.0 += Int(pixels[offset])
        sums.1 += Int(pixels[offset + 1])
        sums.2 += Int(pixels[offset + 2])
      }
    }
    let count = rows.count * columns.count
    return (UInt8(sums.0 / count), UInt8(sums.1 / count), UInt8(sums.2 / count))
  }
}
