package import JSON
package import Safetensors
package import Tensor
import Tokenization
package import Trace

/// `config.json` of an HTC-VLM checkpoint: HF's Llama keys, LLaVA's keys, the keys of this model, and the sections of the
/// vision tower and the quantizer.
package struct HTCVLMConfiguration: Sendable, Hashable {
  /// `mm_projector_type`.
  package enum ProjectorType: Sendable, Hashable {
    case identity
    case linear
    /// `mlpNx_gelu`: N linear layers with an activation between two.
    case perceptron(layers: Int)
  }

  /// `projector_hidden_act`: what stands between a projector's layers.
  package enum ProjectorActivation: String, Sendable, CaseIterable {
    case gelu
    case quickGELU = "quick_gelu"
    case silu, relu
  }

  /// `text_encoding`: how the text behind the picture becomes tokens.
  package enum TextEncoding: String, Sendable, CaseIterable {
    /// The filled template by itself; a template with `<image>` in it is split there, each part encoded by itself.
    case whole
    /// The same as a continuation of the text before the picture, as transformers' processors encode both: a
    /// `tokenizer.json` may begin only the first with a space.
    case continued
    /// Newlines and template as one text that is split at `<voco>`: VoCo-LLaMA's prompts, in which each newline is
    /// `▁ <0x0A>`. Newlines in the question are taken out.
    case vocoLLaMALegacy = "voco-llama-legacy"
    /// The same with `legacy: false`, where nothing is put before the newline behind `<voco>`.
    case vocoLLaMA = "voco-llama"
    /// `picture_delimiters` around the picture, and a newline behind the second: LLaVA's `mm_use_im_start_end`. That
    /// newline is `▁ <0x0A>`.
    case delimitedLegacy = "delimited-legacy"
    /// The same with `legacy: false`, where the `▁` stands before the second delimiter.
    case delimited

    /// Whether the text behind an added token gets SentencePiece's dummy prefix.
    var isLegacy: Bool { self == .vocoLLaMALegacy || self == .delimitedLegacy }
    var isDelimited: Bool { self == .delimited || self == .delimitedLegacy }
    var isVocoLLaMA: Bool { self == .vocoLLaMA || self == .vocoLLaMALegacy }
  }

  /// `mm_vision_select_feature`: `patch` drops CLS, `cls_patch` keeps it as a visual token before the patches.
  package enum VisionFeature: String, Sendable, CaseIterable {
    case patch
    case clsPatch = "cls_patch"
  }

  /// `anchor_flatten`: the order in which the quantized grid becomes a vector.
  package enum AnchorFlatten: String, Sendable, CaseIterable { case chw, hwc }

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
  package let projectorActivation: ProjectorActivation
  /// `multimodal_projector_bias`.
  package let projectorHasBias: Bool
  /// `visual_token_pooling`: the side of the squares of projected patches that are averaged to one visual token (M3).
  package let visualTokenPooling: Int
  /// `mm_vision_select_layer`, one or several whose channels stand side by side: indices into the hidden states, 0 the
  /// input of the first block; negative from the end, as Python counts.
  package let visionSelectLayers: [Int]
  package let visionSelectFeature: VisionFeature
  package let imageAspectRatio: ImageAspectRatio

  // This model's keys.
  /// nil in a model without voco tokens.
  package private(set) var vocoTokenID: Int32?
  /// 0 in a LLaVA.
  package private(set) var vocoTokens: Int
  /// 0 in a model without anchors.
  package let anchorTokens: Int
  package let anchorProjectorHiddenSize: Int
  package let anchorFlatten: AnchorFlatten
  package private(set) var visualMask: VisualMask
  package private(set) var sequence: [SegmentKind]
  /// nil: VoCo-LLaMA's.
  package let promptTemplate: String?
  package let textEncoding: TextEncoding
  /// `picture_delimiters`: the tokens before and behind the picture, `<im_start>` and `<im_end>`; empty without any.
  package let pictureDelimiters: [Int32]
  /// `untrained_parts`: parts whose weights are random or substituted.
  package let untrainedParts: [String]
  /// `trained_sources`: all visual tokens, voco, or no picture; nil when the file does not say.
  package let trainedSources: [VisualSource]?

  package let vision: VisionConfiguration
  /// nil in a model without a quantizer.
  package let mgvq: MGVQConfiguration?

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

    projectorType = try Self.projectorType(reader)
    projectorActivation = try reader.choice("projector_hidden_act", default: .gelu)
    projectorHasBias = try reader.bool("multimodal_projector_bias", default: true)
    visualTokenPooling = try reader.integer("visual_token_pooling", in: 1...4096, default: 1)
    visionSelectLayers = try Self.selectedLayers(reader)
    visionSelectFeature = try reader.choice("mm_vision_select_feature", default: .patch)
    imageAspectRatio = try reader.choice("image_aspect_ratio", default: .square)

    vocoTokens = try reader.integer("num_voco_tokens", in: 0...4096, default: 1)
    vocoTokenID = vocoTokens == 0 ? nil : Int32(try reader.integer("voco_token_id", in: token))
    anchorTokens = try reader.integer("num_anchor_tokens", in: 0...4096)
    anchorProjectorHiddenSize = anchorTokens == 0 ? 0 : try reader.integer("anchor_projector_hidden_size")
    anchorFlatten = try reader.choice("anchor_flatten", default: .chw)
    visualMask = try reader.choice("visual_mask", default: .star)
    let order =
      try reader.choices("sequence", of: SegmentKind.self)
      ?? (vocoTokens == 0 ? [.bos, .text, .patches, .text] : [.bos, .anchors, .patches, .voco, .text])
    let insertsCLS = visionSelectFeature == .clsPatch && !order.contains(.cls)
    sequence = insertsCLS ? order.flatMap { $0 == .patches ? [.cls, .patches] : [$0] } : order
    promptTemplate = try reader.string("prompt_template")
    textEncoding = try reader.choice("text_encoding", default: .whole)
    pictureDelimiters =
      textEncoding.isDelimited ? try reader.integers("picture_delimiters", in: token).map { Int32($0) } : []
    untrainedParts = try reader.strings("untrained_parts")
    trainedSources = try reader.choices("trained_sources", of: VisualSource.self)

    vision = try VisionConfiguration(reader.section("vision_config"))
    mgvq =
      anchorTokens == 0 && reader.value("mgvq_config") == nil
      ? nil : try MGVQConfiguration(reader.section("mgvq_config"))
    try check(reader)
  }

  /// `rope_theta`, or where transformers 5 puts it, `rope_parameters.rope_theta`.
  private static func ropeTheta(_ reader: JSONReader) throws(CheckpointError) -> Double {
    guard reader.value("rope_parameters") != nil else { return try reader.positive("rope_theta", default: 10000) }
    return try reader.section("rope_parameters").positive("rope_theta", default: 10000)
  }

  /// `linear`, `identity` or `mlpNx_gelu`.
  private static func projectorType(_ reader: JSONReader) throws(CheckpointError) -> ProjectorType {
    switch try reader.requiredString("mm_projector_type") {
    case "linear": return .linear
    case "identity": return .identity
    case let name:
      let count = name.hasPrefix("mlp") && name.hasSuffix("x_gelu") ? Int(name.dropFirst(3).dropLast(6)) : nil
      guard let count, 1...64 ~= count else {
        throw reader.fault(
          "mm_projector_type", .string(name), expected: "\"linear\", \"identity\" or \"mlpNx_gelu\", N a number")
      }
      return .perceptron(layers: count)
    }
  }

  private static func selectedLayers(_ reader: JSONReader) throws(CheckpointError) -> [Int] {
    let key = "mm_vision_select_layer"
    guard case .array? = reader.value(key) else { return [try reader.integer(key, in: -1025...1024)] }
    let layers = try reader.integers(key, in: -1025...1024)
    guard !layers.isEmpty else { throw reader.fault(key, reader.value(key), expected: "at least one layer") }
    return layers
  }

  /// What no single key decides.
  private func check(_ reader: JSONReader) throws(CheckpointError) {
    guard heads % keyValueHeads == 0 else {
      throw reader.fault(
        "num_key_value_heads", .integer(keyValueHeads), expected: "a divisor of num_attention_heads, \(heads)")
    }
    guard heads * headDim <= largestSize else {
      throw reader.fault(
        "head_dim", .integer(headDim), expected: "at most \(largestSize / heads) with \(heads) num_attention_heads")
    }
    guard headDim % 2 == 0 else { throw reader.fault("head_dim", .integer(headDim), expected: "an even number") }
    try ComputationKeys.checkDecoder(reader)
    for layer in visionSelectLayers where !(-(vision.layers + 1)...vision.layers ~= layer) {
      throw reader.fault(
        "mm_vision_select_layer", .integer(layer),
        expected: "one of the \(vision.layers + 1) hidden states of the tower")
    }
    try checkSequence(reader)
    if let promptTemplate, !promptTemplate.contains("{prompt}") {
      throw reader.fault("prompt_template", .string(promptTemplate), expected: "a text with {prompt} in it")
    }
    guard projectorType != .identity || visionFeatureSize == hiddenSize else {
      throw reader.fault(
        "mm_projector_type", reader.value("mm_projector_type"),
        expected: "a projector from the tower's \(visionFeatureSize) values to \(hiddenSize)")
    }
    guard visionSelectFeature == .patch || visualTokenPooling == 1 else {
      throw reader.fault(
        "mm_vision_select_feature", .string(visionSelectFeature.rawValue),
        expected: "\"patch\", for CLS is in no square of patches that are averaged")
    }
    guard vision.grid % visualTokenPooling == 0 else {
      throw reader.fault(
        "visual_token_pooling", .integer(visualTokenPooling), expected: "a divisor of the grid's \(vision.grid) patches"
      )
    }
  }

  private func checkSequence(_ reader: JSONReader) throws(CheckpointError) {
    let vocoPlaces = sequence.filter { $0 == .voco }.count
    // The text before the picture is the template's part before <image>.
    let texts = sequence.filter { $0 == .text }.count
    let splits = vocoTokens == 0 && promptTemplate?.contains(PromptTemplate.image) == true
    let textIsLast = sequence.last == .text && (texts == 1 || splits && texts == 2)
    let repeatsPicture = [SegmentKind.anchors, .patches, .bos].contains { kind in
      sequence.filter { $0 == kind }.count > 1
    }
    guard vocoPlaces == (vocoTokens == 0 ? 0 : 1), textIsLast, !repeatsPicture else {
      throw reader.fault(
        "sequence", .array(sequence.map { .string($0.rawValue) }),
        expected:
          "\"voco\" \(vocoTokens == 0 ? "never" : "once"), \"text\" once and last, and \"bos\", \"anchors\" and "
          + "\"patches\" at most once")
    }
    guard sequence.filter({ $0 == .cls }).count == (keepsCLS ? 1 : 0) else {
      throw reader.fault(
        "sequence", .array(sequence.map { .string($0.rawValue) }),
        expected: "\"cls\" where mm_vision_select_feature is \"cls_patch\", and nowhere else")
    }
    let newlines = sequence.filter { $0 == .newline }.count
    guard !textEncoding.isVocoLLaMA || newlines == 2 else {
      throw reader.fault(
        "text_encoding", .string(textEncoding.rawValue), expected: "\"whole\", or a newline on each side of voco")
    }
    let fitsDelimiters = splits && promptTemplate?.contains(PromptTemplate.image + "\n") == true
    guard !textEncoding.isDelimited || fitsDelimiters && pictureDelimiters.count == 2 else {
      throw reader.fault(
        "text_encoding", .string(textEncoding.rawValue),
        expected: "\"whole\", or two picture_delimiters, no voco, and a prompt_template with <image> and a newline")
    }
  }

  /// A model without voco, asked by the token `asker` as others are by voco: the question stands before it.
  func asking(by asker: Int32) -> HTCVLMConfiguration {
    var configuration = self
    (configuration.vocoTokenID, configuration.vocoTokens, configuration.visualMask) = (asker, 1, .causal)
    configuration.sequence = sequence.dropLast() + [.text, .voco, .text]
    return configuration
  }

  /// What the checkpoint was trained as.
  package var family: ModelFamily {
    if vocoTokens == 0 { return visualTokenPooling > 1 ? .m3 : .llava }
    return textEncoding.isVocoLLaMA ? .vocoLLaMA : .htcVLM
  }

  /// Visual tokens of the patches along one side.
  package var patchGrid: Int { vision.grid / visualTokenPooling }
  /// Visual tokens of the patches.
  package var patches: Int { patchGrid * patchGrid }

  /// Whether the tower's CLS is a visual token of the sequence.
  package var keepsCLS: Bool { visionSelectFeature == .clsPatch }
  /// Values of a row of features.
  package var visionFeatureSize: Int { vision.hiddenSize * visionSelectLayers.count }
  /// `visionSelectLayers` counted from the front: after how many blocks of the tower each hidden state is taken.
  package var visionDepths: [Int] { visionSelectLayers.map { $0 < 0 ? $0 + vision.layers + 1 : $0 } }
  /// How many blocks of the tower run.
  package var visionBlocks: Int { visionDepths.max() ?? 0 }
}

extension HTCVLMConfiguration {
  /// What a trace says of the model.
  package var modelDescription: ModelDescription {
    var description = ModelDescription(
      layers: layers, heads: heads, keyValueHeads: keyValueHeads, hiddenSize: hiddenSize,
      vocabularySize: vocabularySize, anchors: anchorTokens, patchGrid: patchGrid,
      visionImageSize: vision.imageSize, mgvqImageSize: mgvq?.imageSize ?? 0, groups: mgvq?.groups ?? 0,
      codesPerGroup: mgvq?.codesPerGroup ?? 0, vocoTokens: vocoTokens, visualMask: visualMask,
      imageAspectRatio: imageAspectRatio, precision: .own(.exact), untrainedParts: untrainedParts)
    description.visualTokenPooling = visualTokenPooling
    return description
  }

  /// Bytes of the keys and values of `rows` positions in all layers.
  package func keyValueBytes(rows: Int, bytesPerElement: Int = 4) -> Int {
    2 * layers * keyValueHeads * headDim * bytesPerElement * rows
  }
}

/// `vision_config`: HF's CLIPVisionConfig.
package struct VisionConfiguration: Sendable, Hashable {
  /// `hidden_act`.
  package enum Activation: String, Sendable, CaseIterable {
    case quickGELU = "quick_gelu"
    case gelu
  }

  package let hiddenSize: Int
  package let intermediateSize: Int
  package let layers: Int
  package let heads: Int
  /// Side of the square input in pixels.
  package let imageSize: Int
  package let patchSize: Int
  package let hiddenActivation: Activation
  package let layerNormEpsilon: Float
  /// `use_pre_layernorm`: false for towers such as DINOv2, which have no `pre_layrnorm`.
  package let usesPreLayerNorm: Bool

  init(_ reader: JSONReader) throws(CheckpointError) {
    hiddenSize = try reader.integer("hidden_size")
    intermediateSize = try reader.integer("intermediate_size")
    layers = try reader.integer("num_hidden_layers", in: 1...1024)
    heads = try reader.integer("num_attention_heads", in: 1...4096)
    imageSize = try reader.integer("image_size", in: 1...4096)
    patchSize = try reader.integer("patch_size", in: 1...imageSize)
    hiddenActivation = try reader.choice("hidden_act", default: .quickGELU)
    layerNormEpsilon = Float(try reader.positive("layer_norm_eps", default: 1e-5))
    usesPreLayerNorm = try reader.bool("use_pre_layernorm", default: true)
    try ComputationKeys.checkTower(reader)
    guard patches <= Self.mostPatches else {
      throw reader.fault(
        "patch_size", .integer(patchSize),
        expected: "a size that makes at most \(Self.mostPatches) patches of \(imageSize) × \(imageSize) pixels")
    }
    guard hiddenSize % heads == 0 else {
      throw reader.fault("num_attention_heads", .integer(heads), expected: "a divisor of hidden_size, \(hiddenSize)")
    }
  }

  /// Beyond what any attention over all of them could compute; sizes that follow from it cannot overflow.
  private static let mostPatches = 1 << 16

  /// Patches along one side.
  package var grid: Int { imageSize / patchSize }
  /// Patches of a picture, CLS not counted.
  package var patches: Int { grid * grid }
  package var headDim: Int { hiddenSize / heads }
}
