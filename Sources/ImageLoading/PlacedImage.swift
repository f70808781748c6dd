import Tensor

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
