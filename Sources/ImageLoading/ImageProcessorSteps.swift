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
