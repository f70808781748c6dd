package import Tensor

/// How a picture that is not square becomes one: `image_aspect_ratio`.
package enum ImageAspectRatio: String, Sendable, Equatable {
  /// LLaVA's `pad`: on a square of the mean colour.
  case pad
  /// Its middle alone.
  case square
}

/// Brings a picture to the inputs of the vision tower and of MGVQ, as LLaVA and HF's `CLIPImageProcessor` do.
package struct ImagePreprocessor: Sendable, Equatable {
  /// Side of the tower's input, in pixels.
  package let imageSize: Int
  /// Per channel, of values in 0…1; double, because the padding's colour is truncated from `mean · 255`.
  package let mean: [Double]
  package let std: [Double]
  package let aspect: ImageAspectRatio

  package init(imageSize: Int, mean: [Double], std: [Double], aspect: ImageAspectRatio) {
    precondition(imageSize > 0 && mean.count == 3 && std.count == 3)
    self.imageSize = imageSize
    self.mean = mean
    self.std = std
    self.aspect = aspect
  }

  /// The square picture that the model sees: padded with `int(mean · 255)`, or the middle of `image`.
  package func square(_ image: RGBImage) -> RGBImage {
    switch aspect {
    case .pad: return padded(image).flattened()
    case .square:
      let side = min(image.width, image.height)
      return image.cropped(x: (image.width - side) / 2, y: (image.height - side) / 2, width: side, height: side)
    }
  }

  /// `vision.pixel_values` `[3, N, N]`: the shorter edge resized to N, the longer to `int(N · long / short)`, the middle
  /// N×N of that at offset `(edge − N) / 2`, divided by 255, less the mean, divided by the deviation.
  package func pixelValues(_ image: RGBImage) -> Tensor {
    let placed = aspect == .pad ? padded(image) : PlacedImage(image)
    let resized = Self.resizeShortestEdge(placed, to: imageSize)
    let (mean, std) = (mean.map(Float.init), std.map(Float.init))
    return Self.planes(of: resized) { value, channel in (value / 255 - mean[channel]) / std[channel] }
  }

  /// `mgvq.pixel_values` `[3, M, M]` in −1…1: the square picture resized to `size`.
  package func mgvqPixelValues(_ image: RGBImage, size: Int) -> Tensor {
    let placed = aspect == .pad ? padded(image) : PlacedImage(square(image))
    let resized = resize(placed, width: size, height: size, filter: .bicubic)
    return Self.planes(of: resized) { value, _ in value / 255 * 2 - 1 }
  }

  private func padded(_ image: RGBImage) -> PlacedImage {
    let side = max(image.width, image.height)
    let color = mean.map { UInt8(min(max($0 * 255, 0), 255)) }
    return PlacedImage(image, width: side, height: side, color: color)
  }

  private static func resizeShortestEdge(_ placed: PlacedImage, to size: Int) -> RGBImage {
    let (short, long) = (min(placed.width, placed.height), max(placed.width, placed.height))
    let longSize = Int(Double(size * long) / Double(short))
    let width = placed.width <= placed.height ? size : longSize
    let height = placed.width <= placed.height ? longSize : size
    if width == placed.width && height == placed.height {
      return placed.flattened().cropped(x: (width - size) / 2, y: (height - size) / 2, width: size, height: size)
    }
    let (left, top) = ((width - size) / 2, (height - size) / 2)
    return Resampler(
      placed, width: width, height: height, columns: left..<left + size, rows: top..<top + size, filter: .bicubic)()
  }

  /// The channels of `image` one after the other, each value made by `transform(value, channel)`.
  private static func planes(of image: RGBImage, _ transform: (Float, Int) -> Float) -> Tensor {
    let area = image.width * image.height
    return Tensor(shape: [3, image.height, image.width]) { values in
      for channel in 0..<3 {
        let table = (0..<256).map { transform(Float($0), channel) }
        image.pixels.withUnsafeBufferPointer { pixels in
          for index in 0..<area { values[channel * area + index] = table[Int(pixels[3 * index + channel])] }
        }
      }
    }
  }
}

extension RGBImage {
  /// The part whose top left corner lies at (`x`, `y`).
  package func cropped(x: Int, y: Int, width: Int, height: Int) -> RGBImage {
    precondition(x >= 0 && y >= 0 && x + width <= self.width && y + height <= self.height)
    if width == self.width && height == self.height { return self }
    return RGBImage(width: width, height: height) { target in
      pixels.withUnsafeBufferPointer { source in
        for row in 0..<height {
          let start = 3 * ((y + row) * self.width + x)
          (target.baseAddress! + 3 * width * row).update(from: source.baseAddress! + start, count: 3 * width)
        }
      }
    }
  }
}
