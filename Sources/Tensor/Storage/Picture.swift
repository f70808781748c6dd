import CKernels

/// A picture of 8-bit RGB pixels.
package struct Picture: Sendable, Equatable {
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

  /// The colour at column `x` and row `y`.
  package subscript(x: Int, y: Int) -> (red: UInt8, green: UInt8, blue: UInt8) {
    precondition(x >= 0 && x < width && y >= 0 && y < height)
    let start = 3 * (y * width + x)
    return (pixels[start], pixels[start + 1], pixels[start + 2])
  }
}

/// How a picture that is not square becomes one: `image_aspect_ratio`.
package enum ImageAspectRatio: String, Sendable, CaseIterable, Codable {
  /// LLaVA's `pad`: on a square of the mean colour.
  case pad
  /// Its middle alone.
  case square
}

/// The mean structural similarity of two planes `[H, W]` (Wang et al. 2004) over every place that `window` covers wholly
/// both ways: population covariance, constants C₁ and C₂; `nil` for planes smaller than the window.
package func structuralSimilarity(_ a: Tensor, _ b: Tensor, window: [Double], c1: Double, c2: Double) -> Double? {
  precondition(a.shape == b.shape && a.rank == 2 && !window.isEmpty)
  let (height, width) = (a.shape[0], a.shape[1])
  guard height >= window.count, width >= window.count else { return nil }
  let (rows, columns) = (height - window.count + 1, width - window.count + 1)
  let sum = withUnsafeTemporaryAllocation(of: Double.self, capacity: 5 * height * columns) { scratch in
    a.values.withUnsafeBufferPointer { a in
      b.values.withUnsafeBufferPointer { b in
        kernel_similarity_sum(
          a.baseAddress, b.baseAddress, height, width, window, window.count, c1, c2, scratch.baseAddress)
      }
    }
  }
  return sum / Double(rows * columns)
}
