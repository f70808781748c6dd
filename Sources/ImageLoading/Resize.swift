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
