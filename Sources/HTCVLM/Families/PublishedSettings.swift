import JSON
import Safetensors
import Tensor
import Trace

/// A published `config.json` on its way to an HTC-VLM's.
struct PublishedSettings {
  private var members: [JSONMember]
  /// Parts whose weights are substitutes, and what had to be assumed.
  var untrained: [String] = []

  init(_ document: JSONValue) {
    if case .object(let object) = document { members = object.members } else { members = [] }
  }

  var document: JSONValue {
    let named = members.filter { $0.key != "untrained_parts" }
    let parts = JSONMember("untrained_parts", .array(untrained.map(JSONValue.string)))
    return .object(named + (untrained.isEmpty ? [] : [parts]))
  }

  subscript(key: String) -> JSONValue? {
    guard let value = members.last(where: { $0.key == key })?.value, value != .null else { return nil }
    return value
  }

  mutating func set(_ key: String, _ value: JSONValue) {
    members.removeAll { $0.key == key }
    members.append(JSONMember(key, value))
  }

  mutating func setIfAbsent(_ key: String, _ value: JSONValue) {
    if self[key] == nil { set(key, value) }
  }

  /// A segment order.
  private static func order(_ segments: [SegmentKind]) -> JSONValue {
    .array(segments.map { .string($0.rawValue) })
  }

  /// The keys of a family that its own files do not have.
  mutating func setKeys(of family: ModelFamily, layout: WeightLayout, isLegacy: Bool) {
    setIfAbsent("mm_projector_type", .string("linear"))
    setIfAbsent("anchor_flatten", .string("chw"))
    switch family {
    case .htcVLM:
      setIfAbsent("num_voco_tokens", .integer(1))
      setIfAbsent("num_anchor_tokens", .integer(4))
      setIfAbsent("visual_mask", .string("star"))
      setIfAbsent("sequence", Self.order([.bos, .anchors, .patches, .voco, .text]))
      return
    case .vocoLLaMA:
      set("sequence", Self.order([.bos, .patches, .newline, .voco, .newline, .text]))
      set(
        "text_encoding",
        .string((isLegacy ? HTCVLMConfiguration.TextEncoding.vocoLLaMALegacy : .vocoLLaMA).rawValue))
    case .llava, .m3:
      set("sequence", Self.order([.bos, .text, .patches, .text]))
      set("num_voco_tokens", .integer(0))
      set("trained_sources", .array([.string(VisualSource.full.rawValue)]))
      setIfAbsent(
        "prompt_template",
        .string(layout == .original ? ModelFamily.llavaTemplate : ModelFamily.transformersTemplate))
    }
    set("num_anchor_tokens", .integer(0))
    set("visual_mask", .string(VisualMask.causal.rawValue))
  }

  /// Refuses what liuhaotian's configurations may ask for and this program does not do.
  func checkOriginal(path: String) throws(CheckpointError) {
    let reader = JSONReader(path: path, prefix: "", object: document)
    if let aspect = try reader.string("image_aspect_ratio"), !["pad", "square"].contains(aspect) {
      throw reader.fault(
        "image_aspect_ratio", .string(aspect),
        expected: "\"pad\" or none; pictures in several crops are not implemented")
    }
  }

  /// Of `mm_use_im_start_end`, the tokens around the picture and how the text behind them is encoded.
  mutating func setDelimiters(
    _ tensors: [String: StoredTensor], of family: ModelFamily, added: AddedTokens, path: String
  ) throws(CheckpointError) {
    let reader = JSONReader(path: path, prefix: "", object: document)
    guard try reader.bool("mm_use_im_start_end", default: false) else { return }
    guard family == .llava || family == .m3 else {
      throw reader.fault(
        "mm_use_im_start_end", .bool(true),
        expected: "false; a \(family.rawValue) with <im_start> and <im_end> around the picture is not implemented")
    }
    let rows = tensors["model.embed_tokens.weight"]?.shape.first ?? 0
    var ids: [JSONValue] = []
    for token in [AddedTokens.pictureStart, AddedTokens.pictureEnd] {
      guard let id = added.ids[token] else {
        throw reader.fault(
          "mm_use_im_start_end", .bool(true),
          expected: "\(token) in added_tokens.json, tokenizer_config.json or tokenizer.json")
      }
      guard 0..<rows ~= id else {
        throw .tensor(
          path: path, name: "model.embed_tokens.weight",
          problem: "has \(rows) rows, and \(token) is called number \(id)")
      }
      ids.append(.integer(id))
    }
    let encoding = added.isLegacy ? HTCVLMConfiguration.TextEncoding.delimitedLegacy : .delimited
    set("picture_delimiters", .array(ids))
    set("text_encoding", .string(encoding.rawValue))
  }

  /// Sets `vocab_size` from the embedding's rows, and `voco_token_id` from what the files call `<voco>`.
  mutating func setDecoder(
    _ tensors: [String: StoredTensor], path: String, added: AddedTokens, needsVoco: Bool, allowsSubstitute: Bool
  ) throws(CheckpointError) {
    let name = "model.embed_tokens.weight"
    guard let rows = tensors[name]?.shape.first else { throw .tensor(path: path, name: name, problem: "is missing") }
    set("vocab_size", .integer(rows))
    guard needsVoco, self["voco_token_id"] == nil else { return }
    if let id = added.ids[AddedTokens.voco] {
      guard 0..<rows ~= id else {
        throw .tensor(
          path: path, name: name, problem: "has \(rows) rows, and \(AddedTokens.voco) is called number \(id)")
      }
      set("voco_token_id", .integer(id))
      return
    }
    guard allowsSubstitute else {
      throw .malformed(
        path: path,
        problem:
          "none of added_tokens.json, tokenizer_config.json and tokenizer.json names <voco>, so no row of the embedding "
          + "is known to be its; --random-anchor-projector SEED puts that of <unk> in its place")
    }
    set("voco_token_id", .integer(0))
    untrained.append("untrained voco token (the row of <unk>)")
  }
}

extension PublishedSettings {
  /// `config.json` of transformers' LLaVA, its sections laid flat, with the class's defaults where a key is absent
  /// (transformers, `LlavaConfig`, `LlamaConfig`).
  init(transformers whole: JSONValue, path: String) throws(CheckpointError) {
    let reader = JSONReader(path: path, prefix: "", object: whole)
    let text = whole["text_config"] ?? .object([])
    self.init(text)
    let defaults: [(String, Int)] = [
      ("hidden_size", 4096), ("intermediate_size", 11008), ("num_hidden_layers", 32), ("num_attention_heads", 32),
    ]
    for (key, value) in defaults { setIfAbsent(key, .integer(value)) }
    setIfAbsent("rms_norm_eps", .number(1e-6))
    if let tied = whole["tie_word_embeddings"] { setIfAbsent("tie_word_embeddings", tied) }
    set("mm_projector_type", .string("mlp2x_gelu"))
    set(
      "projector_hidden_act",
      whole["projector_hidden_act"] ?? .string(HTCVLMConfiguration.ProjectorActivation.gelu.rawValue))
    set("multimodal_projector_bias", .bool(try reader.bool("multimodal_projector_bias", default: true)))
    set("mm_vision_select_layer", reader.value("vision_feature_layer") ?? .integer(-2))
    let features: [String: HTCVLMConfiguration.VisionFeature] = ["default": .patch, "full": .clsPatch]
    let strategy = try reader.string("vision_feature_select_strategy") ?? "default"
    guard let feature = features[strategy] else {
      throw reader.fault(
        "vision_feature_select_strategy", .string(strategy), expected: "\"default\" or \"full\"")
    }
    set("mm_vision_select_feature", .string(feature.rawValue))
    if let kind = try JSONReader(path: path, prefix: "text_config.", object: text).string("model_type"), kind != "llama"
    {
      throw reader.fault("text_config.model_type", .string(kind), expected: "\"llama\"")
    }
  }
}

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
