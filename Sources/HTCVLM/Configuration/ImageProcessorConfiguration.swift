import JSON
package import WeightFormats

/// `preprocessor_config.json`: HF's CLIPImageProcessor.
package struct ImageProcessorConfiguration: Sendable, Hashable {
  /// Side of the square picture in pixels.
  package let imageSize: Int
  /// Means of red, green and blue in 0…1.
  package let mean: [Float]
  /// Standard deviations, above 0.
  package let std: [Float]

  /// CLIP's statistics (openai/CLIP, `clip.py`).
  package static func clip(imageSize: Int) -> ImageProcessorConfiguration {
    ImageProcessorConfiguration(
      imageSize: imageSize, mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711])
  }

  package init(imageSize: Int, mean: [Float], std: [Float]) {
    precondition(mean.count == 3 && std.count == 3 && std.allSatisfy { $0 > 0 })
    self.imageSize = imageSize
    self.mean = mean
    self.std = std
  }

  /// Reads the file at `path` for a tower whose input is `imageSize` pixels wide.
  ///
  /// - Throws: `CheckpointError` when it asks for other steps than the ones implemented: shortest edge to `imageSize`
  ///   by bicubic resampling, centre crop, division by 255, normalisation.
  package init(path: String, imageSize: Int) throws(CheckpointError) {
    let whole = try JSONValue(file: path)
    // transformers 5 nests the settings in processor_config.json.
    let nested = whole["image_processor"]
    let document = nested ?? whole
    guard case .object = document else {
      throw .malformed(path: path, problem: "the file holds \(document.summary), not an object")
    }
    let reader = JSONReader(path: path, prefix: nested == nil ? "" : "image_processor.", object: document)
    for key in ["size", "crop_size"] { try Self.checkSize(reader, key, imageSize) }
    _ = try reader.integer("resample", in: 3...3, default: 3)
    for key in ["do_resize", "do_rescale"] where try !reader.bool(key, default: true) {
      throw reader.fault(key, .bool(false), expected: "true")
    }
    let factor = try reader.positive("rescale_factor", default: 1 / 255)
    guard abs(factor * 255 - 1) < 1e-6 else {
      throw reader.fault("rescale_factor", reader.value("rescale_factor"), expected: "1/255")
    }
    let clip = Self.clip(imageSize: imageSize)
    guard try reader.bool("do_normalize", default: true) else {
      self.init(imageSize: imageSize, mean: [0, 0, 0], std: [1, 1, 1])
      return
    }
    self.init(
      imageSize: imageSize, mean: try Self.channels(reader, "image_mean", above: -1) ?? clip.mean,
      std: try Self.channels(reader, "image_std", above: 0) ?? clip.std)
  }

  /// A size is a number, or an object with `shortest_edge` or `height` and `width`.
  private static func checkSize(_ reader: JSONReader, _ key: String, _ size: Int) throws(CheckpointError) {
    guard let value = reader.value(key) else { return }
    let sizes: [JSONValue] =
      if case .object(let object) = value { object.members.map(\.value) } else { [value] }
    guard !sizes.isEmpty, sizes.allSatisfy({ $0 == .integer(size) }) else {
      let found = "\(sizes.map(\.summary).joined(separator: "×"))"
      throw .key(
        path: reader.path, key: reader.prefix + key, found: found, expected: "\(size), the vision_config.image_size")
    }
  }

  /// Three numbers above `bound`; nil when absent.
  private static func channels(
    _ reader: JSONReader, _ key: String, above bound: Double
  ) throws(CheckpointError) -> [Float]? {
    guard let elements = try reader.list(key) else { return nil }
    let numbers = elements.compactMap { element -> Float? in
      switch element {
      case .integer(let value) where Double(value) > bound: Float(value)
      case .number(let value) where value > bound && Float(value).isFinite && Double(Float(value)) > bound: Float(value)
      default: nil
      }
    }
    guard elements.count == 3, numbers.count == 3 else {
      throw reader.fault(key, reader.value(key), expected: "three numbers above \(bound)")
    }
    return numbers
  }
}
