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

/// A height and a width in pixels.
package struct PixelSize: Sendable, Hashable, CustomStringConvertible {
  package let height: Int
  package let width: Int

  package init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  package var description: String { "\(width)×\(height)" }
}

/// What `preprocessor_config.json` asks for: the steps of HF's `CLIPImageProcessor`, in the order in which it takes them.
package struct ImageProcessorSteps: Sendable, Hashable {
  /// The forms of `size`.
  package enum Resize: Sendable, Hashable {
    /// The shorter edge to so many pixels, the other in proportion.
    case shortestEdge(Int)
    /// The same, but the longer edge to no more than `longest`.
    case edges(shortest: Int, longest: Int)
    /// As large as fits, in proportion.
    case within(PixelSize)
    /// Both edges, out of proportion.
    case exact(PixelSize)
  }

  /// The file that the steps come from, which errors name.
  package var path: String
  /// nil for `do_resize: false`.
  package var resize: Resize?
  package var filter: ResampleFilter
  /// nil for `do_center_crop: false`.
  package var crop: PixelSize?
  /// nil for `do_rescale: false`.
  package var rescaleFactor: Double?
  /// Per channel, in units of the rescaled values; also the padding's colour, whether or not they are subtracted.
  package var mean: [Double]
  /// Per channel, not 0.
  package var std: [Double]
  /// `do_normalize`.
  package var normalizes: Bool

  /// CLIP's own: shorter edge and centre crop to `imageSize` by bicubic resampling, values in 0…1 normalized with the
  /// statistics of openai/CLIP's `clip.py`.
  package static func clip(imageSize: Int) -> ImageProcessorSteps {
    ImageProcessorSteps(
      path: "the processor's defaults", resize: .shortestEdge(imageSize), filter: .bicubic,
      crop: PixelSize(height: imageSize, width: imageSize), rescaleFactor: 1 / 255,
      mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711], normalizes: true)
  }

  package init(
    path: String, resize: Resize?, filter: ResampleFilter, crop: PixelSize?, rescaleFactor: Double?, mean: [Double],
    std: [Double], normalizes: Bool
  ) {
    precondition(mean.count == 3 && std.count == 3 && std.allSatisfy { $0 != 0 })
    self.path = path
    self.resize = resize
    self.filter = filter
    self.crop = crop
    self.rescaleFactor = rescaleFactor
    self.mean = mean
    self.std = std
    self.normalizes = normalizes
  }

  /// The size that a picture is resized to (transformers, `image_transforms.py`); 0 where it vanishes.
  func resized(_ size: PixelSize) -> PixelSize {
    let (height, width) = (size.height, size.width)
    let (short, long) = (min(height, width), max(height, width))
    switch resize {
    case nil: return size
    case .exact(let exact): return exact
    case .shortestEdge(let edge):
      let other = Int(Double(edge * long) / Double(short))
      return width <= height ? PixelSize(height: other, width: edge) : PixelSize(height: edge, width: other)
    case .edges(let shortest, let longest):
      return Self.bounded(size, shortest: shortest, longest: longest)
    case .within(let bounds):
      let scale = min(Double(bounds.height) / Double(height), Double(bounds.width) / Double(width))
      return PixelSize(height: Int(Double(height) * scale), width: Int(Double(width) * scale))
    }
  }

  /// `get_size_with_aspect_ratio`.
  private static func bounded(_ size: PixelSize, shortest: Int, longest: Int) -> PixelSize {
    let (height, width) = (size.height, size.width)
    let (short, long) = (Double(min(height, width)), Double(max(height, width)))
    var edge = shortest
    var exact = Double(shortest)
    if long / short * exact > Double(longest) {
      exact = Double(longest) * short / long
      edge = Int(exact.rounded(.toNearestOrEven))
    }
    if (height <= width && height == edge) || (width <= height && width == edge) { return size }
    return width < height
      ? PixelSize(height: Int(exact * Double(height) / Double(width)), width: edge)
      : PixelSize(height: edge, width: Int(exact * Double(width) / Double(height)))
  }

  /// The value of an 8-bit sample of `channel`, with the roundings of NumPy: rescaled in 64 bits, normalized in 32.
  func value(_ sample: UInt8, channel: Int) -> Float {
    let rescaled = rescaleFactor.map { Float(Double(sample) * $0) } ?? Float(sample)
    return normalizes ? (rescaled - Float(mean[channel])) / Float(std[channel]) : rescaled
  }
}

/// Where a centre crop of one axis lies: `window` of the picture comes to stand at `offset` of the cropped one; what the
/// picture does not fill is zero (transformers, `center_crop`).
struct CenterCrop {
  let window: Range<Int>
  let offset: Int

  init(length: Int, crop: Int) {
    if length >= crop {
      let start = (length - crop) / 2
      window = start..<start + crop
      offset = 0
    } else {
      window = 0..<length
      offset = (crop - length + 1) / 2
    }
  }
}
