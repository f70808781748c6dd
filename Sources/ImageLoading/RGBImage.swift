/// A picture of 8-bit RGB pixels.
package struct RGBImage: Sendable, Equatable {
  package let width: Int
  package let height: Int
  /// Interleaved RGB, rows from the top: `3 · width · height` bytes.
  package let pixels: [UInt8]

  package init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(width > 0 && height > 0 && pixels.count == 3 * width * height)
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// A picture whose bytes `fill` writes; every byte must be written.
  package init(width: Int, height: Int, filledBy fill: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
    let count = 3 * width * height
    let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      filled = count
    }
    self.init(width: width, height: height, pixels: pixels)
  }

  /// The colour at column `x` and row `y`.
  package subscript(x: Int, y: Int) -> (red: UInt8, green: UInt8, blue: UInt8) {
    precondition(x >= 0 && x < width && y >= 0 && y < height)
    let start = 3 * (y * width + x)
    return (pixels[start], pixels[start + 1], pixels[start + 2])
  }
}
