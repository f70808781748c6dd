internal import Glibc
package import ImageLoading
package import JSON
package import Safetensors

/// `preprocessor_config.json`: HF's CLIPImageProcessor, for a vision tower.
///
/// Each key is honoured as transformers does, has no effect there either on one RGB picture, or is refused by name
/// (transformers 5, `image_processing_backends.py`).
package struct ImageProcessorConfiguration: Sendable, Hashable {
  /// Side of the tower's input in pixels.
  package let imageSize: Int
  package let steps: ImageProcessorSteps

  /// CLIP's own steps.
  package static func clip(imageSize: Int) -> ImageProcessorConfiguration {
    ImageProcessorConfiguration(imageSize: imageSize, steps: .clip(imageSize: imageSize))
  }

  package init(imageSize: Int, steps: ImageProcessorSteps) {
    self.imageSize = imageSize
    self.steps = steps
  }

  /// What a directory says: `processor_config.json` where transformers 5 nests the settings, else
  /// `preprocessor_config.json`; nil where it says nothing.
  package static func read(
    directory: String, imageSize: Int
  ) throws(CheckpointError) -> ImageProcessorConfiguration? {
    let nesting = "\(directory)/processor_config.json"
    if access(nesting, F_OK) == 0, try JSONValue(file: nesting)["image_processor"] != nil {
      return try ImageProcessorConfiguration(path: nesting, imageSize: imageSize)
    }
    let path = "\(directory)/preprocessor_config.json"
    return access(path, F_OK) == 0 ? try ImageProcessorConfiguration(path: path, imageSize: imageSize) : nil
  }

  /// What a directory says, or CLIP's own steps.
  package init(directory: String, imageSize: Int) throws(CheckpointError) {
    self = try Self.read(directory: directory, imageSize: imageSize) ?? .clip(imageSize: imageSize)
  }

  /// Reads the file at `path` for a tower whose input is `imageSize` pixels wide.
  ///
  /// - Throws: `CheckpointError` naming the key that is not known, not usable, or makes no input of that size.
  package init(path: String, imageSize: Int) throws(CheckpointError) {
    let whole = try JSONValue(file: path)
    let nested = whole["image_processor"]
    let document = nested ?? whole
    guard case .object(let object) = document else {
      throw .malformed(path: path, problem: "the file holds \(document.summary), not an object")
    }
    let reader = JSONReader(path: path, prefix: nested == nil ? "" : "image_processor.", object: document)
    for member in object.members where ProcessorKey.foreign.contains(member.key) {
      guard [.null, .bool(false)].contains(member.value) else {
        throw reader.fault(
          member.key, member.value, expected: "no such key: it changes pixels, and CLIPImageProcessor has none")
      }
    }
    try Self.checkOthers(reader)
    self.imageSize = imageSize
    steps = try Self.steps(reader)
    try checkFit(reader)
  }

  private static func steps(_ reader: JSONReader) throws(CheckpointError) -> ImageProcessorSteps {
    let clip = ImageProcessorSteps.clip(imageSize: defaultSize)
    let resample = try reader.integer("resample", in: 0...5, default: clip.filter.rawValue)
    guard let filter = ResampleFilter(rawValue: resample) else { preconditionFailure("0 to 5 are filters") }
    return ImageProcessorSteps(
      path: reader.path + (reader.prefix.isEmpty ? "" : ": image_processor"),
      resize: try reader.bool("do_resize", default: true) ? try resize(reader) : nil, filter: filter,
      crop: try reader.bool("do_center_crop", default: true) ? try crop(reader) : nil,
      rescaleFactor: try reader.bool("do_rescale", default: true) ? try factor(reader) : nil,
      mean: try channels(reader, "image_mean", isDivisor: false) ?? clip.mean,
      std: try channels(reader, "image_std", isDivisor: true) ?? clip.std,
      normalizes: try reader.bool("do_normalize", default: true))
  }

  /// What CLIPImageProcessor resizes and crops to where a file does not say.
  private static let defaultSize = 224
  private static let sizes = 1...(1 << 16)

  private static func resize(_ reader: JSONReader) throws(CheckpointError) -> ImageProcessorSteps.Resize {
    guard let value = reader.value("size") else { return .shortestEdge(defaultSize) }
    let expected =
      "a number of pixels, [height, width], or an object with shortest_edge (and longest_edge), height and width, or "
      + "max_height and max_width"
    switch value {
    case .integer:
      let edge = try reader.integer("size", in: sizes)
      let isSquare = try reader.bool("default_to_square", default: false)
      return isSquare ? .exact(PixelSize(height: edge, width: edge)) : .shortestEdge(edge)
    case .array:
      let list = try reader.integers("size", in: sizes)
      guard list.count == 2 else { throw reader.fault("size", value, expected: expected) }
      return .exact(PixelSize(height: list[0], width: list[1]))
    case .object(let object):
      let size = try reader.section("size")
      switch Set(object.members.map(\.key)) {
      case ["shortest_edge"]: return .shortestEdge(try size.integer("shortest_edge", in: sizes))
      case ["shortest_edge", "longest_edge"]:
        return .edges(
          shortest: try size.integer("shortest_edge", in: sizes), longest: try size.integer("longest_edge", in: sizes))
      case ["height", "width"]: return .exact(try pixels(size, "height", "width"))
      case ["max_height", "max_width"]: return .within(try pixels(size, "max_height", "max_width"))
      default: throw reader.fault("size", value, expected: expected)
      }
    default: throw reader.fault("size", value, expected: expected)
    }
  }

  private static func crop(_ reader: JSONReader) throws(CheckpointError) -> PixelSize {
    switch reader.value("crop_size") {
    case nil: return PixelSize(height: defaultSize, width: defaultSize)
    case .integer?:
      let side = try reader.integer("crop_size", in: sizes)
      return PixelSize(height: side, width: side)
    case .array?:
      let list = try reader.integers("crop_size", in: sizes)
      guard list.count == 2 else {
        throw reader.fault("crop_size", reader.value("crop_size"), expected: "[height, width]")
      }
      return PixelSize(height: list[0], width: list[1])
    case .object(let object)? where Set(object.members.map(\.key)) == ["height", "width"]:
      return try pixels(reader.section("crop_size"), "height", "width")
    case let value:
      throw reader.fault("crop_size", value, expected: "a number of pixels, or an object with height and width")
    }
  }

  private static func pixels(
    _ reader: JSONReader, _ height: String, _ width: String
  ) throws(CheckpointError) -> PixelSize {
    PixelSize(height: try reader.integer(height, in: sizes), width: try reader.integer(width, in: sizes))
  }

  private static func factor(_ reader: JSONReader) throws(CheckpointError) -> Double {
    guard let value = reader.value("rescale_factor") else { return 1 / 255 }
    guard let factor = number(value) else { throw reader.fault("rescale_factor", value, expected: "a number") }
    return factor
  }

  /// Three numbers, or one for all three; nil when absent.
  private static func channels(
    _ reader: JSONReader, _ key: String, isDivisor: Bool
  ) throws(CheckpointError) -> [Double]? {
    guard let value = reader.value(key) else { return nil }
    let expected = "three numbers, or one" + (isDivisor ? ", none of them 0" : "")
    let elements: [JSONValue] = if case .array(let elements) = value { elements } else { [value, value, value] }
    let numbers = elements.prefix(4).compactMap(number).filter { !isDivisor || Float($0) != 0 }
    guard numbers.count == 3, elements.count == 3 else { throw reader.fault(key, value, expected: expected) }
    return numbers
  }

  /// A number that 32 bits can hold.
  private static func number(_ value: JSONValue) -> Double? {
    switch value {
    case .integer(let integer): Double(integer)
    case .number(let number) where Float(number).isFinite: number
    default: nil
    }
  }

  /// Throws where no picture can become the tower's input.
  private func checkFit(_ reader: JSONReader) throws(CheckpointError) {
    let fit = PixelSize(height: imageSize, width: imageSize)
    func expected(_ key: String) -> String {
      "\(imageSize), the vision tower's image_size"
        + (reader.value(key) == nil ? "; CLIPImageProcessor's default is \(Self.defaultSize)" : "")
    }
    if let crop = steps.crop {
      guard crop == fit else {
        throw reader.fault("crop_size", reader.value("crop_size"), expected: expected("crop_size"))
      }
    } else if case .exact(let size)? = steps.resize, size != fit {
      throw reader.fault("size", reader.value("size"), expected: expected("size"))
    }
  }
}

/// Keys of a processor's file beside those that are read. transformers passes over what its class does not know, and so
/// does this reader, but for what another class would do to the pixels: such a file is of another tower.
private enum ProcessorKey {
  /// Switches and sizes of other processors' steps.
  static let foreign: Set<String> = [
    "do_flip_channel_order", "do_thumbnail", "do_align_long_axis", "do_align_axis", "do_grayscale", "crop_pct",
    "size_divisor", "do_image_splitting", "do_crop_margin", "do_color_quantize", "keep_aspect_ratio",
    "ensure_multiple_of",
  ]
}

extension ImageProcessorConfiguration {
  /// The classes whose steps these are, with the names that transformers has given them.
  private static let classes: Set<String> = [
    "CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil", "CLIPFeatureExtractor",
    "LlavaImageProcessor", "LlavaImageProcessorFast", "LlavaImageProcessorPil",
  ]

  /// Throws for settings that would change pixels in a way that is not carried out.
  private static func checkOthers(_ reader: JSONReader) throws(CheckpointError) {
    for key in ["image_processor_type", "feature_extractor_type"] {
      guard let name = try reader.string(key) else { continue }
      guard classes.contains(name) else { throw reader.fault(key, .string(name), expected: "\"CLIPImageProcessor\"") }
    }
    if let format = try reader.string("data_format"), format != "channels_first" {
      throw reader.fault("data_format", .string(format), expected: "\"channels_first\"")
    }
    for key in ["use_square_size", "do_pad"] where try reader.bool(key, default: false) {
      // CLIPImageProcessor pads only to the largest of several pictures, or to pad_size.
      let isLLaVA = try reader.string("image_processor_type")?.hasPrefix("Llava") == true
      guard key == "do_pad", reader.value("pad_size") == nil, !isLLaVA else {
        throw reader.fault(key, .bool(true), expected: "false; it is not carried out here")
      }
    }
  }
}

extension ImageProcessorConfiguration {
  /// `preprocessor_config.json`, complete, so that a default of another release changes nothing.
  package var json: JSONValue {
    func size(_ size: PixelSize, _ height: String = "height", _ width: String = "width") -> JSONValue {
      .object([JSONMember(height, .integer(size.height)), JSONMember(width, .integer(size.width))])
    }
    var members: [JSONMember] = [
      JSONMember("image_processor_type", .string("CLIPImageProcessor")),
      JSONMember("do_resize", .bool(steps.resize != nil)),
    ]
    switch steps.resize {
    case nil: break
    case .shortestEdge(let edge): members.append(JSONMember("size", .object(["shortest_edge": .integer(edge)])))
    case .edges(let shortest, let longest):
      members.append(
        JSONMember("size", .object(["shortest_edge": .integer(shortest), "longest_edge": .integer(longest)])))
    case .exact(let exact): members.append(JSONMember("size", size(exact)))
    case .within(let bounds): members.append(JSONMember("size", size(bounds, "max_height", "max_width")))
    }
    members.append(JSONMember("resample", .integer(steps.filter.rawValue)))
    members.append(JSONMember("do_center_crop", .bool(steps.crop != nil)))
    if let crop = steps.crop { members.append(JSONMember("crop_size", size(crop))) }
    members.append(JSONMember("do_rescale", .bool(steps.rescaleFactor != nil)))
    if let factor = steps.rescaleFactor { members.append(JSONMember("rescale_factor", .number(factor))) }
    members += [
      JSONMember("do_normalize", .bool(steps.normalizes)), JSONMember("do_convert_rgb", .bool(true)),
      JSONMember("image_mean", .array(steps.mean.map(JSONValue.number))),
      JSONMember("image_std", .array(steps.std.map(JSONValue.number))),
    ]
    return .object(members)
  }
}
