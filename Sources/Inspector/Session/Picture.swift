package import Tensor

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
