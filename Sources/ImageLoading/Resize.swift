package import Tensor

/// `image` resized as PIL's `Image.resize(size, BICUBIC)` does it, byte for byte.
package func resizeBicubicPIL(_ image: Picture, width: Int, height: Int) -> Picture {
  resize(PlacedImage(image), width: width, height: height, filter: .bicubic)
}

/// The whole of `placed`, resized.
func resize(_ placed: PlacedImage, width: Int, height: Int, filter: ResampleFilter) -> Picture {
  resize(placed, width: width, height: height, columns: 0..<width, rows: 0..<height, filter: filter)
}

/// The part `columns` × `rows` of `placed`, resized to `width` × `height`; only what it needs is computed.
func resize(
  _ placed: PlacedImage, width: Int, height: Int, columns: Range<Int>, rows: Range<Int>, filter: ResampleFilter
) -> Picture {
  let isWhole = columns == 0..<placed.width && rows == 0..<placed.height
  if isWhole, width == placed.width, height == placed.height { return placed.flattened() }
  guard filter != .nearest else {
    return NearestSampler(placed, width: width, height: height, columns: columns, rows: rows)()
  }
  return Resampler(placed, width: width, height: height, columns: columns, rows: rows, filter: filter)()
}

extension Picture {
  /// A thumbnail that keeps the proportions, its longer side at most `maxSide`; each pixel is the mean of those it
  /// covers. A picture that is small enough stays as it is.
  package func preview(maxSide: Int) -> Picture {
    let longer = max(width, height)
    guard longer > maxSide else { return self }
    return resize(
      PlacedImage(self), width: max(1, width * maxSide / longer), height: max(1, height * maxSide / longer),
      filter: .box)
  }
}

/// A picture on a larger canvas of one colour: what padding makes, without a copy of the picture.
struct PlacedImage: Sendable {
  let image: Picture
  /// Size of the canvas.
  let width: Int
  let height: Int
  /// Where the picture's top left corner lies on the canvas.
  let x: Int
  let y: Int
  /// The canvas' colour, RGB.
  let color: [UInt8]

  /// The picture alone.
  init(_ image: Picture) {
    self.init(image, width: image.width, height: image.height, color: [0, 0, 0])
  }

  /// The picture centred on a canvas at least as large, as `(canvas − picture) / 2` in whole pixels.
  init(_ image: Picture, width: Int, height: Int, color: [UInt8]) {
    precondition(width >= image.width && height >= image.height && color.count == 3)
    self.image = image
    self.width = width
    self.height = height
    x = (width - image.width) / 2
    y = (height - image.height) / 2
    self.color = color
  }

  /// The canvas with the picture as one picture.
  func flattened() -> Picture {
    if width == image.width && height == image.height { return image }
    let solid = solidRow
    return Picture(width: width, height: height) { target in
      for row in 0..<height {
        let start = target.baseAddress! + 3 * width * row
        start.update(from: solid, count: solid.count)
        if isPictureRow(row) { copyPicture(row: row, to: start) }
      }
    }
  }

  /// A row of the colour alone, of `3 · width` bytes.
  var solidRow: [UInt8] { Array(repeatElement(color, count: width).joined()) }

  /// Whether a row of the canvas shows the picture and not the colour alone.
  func isPictureRow(_ row: Int) -> Bool { row >= y && row < y + image.height }

  /// Copies the picture's part of a row of the canvas into `target`, which is to hold that row.
  func copyPicture(row: Int, to target: UnsafeMutablePointer<UInt8>) {
    image.pixels.withUnsafeBufferPointer { source in
      let start = source.baseAddress! + 3 * image.width * (row - y)
      (target + 3 * x).update(from: start, count: 3 * image.width)
    }
  }
}
