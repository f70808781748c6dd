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
