import JSON

extension MGVQConfiguration {
  /// `mgvq_config`.
  var json: JSONValue {
    func stages(_ side: String, _ stages: [Stage]) -> [JSONMember] {
      [
        JSONMember("\(side)_width_list", .array(stages.map { .integer($0.width) })),
        JSONMember("\(side)_depth_list", .array(stages.map { .integer($0.depth) })),
        JSONMember("\(side)_block_type", .array(stages.map { .string($0.block.rawValue) })),
        JSONMember("\(side)_norm", .array(stages.map { .string($0.norm.rawValue) })),
        JSONMember("\(side)_act", .array(stages.map { .string($0.activation.rawValue) })),
      ]
    }
    return .object(
      [
        JSONMember("latent_channels", .integer(latentChannels)), JSONMember("codebook_size", .integer(codebookSize)),
        JSONMember("codebook_groups", .integer(groups)), JSONMember("image_size", .integer(imageSize)),
      ] + stages("encoder", encoder) + stages("decoder", decoder))
  }
}

extension ImageProcessorConfiguration {
  /// `preprocessor_config.json`.
  var json: JSONValue {
    func list(_ values: [Float]) -> JSONValue { .array(values.map { .number(Double("\($0)") ?? Double($0)) }) }
    return .object([
      JSONMember("image_processor_type", .string("CLIPImageProcessor")), JSONMember("size", .integer(imageSize)),
      JSONMember("crop_size", .integer(imageSize)), JSONMember("do_center_crop", .bool(true)),
      JSONMember("resample", .integer(3)), JSONMember("image_mean", list(mean)), JSONMember("image_std", list(std)),
    ])
  }
}
