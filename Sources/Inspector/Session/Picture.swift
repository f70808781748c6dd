package import Tensor

/// An RGB picture as panels draw it.
package struct Picture: Sendable, Equatable {
  package let width: Int
  package let height: Int
  /// Interleaved RGB, 8 bits a channel, `width * height * 3` bytes.
  package let pixels: [UInt8]
  /// What the decoder of its file found odd but carried on with.
  package let warnings: [String]

  package init(width: Int, height: Int, pixels: [UInt8], warnings: [String] = []) {
    precondition(width > 0 && height > 0 && pixels.count == width * height * 3)
    self.width = width
    self.height = height
    self.pixels = pixels
    self.warnings = warnings
  }

  /// The picture in a `[3, H, W]` tensor with values in [−1, 1], clipped: `mgvq.pixel_values` or its reconstruction.
  package init(signed tensor: Tensor) {
    precondition(tensor.rank == 3 && tensor.shape[0] == 3)
    let height = tensor.shape[1]
    let width = tensor.shape[2]
    let plane = width * height
    let pixels = [UInt8](unsafeUninitializedCapacity: plane * 3) { buffer, count in
      tensor.values.withUnsafeBufferPointer { values in
        for channel in 0..<3 {
          for index in 0..<plane {
            let unit = (values[channel * plane + index] + 1) * 127.5
            buffer[index * 3 + channel] = unit.isNaN ? 0 : UInt8(min(255, max(0, unit.rounded())))
          }
        }
      }
      count = plane * 3
    }
    self.init(width: width, height: height, pixels: pixels)
  }

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
