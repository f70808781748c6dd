import Tensor

/// Pillow's resizing without a filter: each output pixel is the source pixel that its centre falls into
/// (`Geometry.c`, `ImagingScaleAffine`).
struct NearestSampler {
  private let source: PlacedImage
  private let columns: [Int]
  private let rows: [Int]

  /// The parameters are those of `Resampler`.
  init(_ source: PlacedImage, width: Int, height: Int, columns: Range<Int>, rows: Range<Int>) {
    self.source = source
    self.columns = Self.places(source.width, width, columns)
    self.rows = Self.places(source.height, height, rows)
  }

  /// Pillow adds up the steps, whose rounding errors decide at the borders of pixels.
  private static func places(_ source: Int, _ target: Int, _ window: Range<Int>) -> [Int] {
    let step = Double(source) / Double(target)
    var place = step * 0.5
    var places: [Int] = []
    for x in 0..<window.upperBound {
      if x >= window.lowerBound { places.append(min(Int(place), source - 1)) }
      place += step
    }
    return places
  }

  func callAsFunction() -> Picture {
    Picture(width: columns.count, height: rows.count) { target in
      var next = 0
      for row in rows {
        for column in columns {
          let (red, green, blue) = source.color(x: column, y: row)
          (target[next], target[next + 1], target[next + 2]) = (red, green, blue)
          next += 3
        }
      }
    }
  }
}

extension PlacedImage {
  /// The colour of a pixel of the canvas.
  fileprivate func color(x column: Int, y row: Int) -> (UInt8, UInt8, UInt8) {
    guard isPictureRow(row), column >= x, column < x + image.width else { return (color[0], color[1], color[2]) }
    return image[column - x, row - y]
  }
}
