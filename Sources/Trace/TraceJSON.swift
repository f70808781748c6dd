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
      JSONMember("patch_grid", .integer(patchGrid)),
      JSONMember("vision_image_size", .integer(visionImageSize)),
      JSONMember("mgvq_image_size", .integer(mgvqImageSize)),
      JSONMember("codebook_groups", .integer(groups)),
      JSONMember("codes_per_group", .integer(codesPerGroup)),
      JSONMember("num_voco_tokens", .integer(vocoTokens)),
      JSONMember("visual_mask", .string(visualMask)),
      JSONMember("image_aspect_ratio", .string(imageAspectRatio)),
      JSONMember("precision", .string(precision)),
      JSONMember("untrained_parts", .array(untrainedParts.map(JSONValue.string))),
    ])
  }

  init(_ reader: JSONReader) throws(CheckpointError) {
    let mask: VisualMask = try reader.choice("visual_mask")
    let aspect: ImageAspectRatio = try reader.choice("image_aspect_ratio")
    self.init(
      layers: try reader.integer("num_hidden_layers", in: 1...1024),
      heads: try reader.integer("num_attention_heads", in: 1...4096),
      keyValueHeads: try reader.integer("num_key_value_heads", in: 1...4096),
      hiddenSize: try reader.integer("hidden_size"),
      vocabularySize: try reader.integer("vocab_size"),
      anchors: try reader.integer("num_anchor_tokens", in: 1...4096),
      patchGrid: try reader.integer("patch_grid", in: 1...4096),
      visionImageSize: try reader.integer("vision_image_size", in: 1...4096),
      mgvqImageSize: try reader.integer("mgvq_image_size", in: 1...4096),
      groups: try reader.integer("codebook_groups", in: 1...65536),
      codesPerGroup: try reader.integer("codes_per_group"),
      vocoTokens: try reader.integer("num_voco_tokens", in: 1...4096),
      visualMask: mask.rawValue, imageAspectRatio: aspect.rawValue, precision: try reader.requiredString("precision"),
      untrainedParts: try reader.strings("untrained_parts"))
  }
}
