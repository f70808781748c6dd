import Files
import JSON
import Safetensors
package import Tensor
import Trace
import WeightFormats

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
      if layout == .transformers {
        set("text_encoding", .string(HTCVLMConfiguration.TextEncoding.continued.rawValue))
      }
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
        expected: "false; \(family.withArticle) with <im_start> and <im_end> around the picture is not implemented")
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
    guard needsVoco else { return }
    if let said = self["voco_token_id"] {
      guard let id = added.ids[AddedTokens.voco], said != .integer(id) else { return }
      throw .key(
        path: "\(path)/config.json", key: "voco_token_id", found: said.summary,
        expected: "\(id), which another file of the directory calls \(AddedTokens.voco)")
    }
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

/// How a directory spells a LLaVA's tensors. It is told by their names, since configurations of one layout exist with
/// stray keys of the other.
enum WeightLayout {
  /// liuhaotian/LLaVA's, VoCo-LLaMA's and HTC-VLM's: `model.*`, `model.mm_projector.*`.
  case original
  /// transformers' `LlavaForConditionalGeneration`: `multi_modal_projector.*`, `language_model.*`, `vision_tower.*`.
  case transformers

  static let visionPrefix = "model.vision_tower.vision_tower."
  /// What a CLIP tower's names begin with; transformers leaves it out since 5.6.
  static let visionRoot = "vision_model."

  init(names: some Sequence<String>) {
    let isTransformers = names.contains { $0.withoutPrefix("model.").hasPrefix("multi_modal_projector.") }
    self = isTransformers ? .transformers : .original
  }

  /// The original layout's spelling of a name; nil for a name that this layout does not have.
  func canonical(_ name: String) -> String? {
    switch self {
    case .original:
      if name.hasPrefix(Self.visionPrefix) { return Self.vision(name.withoutPrefix(Self.visionPrefix)) }
      let parts = [
        "model.mm_projector.", "model.anchor_projector.", "model.mgvq.", "model.embed_tokens.", "model.layers.",
      ]
      return (parts + ["model.norm.", "lm_head."]).contains(where: name.hasPrefix) ? name : nil
    case .transformers:
      let own = name.withoutPrefix("model.")
      let renamed = [
        ("language_model.lm_head.", "lm_head."), ("language_model.model.", "model."), ("language_model.", "model."),
        ("multi_modal_projector.linear_1.", "model.mm_projector.0."),
        ("multi_modal_projector.linear_2.", "model.mm_projector.2."), ("lm_head.", "lm_head."),
      ]
      if own.hasPrefix("vision_tower.") { return Self.vision(own.withoutPrefix("vision_tower.")) }
      return renamed.first { own.hasPrefix($0.0) }.map { $0.1 + own.dropFirst($0.0.count) }
    }
  }

  private static func vision(_ name: String) -> String { visionPrefix + visionRoot + name.withoutPrefix(visionRoot) }

  /// The tensors under the original layout's names; those of no part keep their own.
  ///
  /// - Throws: `CheckpointError` naming two keys that spell one tensor.
  func canonicalized(_ tensors: [String: StoredTensor], path: String) throws(CheckpointError) -> [String: StoredTensor]
  {
    try Self.renamed(tensors, path: path) { canonical($0) ?? $0 }
  }

  /// The tensors under the names that `spelling` gives; nil leaves one out.
  static func renamed(
    _ tensors: [String: StoredTensor], path: String, _ spelling: (String) -> String?
  ) throws(CheckpointError) -> [String: StoredTensor] {
    var result: [String: StoredTensor] = [:]
    var homes: [String: String] = [:]
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      guard let target = spelling(name) else { continue }
      if let other = homes.updateValue(name, forKey: target) {
        throw .tensor(
          path: path, name: name, problem: "is the same tensor as \(printableName(other)); one of them is too many")
      }
      result[target] = tensor
    }
    return result
  }
}

/// Weights of two paths under names that can be compared.
package enum ComparableWeights {
  /// The tensors of two directories or files; under one layout's names where the two are published in different ones.
  ///
  /// - Throws: `CheckpointError` naming the file that cannot be read.
  package static func pair(
    _ first: String, _ second: String
  ) throws -> (first: [String: StoredTensor], second: [String: StoredTensor]) {
    let (a, b) = (try tensors(first), try tensors(second))
    let layouts = (WeightLayout(names: a.keys), WeightLayout(names: b.keys))
    guard layouts.0 != layouts.1 else { return (a, b) }
    return (try layouts.0.canonicalized(a, path: first), try layouts.1.canonicalized(b, path: second))
  }

  private static func tensors(_ name: String) throws -> [String: StoredTensor] {
    let path = try HuggingFaceCache().directory(name).path
    guard Directory.exists(path) else { return try WeightFiles(file: path).tensors }
    let own = try WeightFiles(directory: path).tensors
    guard let document = try? JSONValue(file: "\(path)/config.json") else { return own }
    return try BaseCheckpoint(of: document, directory: path)?.completed(own) ?? own
  }
}
