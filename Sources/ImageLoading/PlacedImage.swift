/// A picture on a larger canvas of one colour: what padding makes, without a copy of the picture.
struct PlacedImage: Sendable {
  let image: RGBImage
  /// Size of the canvas.
  let width: Int
  let height: Int
  /// Where the picture's top left corner lies on the canvas.
  let x: Int
  let y: Int
  /// The canvas' colour, RGB.
  let color: [UInt8]

  /// The picture alone.
  init(_ image: RGBImage) {
    self.init(image, width: image.width, height: image.height, color: [0, 0, 0])
  }

  /// The picture centred on a canvas at least as large, as `(canvas − picture) / 2` in whole pixels.
  init(_ image: RGBImage, width: Int, height: Int, color: [UInt8]) {
    precondition(width >= image.width && height >= image.height && color.count == 3)
    self.image = image
    self.width = width
    self.height = height
    x = (width - image.width) / 2
    y = (height - image.height) / 2
    self.color = color
  }

  /// The canvas with the picture as one picture.
  func flattened() -> RGBImage {
    if width == image.width && height == image.height { return image }
    return RGBImage(width: width, height: height) { target in
      for row in 0..<height {
        write(row: row, to: UnsafeMutableBufferPointer(rebasing: target[3 * width * row..<3 * width * (row + 1)]))
      }
    }
  }

  /// Writes one row of the canvas, of `3 · width` bytes.
  func write(row: Int, to target: UnsafeMutableBufferPointer<UInt8>) {
    let inside = isPictureRow(row)
    let pictured = inside ? 3 * x..<3 * (x + image.width) : 0..<0
    for index in 0..<pictured.lowerBound { target[index] = color[index % 3] }
    for index in pictured.upperBound..<3 * width { target[index] = color[index % 3] }
    guard inside else { return }
    image.pixels.withUnsafeBufferPointer { source in
      let start = 3 * image.width * (row - y)
      (target.baseAddress! + pictured.lowerBound).update(from: source.baseAddress! + start, count: pictured.count)
    }
  }

  /// Whether a row of the canvas shows the picture and not the colour alone.
  func isPictureRow(_ row: Int) -> Bool { row >= y && row < y + image.height }
}
