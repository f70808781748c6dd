package import Tensor

/// Brings a picture to the inputs of the vision tower and of MGVQ, as LLaVA and HF's `CLIPImageProcessor` do.
package struct ImagePreprocessor: Sendable, Equatable {
  /// Side of the tower's input, in pixels.
  package let imageSize: Int
  package let steps: ImageProcessorSteps
  package let aspect: ImageAspectRatio

  package init(imageSize: Int, steps: ImageProcessorSteps, aspect: ImageAspectRatio) {
    precondition(imageSize > 0)
    self.imageSize = imageSize
    self.steps = steps
    self.aspect = aspect
  }

  /// `vision.pixel_values` `[3, N, N]`: the picture, padded or not, resized, cropped about its centre, rescaled and
  /// normalized as `steps` say.
  ///
  /// - Throws: `ImageError.unfit` where that has another size than N×N, before anything is computed.
  package func pixelValues(_ image: Picture) throws(ImageError) -> Tensor {
    let placed = aspect == .pad ? padded(image) : PlacedImage(image)
    let resized = steps.resized(PixelSize(height: placed.height, width: placed.width))
    let result = steps.crop ?? resized
    guard resized.height > 0, resized.width > 0 else { throw unfit("size", image, resized) }
    guard result.height == imageSize, result.width == imageSize else {
      throw unfit(steps.crop == nil ? "do_center_crop" : "crop_size", image, result)
    }
    let rows = CenterCrop(length: resized.height, crop: result.height)
    let columns = CenterCrop(length: resized.width, crop: result.width)
    let part = resize(
      placed, width: resized.width, height: resized.height, columns: columns.window, rows: rows.window,
      filter: steps.filter)
    let cropped = part.onBlack(width: imageSize, height: imageSize, x: columns.offset, y: rows.offset)
    return Self.planes(of: cropped, steps.value)
  }

  private func unfit(_ key: String, _ image: Picture, _ result: PixelSize) -> ImageError {
    .unfit(
      path: steps.path, key: key, picture: PixelSize(height: image.height, width: image.width), result: result,
      side: imageSize)
  }

  /// The square picture of `size` pixels per side that MGVQ sees: padded with `int(mean · 255)`, or the middle of `image`,
  /// and resized.
  package func mgvqPicture(_ image: Picture, size: Int) -> Picture {
    resize(aspect == .pad ? padded(image) : PlacedImage(middle(image)), width: size, height: size, filter: .bicubic)
  }

  /// `mgvq.pixel_values` `[3, M, M]` in −1…1.
  package func mgvqPixelValues(_ image: Picture, size: Int) -> Tensor {
    Self.planes(of: mgvqPicture(image, size: size)) { value, _ in Float(value) / 255 * 2 - 1 }
  }

  private func middle(_ image: Picture) -> Picture {
    let side = min(image.width, image.height)
    return image.cropped(x: (image.width - side) / 2, y: (image.height - side) / 2, width: side, height: side)
  }

  private func padded(_ image: Picture) -> PlacedImage {
    let side = max(image.width, image.height)
    let color = steps.mean.map { UInt8(min(max($0 * 255, 0), 255)) }
    return PlacedImage(image, width: side, height: side, color: color)
  }

  /// The channels of `image` one after the other, each value made by `transform(value, channel)`.
  private static func planes(of image: Picture, _ transform: (UInt8, Int) -> Float) -> Tensor {
    let area = image.width * image.height
    return Tensor(shape: [3, image.height, image.width]) { values in
      for channel in 0..<3 {
        let table = (0..<256).map { transform(UInt8($0), channel) }
        image.pixels.withUnsafeBufferPointer { pixels in
          for index in 0..<area { values[channel * area + index] = table[Int(pixels[3 * index + channel])] }
        }
      }
    }
  }
}

extension Picture {
  /// The part whose top left corner lies at (`x`, `y`).
  package func cropped(x: Int, y: Int, width: Int, height: Int) -> Picture {
    precondition(x >= 0 && y >= 0 && x + width <= self.width && y + height <= self.height)
    if width == self.width && height == self.height { return self }
    return Picture(width: width, height: height) { target in
      pixels.withUnsafeBufferPointer { source in
        for row in 0..<height {
          let start = 3 * ((y + row) * self.width + x)
          (target.baseAddress! + 3 * width * row).update(from: source.baseAddress! + start, count: 3 * width)
        }
      }
    }
  }

  /// The picture on a black canvas, its top left corner at (`x`, `y`).
  func onBlack(width: Int, height: Int, x: Int, y: Int) -> Picture {
    if width == self.width && height == self.height { return self }
    return Picture(width: width, height: height) { target in
      target.initialize(repeating: 0)
      pixels.withUnsafeBufferPointer { source in
        for row in 0..<self.height {
          let start = target.baseAddress! + 3 * ((y + row) * width + x)
          start.update(from: source.baseAddress! + 3 * self.width * row, count: 3 * self.width)
        }
      }
    }
  }
}
