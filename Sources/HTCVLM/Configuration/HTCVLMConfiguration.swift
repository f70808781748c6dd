package import JSON
package import Trace
package import WeightFormats

/// `config.json` of an HTC-VLM checkpoint: HF's Llama keys, LLaVA's keys, the keys of this model, and the sections of the
/// vision tower and the quantizer.
package struct HTCVLMConfiguration: Sendable, Hashable {
  /// `mm_projector_type`.
  package enum ProjectorType: String, Sendable, CaseIterable {
    case linear
    case mlp2xGELU = "mlp2x_gelu"
  }

  /// `mm_vision_select_feature`: `patch` drops CLS.
  package enum VisionFeature: String, Sendable, CaseIterable { case patch }

  /// `anchor_flatten`: the order in which the quantised grid becomes a vector.
  package enum AnchorFlatten: String, Sendable, CaseIterable { case chw, hwc }

  /// An entry of `sequence`.
  package enum Segment: String, Sendable, CaseIterable { case bos, anchors, patches, newline, voco, text }

  /// An entry of `trained_sources`: what the text was trained to answer from.
  package enum TrainedSource: String, Sendable, CaseIterable { case full, voco, none }

  /// `hidden_act` of the decoder.
  package enum DecoderActivation: String, Sendable, CaseIterable { case silu }

  // The decoder, by HF Llama's keys.
  package let hiddenSize: Int
  package let intermediateSize: Int
  package let layers: Int
  package let heads: Int
  package let keyValueHeads: Int
  package let headDim: Int
  package let rmsNormEpsilon: Float
  package let ropeTheta: Double
  package let vocabularySize: Int
  package let tiedEmbeddings: Bool
  package let bosTokenID: Int32
  /// `eos_token_id`: the tokens any of which ends an answer.
  package let eosTokenIDs: Set<Int32>
  /// Positions the decoder was trained for; nil when the file does not say.
  package let maxPositionEmbeddings: Int?
  package let hiddenActivation: DecoderActivation

  // LLaVA's keys.
  package let projectorType: ProjectorType
  /// Index into the hidden states, 0 the input of the first block; negative from the end, as Python counts.
  package let visionSelectLayer: Int
  package let visionSelectFeature: VisionFeature
  package let imageAspectRatio: ImageAspectRatio

  // This model's keys.
  package let vocoTokenID: Int32
  package let vocoTokens: Int
  package let anchorTokens: Int
  package let anchorProjectorHiddenSize: Int
  package let anchorFlatten: AnchorFlatten
  package let visualMask: VisualMask
  package let sequence: [Segment]
  /// nil: VoCo-LLaMA's.
  package let promptTemplate: String?
  /// `untrained_parts`: parts whose weights are random or substituted.
  package let untrainedParts: [String]
  /// `trained_sources`: all visual tokens, voco, or no picture; nil when the file does not say.
  package let trainedSources: [TrainedSource]?

  package let vision: VisionConfiguration
  package let mgvq: MGVQConfiguration

  /// Reads the file at `path`.
  ///
  /// - Throws: `CheckpointError` that names the file and the key.
  package init(path: String) throws(CheckpointError) {
    try self.init(document: JSONValue(file: path), path: path)
  }

  /// Reads `document`; `path` is what errors call it.
  package init(document: JSONValue, path: String) throws(CheckpointError) {
    guard case .object = document else {
      throw .malformed(path: path, problem: "the file holds \(document.summary), not an object")
    }
    let reader = JSONReader(path: path, prefix: "", object: document)
    hiddenSize = try reader.integer("hidden_size")
    intermediateSize = try reader.integer("intermediate_size")
    layers = try reader.integer("num_hidden_layers", in: 1...1024)
    heads = try reader.integer("num_attention_heads", in: 1...4096)
    keyValueHeads = try reader.integer("num_key_value_heads", in: 1...4096, default: heads)
    headDim = try reader.integer("head_dim", in: 2...65536, default: max(2, hiddenSize / heads))
    rmsNormEpsilon = Float(try reader.positive("rms_norm_eps"))
    ropeTheta = try Self.ropeTheta(reader)
    vocabularySize = try reader.integer("vocab_size")
    tiedEmbeddings = try reader.bool("tie_word_embeddings", default: false)
    let token = 0...(vocabularySize - 1)
    bosTokenID = Int32(try reader.integer("bos_token_id", in: token, default: 1))
    eosTokenIDs = Set(try GenerationSettings.tokens(reader, in: token))
    maxPositionEmbeddings =
      reader.value("max_position_embeddings") == nil ? nil : try reader.integer("max_position_embeddings")
    hiddenActivation = try reader.choice("hidden_act", default: .silu)

    projectorType = try reader.choice("mm_projector_type")
    visionSelectLayer = try reader.integer("mm_vision_select_layer", in: -1025...1024)
    visionSelectFeature = try reader.choice("mm_vision_select_feature", default: .patch)
    imageAspectRatio = try reader.choice("image_aspect_ratio", default: .square)

    vocoTokenID = Int32(try reader.integer("voco_token_id", in: token))
    vocoTokens = try reader.integer("num_voco_tokens", in: 1...4096, default: 1)
    anchorTokens = try reader.integer("num_anchor_tokens", in: 1...4096)
    anchorProjectorHiddenSize = try reader.integer("anchor_projector_hidden_size")
    anchorFlatten = try reader.choice("anchor_flatten", default: .chw)
    visualMask = try reader.choice("visual_mask", default: .star)
    sequence = try reader.choices("sequence", of: Segment.self) ?? [.bos, .anchors, .patches, .voco, .text]
    promptTemplate = try reader.string("prompt_template")
    untrainedParts = try reader.strings("untrained_parts")
    trainedSources = try reader.choices("trained_sources", of: TrainedSource.self)

    vision = try VisionConfiguration(reader.section("vision_config"))
    mgvq = try MGVQConfiguration(reader.section("mgvq_config"))
    try check(reader)
  }

  /// `rope_theta`, or where transformers 5 puts it, `rope_parameters.rope_theta`.
  private static func ropeTheta(_ reader: JSONReader) throws(CheckpointError) -> Double {
    guard reader.value("rope_parameters") != nil else { return try reader.positive("rope_theta", default: 10000) }
    return try reader.section("rope_parameters").positive("rope_theta", default: 10000)
  }

  /// What no single key decides.
  private func check(_ reader: JSONReader) throws(CheckpointError) {
    guard heads % keyValueHeads == 0 else {
      throw reader.fault(
        "num_key_value_heads", .integer(keyValueHeads), expected: "a divisor of num_attention_heads, \(heads)")
    }
    guard headDim % 2 == 0 else { throw reader.fault("head_dim", .integer(headDim), expected: "an even number") }
    try ComputationKeys.checkDecoder(reader)
    guard -(vision.layers + 1)...vision.layers ~= visionSelectLayer else {
      throw reader.fault(
        "mm_vision_select_layer", .integer(visionSelectLayer),
        expected: "one of the \(vision.layers + 1) hidden states of the tower")
    }
    let vocoPlaces = sequence.filter { $0 == .voco }.count
    let textIsLast = sequence.last == .text && sequence.filter { $0 == .text }.count == 1
    let repeatsPicture = [Segment.anchors, .patches, .bos].contains { kind in sequence.filter { $0 == kind }.count > 1 }
    guard vocoPlaces == 1, textIsLast, !repeatsPicture else {
      throw reader.fault(
        "sequence", .array(sequence.map { .string($0.rawValue) }),
        expected: "\"voco\" once, \"text\" once and last, and \"bos\", \"anchors\" and \"patches\" at most once")
    }
    if let promptTemplate, !promptTemplate.contains("{prompt}") {
      throw reader.fault("prompt_template", .string(promptTemplate), expected: "a text with {prompt} in it")
    }
  }

  /// `visionSelectLayer` counted from the front: how many blocks of the tower run.
  package var visionBlocks: Int { visionSelectLayer < 0 ? visionSelectLayer + vision.layers + 1 : visionSelectLayer }
}
