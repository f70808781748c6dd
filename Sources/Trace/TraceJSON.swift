internal import JSON
internal import WeightFormats

extension SequenceSpan {
  var json: JSONValue {
    .object([
      JSONMember("kind", .string(kind.rawValue)), JSONMember("start", .integer(start)),
      JSONMember("count", .integer(count)),
    ])
  }

  init(_ reader: JSONReader) throws(CheckpointError) {
    self.init(
      kind: try reader.choice("kind"), start: try reader.integer("start", in: 0...largestSize),
      count: try reader.integer("count", in: 0...largestSize))
  }
}

extension ModelDescription {
  /// The members under the names of the configuration's keys where it has them.
  var json: JSONValue {
    .object([
      JSONMember("num_hidden_layers", .integer(layers)),
      JSONMember("num_attention_heads", .integer(heads)),
      JSONMember("num_key_value_heads", .integer(keyValueHeads)),
      JSONMember("hidden_size", .integer(hiddenSize)),
      JSONMember("vocab_size", .integer(vocabularySize)),
      JSONMember("num_anchor_tokens", .integer(anchors)),
      JSONMember("patch_grid", Self.extents(patchRows, patchGrid)),
      JSONMember("vision_image_size", Self.extents(visionImageHeight, visionImageSize)),
      JSONMember("mgvq_image_size", .integer(mgvqImageSize)),
      JSONMember("codebook_groups", .integer(groups)),
      JSONMember("codes_per_group", .integer(codesPerGroup)),
      JSONMember("num_voco_tokens", .integer(vocoTokens)),
      JSONMember("visual_mask", .string(visualMask.rawValue)),
      JSONMember("image_aspect_ratio", .string(imageAspectRatio.rawValue)),
      JSONMember("precision", .string(precision.rawValue)),
      JSONMember("untrained_parts", .array(untrainedParts.map(JSONValue.string))),
      JSONMember("image_mean", .array(imageMean.map(JSONValue.number))),
      JSONMember("image_std", .array(imageStd.map(JSONValue.number))),
    ])
  }

  /// One number for a square, `[rows, columns]` for other shapes.
  private static func extents(_ rows: Int, _ columns: Int) -> JSONValue {
    rows == columns ? .integer(columns) : .array([.integer(rows), .integer(columns)])
  }

  private static func extents(
    _ reader: JSONReader, _ key: String
  ) throws(CheckpointError) -> (rows: Int, columns: Int) {
    guard case .array? = reader.value(key) else {
      let side = try reader.integer(key, in: 0...4096)
      return (side, side)
    }
    let extents = try reader.integers(key, in: 0...4096)
    guard extents.count == 2 else { throw reader.fault(key, reader.value(key), expected: "rows and columns") }
    return (extents[0], extents[1])
  }

  /// Three numbers, or none.
  private static func channels(_ reader: JSONReader, _ key: String) throws(CheckpointError) -> [Double] {
    let numbers = try reader.list(key)?.compactMap { value -> Double? in
      switch value {
      case .number(let number) where number.isFinite: number
      case .integer(let number): Double(number)
      default: nil
      }
    }
    guard let numbers, !numbers.isEmpty else { return [] }
    guard numbers.count == 3 else { throw reader.fault(key, reader.value(key), expected: "three numbers") }
    return numbers
  }

  init(_ reader: JSONReader) throws(CheckpointError) {
    let grid = try Self.extents(reader, "patch_grid")
    let picture = try Self.extents(reader, "vision_image_size")
    self.init(
      layers: try reader.integer("num_hidden_layers", in: 1...1024),
      heads: try reader.integer("num_attention_heads", in: 1...4096),
      keyValueHeads: try reader.integer("num_key_value_heads", in: 1...4096),
      hiddenSize: try reader.integer("hidden_size"),
      vocabularySize: try reader.integer("vocab_size"),
      anchors: try reader.integer("num_anchor_tokens", in: 0...4096),
      patchGrid: grid.columns, patchRows: grid.rows, visionImageSize: picture.columns, visionImageHeight: picture.rows,
      mgvqImageSize: try reader.integer("mgvq_image_size", in: 0...4096),
      groups: try reader.integer("codebook_groups", in: 0...65536),
      codesPerGroup: try reader.integer("codes_per_group", in: 0...largestSize),
      vocoTokens: try reader.integer("num_voco_tokens", in: 0...4096),
      visualMask: try reader.choice("visual_mask"), imageAspectRatio: try reader.choice("image_aspect_ratio"),
      precision: ComputedPrecision(rawValue: try reader.requiredString("precision")),
      untrainedParts: try reader.strings("untrained_parts"))
    imageMean = try Self.channels(reader, "image_mean")
    imageStd = try Self.channels(reader, "image_std")
  }
}
