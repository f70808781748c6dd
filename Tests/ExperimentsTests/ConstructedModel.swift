import Experiments
import Foundation
import HTCVLM
import JSON
import Statistics
import Tensor
import Tokenization
import Trace
import WeightFormats

/// A decoder whose answer is known, because its matrices are written by hand: four layers over 4 anchors and 16 patches.
///
/// The residual stream keeps kinds and contents apart: dimensions 0–6 flag anchor, patch, voco, text, other text, answer
/// and newline; 8–11 hold the class that an anchor shows, 12–15 a patch's; 16–19 and 20–23 what was gathered; 24–27 the
/// answer, read by `lm_head`. Layer 0 gathers, layer 2 lets text read voco; the last layer does nothing unless told to.
///
/// Every matrix has noise of a few hundredths of its usual entries added: the random control permutes a matrix's entries, and
/// of a matrix of zeros and few large numbers a permutation is either the same or nothing at all.
struct ConstructedModel {
  /// How voco's score of a key adds up in one head.
  struct Head {
    var anchor: Float = 0
    var patch: Float = 0
    /// Added to an anchor's score if it shows the head's own class, and taken off if not.
    var ofClass: Float = 0
    /// cos(0.1·distance) times this: the nearest, or with `isFirst` the farthest, the most.
    var recency: Float = 0
    var isFirst = false
    /// What of an anchor's or a patch's class the value holds, and a constant of anchors for the head's own class.
    var anchorValue: Float = 1
    var patchValue: Float = 1
    var constantValue: Float = 0
    /// Whether it gathers for the other question.
    var isForOther = false
  }

  var heads: [Head]
  var mask = "star"
  var sequence = ["bos", "anchors", "patches", "voco", "text"]
  /// 0: the last token of the prompt looks at the anchors, and at itself for the answer.
  var vocoTokens = 1
  var prompts = ["what"]
  /// Anchors attended in the last layer alone.
  var lastLayerOnly = false
  /// The newline reads the anchors and voco the newline.
  var throughNewline = false
  /// The second voco token attends to the first.
  var secondReadsFirst = false
  /// Noise of the projectors; in anchors it varies with the picture, so that a sink without any has none.
  var projectorNoise: Float = 0.05
  var pictures = ConstructedPictures()

  init(heads: [Head], pictures: ConstructedPictures = ConstructedPictures()) {
    self.heads = heads
    self.pictures = pictures
  }

  init(_ head: Head, pictures: ConstructedPictures = ConstructedPictures()) {
    self.init(heads: [Head](repeating: head, count: 4), pictures: pictures)
  }

  static let width = 48
  static let vocabulary = 430
  static let voco = 425
  static let classes = 4
  /// Tokens of the four answers.
  static let answers = 300..<304

  private static let flag: Float = 8
  /// A flag after the norm: √(8²/48) is its root mean square.
  private static let unit = 1 / (flag / (flag * flag / Float(width)).squareRoot())
  private static let layers = 4
  private static let headWidth = 16
  private static let noise: Float = 0.01

  // MARK: The checkpoint

  func configuration() throws -> HTCVLMConfiguration {
    var document: [String: Any] = [
      "hidden_size": Self.width, "intermediate_size": 8, "num_hidden_layers": Self.layers,
      "num_attention_heads": heads.count, "head_dim": Self.headWidth, "rms_norm_eps": 1e-5,
      "vocab_size": Self.vocabulary, "num_voco_tokens": vocoTokens,
      "num_anchor_tokens": 4, "anchor_projector_hidden_size": 16, "mm_projector_type": "linear",
      "mm_vision_select_layer": 0, "image_aspect_ratio": "pad", "prompt_template": "{prompt}", "visual_mask": mask,
      "sequence": sequence,
      "vision_config": [
        "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "image_size": 56,
        "patch_size": 14,
      ] as [String: Any],
      "mgvq_config": [
        "latent_channels": 8, "codebook_size": 64, "codebook_groups": 2, "image_size": 8, "encoder_width_list": [8, 8],
        "encoder_depth_list": [0, 1], "decoder_width_list": [8, 8], "decoder_depth_list": [0, 1],
      ] as [String: Any],
    ]
    if vocoTokens > 0 { document["voco_token_id"] = Self.voco }
    let bytes = [UInt8](try JSONSerialization.data(withJSONObject: document))
    return try HTCVLMConfiguration(document: try JSONValue(parsing: bytes), path: "constructed/config.json")
  }

  /// The whole measurement, and what it says.
  func verify(seed: UInt64 = 0, randomModels: Bool = true) throws -> VerifyReport {
    VerifyReport(try run(seed: seed, randomModels: randomModels).finish())
  }

  /// - Parameter say: gets sentences that are to stay.
  func run(
    seed: UInt64 = 0, randomModels: Bool = true, say: @escaping (String) -> Void = { _ in }
  ) throws -> VerifyRun {
    let configuration = try configuration()
    let tokenizer = try SentencePieceTokenizer(path: recordedCheckpoint + "/tokenizer.model")
    let preprocessor = ImageProcessorConfiguration.clip(imageSize: 56)
    func model(_ tensors: [String: StoredTensor]) throws -> HTCVLMModel {
      try HTCVLMModel(
        configuration: configuration, preprocessor: preprocessor, tensors: tensors, tokenizer: tokenizer,
        checkpoint: "constructed")
    }
    var tensors = try tensors(configuration)
    let other = prompts.count > 1 ? try model(stored(tensors)).tokenize(prompts[1]).map(Int.init) : []
    let asker = vocoTokens > 0 ? Self.voco : Int(try model(stored(tensors)).tokenize(prompts[0]).last ?? 0)
    embed(&tensors, otherQuestion: Set(other), asker: asker)
    addNoise(&tensors)
    let stored = stored(tensors)
    let subject = try VerifySubject(
      model: try model(stored), prompts: prompts,
      provenance: Provenance(
        version: "test", imageName: "", imageWidth: 0, imageHeight: 0, imageSHA256: "", modelName: "constructed",
        configSHA256: "", weightsSHA256: "", prompt: prompts[0]), path: "constructed")
    return VerifyRun(
      subject, pictures, tensors: stored, preprocessor: preprocessor, picturesSHA256: "", seed: seed,
      randomModels: randomModels, progress: { _ in }, say: say)
  }

  private func stored(_ tensors: [String: Tensor]) -> [String: StoredTensor] {
    Dictionary(uniqueKeysWithValues: tensors.map { ($0.key, StoredTensor(name: $0.key, tensor: $0.value)) })
  }

  // MARK: Weights

  private func tensors(_ configuration: HTCVLMConfiguration) throws -> [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for expected in try HTCVLMModel.expectedTensors(configuration) {
      let isScale = expected.name.hasSuffix("norm.weight") || expected.name.hasSuffix("running_var")
      tensors[expected.name] = Tensor(
        shape: expected.shape, values: [Float](repeating: isScale ? 1 : 0, count: expected.shape.reduce(1, *)))
    }
    // What a patch's features 0–3 and an anchor's quantized 4·anchor + class hold; flags are biases.
    tensors["model.mm_projector.weight"] = matrix(Self.width, 8) { row, column in
      row == 12 + column && column < 4 ? 1 : 0
    }
    tensors["model.mm_projector.bias"] = Tensor(
      shape: [Self.width], values: (0..<Self.width).map { $0 == 1 ? Self.flag : 0 })
    let inputs = tensors["model.anchor_projector.fc1.weight"]!.shape[1]
    tensors["model.anchor_projector.fc1.weight"] = matrix(16, inputs) { $0 == $1 ? 1 : 0 }
    tensors["model.anchor_projector.fc2.weight"] = matrix(4 * Self.width, 16) { row, hidden in
      row / Self.width == hidden / 4 && row % Self.width == 8 + hidden % 4 ? 0.4 : 0
    }
    tensors["model.anchor_projector.fc2.bias"] = Tensor(
      shape: [4 * Self.width], values: (0..<4 * Self.width).map { $0 % Self.width == 0 ? Self.flag : 0 })
    tensors["lm_head.weight"] = matrix(Self.vocabulary, Self.width) { row, column in
      if row == 2 { return column == 5 ? 10 : 0 }
      return Self.answers.contains(row) && column == 24 + row - Self.answers.lowerBound ? 30 : 0
    }
    for layer in 0..<Self.layers { attention(&tensors, layer) }
    return tensors
  }

  private func embed(_ tensors: inout [String: Tensor], otherQuestion: Set<Int>, asker: Int) {
    tensors["model.embed_tokens.weight"] = matrix(Self.vocabulary, Self.width) { row, column in
      let kind =
        switch row {
        case asker: 2
        case 1: 7
        case 13: 6
        case let row where Self.answers.contains(row): 5
        case let row where otherQuestion.contains(row): 4
        default: 3
        }
      return column == kind && kind != 7 ? Self.flag : 0
    }
  }

  private func addNoise(_ tensors: inout [String: Tensor]) {
    for (name, tensor) in tensors where tensor.shape.count == 2 {
      let isProjector = name.hasPrefix("model.mm_projector") || name.hasPrefix("model.anchor_projector")
      guard isProjector || name.hasPrefix("model.layers.") || name == "lm_head.weight" else { continue }
      var generator = SplitMix64(seed: 11, stream: name)
      let noise = isProjector ? projectorNoise : Self.noise
      let values = tensor.values.map { $0 + noise * Float.random(in: -1...1, using: &generator) }
      tensors[name] = Tensor(shape: tensor.shape, values: values)
    }
  }

  private func attention(_ tensors: inout [String: Tensor], _ layer: Int) {
    let prefix = "model.layers.\(layer).self_attn"
    let rows = heads.count * Self.headWidth
    tensors["\(prefix).q_proj.weight"] = matrix(rows, Self.width) { row, column in
      query(layer, head: row / Self.headWidth, slot: row % Self.headWidth, column)
    }
    tensors["\(prefix).k_proj.weight"] = matrix(rows, Self.width) { row, column in
      key(layer, head: row / Self.headWidth, slot: row % Self.headWidth, column)
    }
    tensors["\(prefix).v_proj.weight"] = matrix(rows, Self.width) { row, column in
      value(layer, head: row / Self.headWidth, slot: row % Self.headWidth, column)
    }
    tensors["\(prefix).o_proj.weight"] = matrix(Self.width, rows) { row, column in
      let (head, slot) = (column / Self.headWidth, column % Self.headWidth)
      guard slot < 4, let output = output(layer, head: head) else { return 0 }
      return row == output.first + slot ? output.scale : 0
    }
  }

  /// Slots of a head: 7 kinds and classes, 5 text to voco, 6 text to itself, 4 newline to anchors, 2 recency, 0 voco to the
  /// voco before it; a slot turns with the one 8 further on, the slower the higher.
  private func query(_ layer: Int, head: Int, slot: Int, _ column: Int) -> Float {
    let unit = Self.unit
    switch (slot, column) {
    case (7, 2): return unit
    case (2, 2): return heads[head].isFirst ? unit * cos(-0.1 * 19) : unit
    case (10, 2): return heads[head].isFirst ? unit * sin(-0.1 * 19) : 0
    case (0, 2): return secondReadsFirst ? unit * cos(-1) : 0
    case (8, 2): return secondReadsFirst ? unit * sin(-1) : 0
    case (4, 6): return throughNewline && layer == 0 ? unit : 0
    // Text reads voco in layer 2: the question's by head 0, the other's by head 1.
    case (5, 2): return vocoTokens == 0 && layer == 2 && head == 0 ? unit : 0
    case (5, 3): return layer == 2 && head == 0 ? unit : 0
    case (6, 3): return layer == 2 && head != 0 ? unit : 0
    case (5, 4): return layer == 2 && head == 1 ? unit : 0
    case (6, 4): return layer == 2 && head != 1 ? unit : 0
    default: return 0
    }
  }

  private func key(_ layer: Int, head: Int, slot: Int, _ column: Int) -> Float {
    // Scores divide by √16.
    let score = { (value: Float) in value * 4 * Self.unit }
    let own = heads[head]
    let isOn = !lastLayerOnly || layer == Self.layers - 1
    switch (slot, column) {
    case (7, 0): return isOn ? score(own.anchor - own.ofClass) : score(-6)
    case (7, 8 + head % Self.classes): return own.ofClass == 0 ? 0 : own.ofClass * 2 * 4 * 1.17
    case (7, 1): return score(own.patch)
    case (7, 6): return throughNewline ? score(8) : 0
    case (2, 0), (2, 1): return score(own.recency)
    case (0, 2): return secondReadsFirst ? score(20) : 0
    case (4, 0): return throughNewline ? score(12) : 0
    case (5, 2), (6, 3), (6, 4): return score(12)
    default: return 0
    }
  }

  private func value(_ layer: Int, head: Int, slot: Int, _ column: Int) -> Float {
    guard slot < 4 else { return 0 }
    let own = heads[head]
    switch layer {
    case 0:
      if column == 8 + slot { return own.anchorValue }
      if column == 12 + slot { return own.patchValue }
      return column == 0 && slot == head % Self.classes ? own.constantValue * Self.unit : 0
    case 1: return throughNewline && column == 16 + slot ? 1 : 0
    case 2: return column == (head == 1 || throughNewline ? 20 : 16) + slot && head < 2 ? 1 : 0
    default: return lastLayerOnly && column == 8 + slot ? 1 : 0
    }
  }

  /// Where a head writes, and how much: gathering heads share the work.
  private func output(_ layer: Int, head: Int) -> (first: Int, scale: Float)? {
    switch layer {
    case 0:
      let sharing = heads.count {
        $0.isForOther == heads[head].isForOther && ($0.anchorValue != 0 || $0.patchValue != 0 || $0.constantValue != 0)
      }
      return (heads[head].isForOther ? 20 : 16, 1 / Float(max(1, sharing)))
    // The newline's gathering becomes voco's.
    case 1: return throughNewline ? (20, 1 / Float(heads.count)) : nil
    case 2: return (24, 1)
    default: return lastLayerOnly ? (24, 1) : nil
    }
  }

  private func matrix(_ rows: Int, _ columns: Int, _ value: (Int, Int) -> Float) -> Tensor {
    Tensor(shape: [rows, columns], values: (0..<rows * columns).map { value($0 / columns, $0 % columns) })
  }
}

/// Pictures that were never seen by a tower: each anchor and patch shows a class, with a little of its own.
struct ConstructedPictures: VerifySource {
  var count = 40
  /// Anchors are the same in every picture.
  var hasConstantAnchors = false
  /// The four anchors of a picture are the same vector.
  var hasEqualAnchors = false
  /// Patches show the anchors' class.
  var isRedundant = false

  var keys: [String] { (0..<count).map { "key \($0)" } }
  var names: [String] { (0..<count).map { "picture \($0)" } }

  func encode(_ index: Int, _ model: HTCVLMModel) throws -> VisualEncoding {
    var generator = SplitMix64(seed: 1, stream: "picture \(index)")
    let ofAnchors = generator.below(4)
    let ofPatches = isRedundant ? ofAnchors : generator.below(4)
    return try encoding(
      model, anchors: hasConstantAnchors ? 0 : ofAnchors, patches: ofPatches, &generator)
  }

  func blank(_ index: Int, _ model: HTCVLMModel, seed: UInt64) throws -> VisualEncoding {
    var generator = SplitMix64(seed: seed, stream: "blank \(index)")
    return try encoding(model, anchors: nil, patches: nil, &generator)
  }

  private func encoding(
    _ model: HTCVLMModel, anchors: Int?, patches: Int?, _ generator: inout SplitMix64
  ) throws -> VisualEncoding {
    let noise = { (generator: inout SplitMix64) in 0.1 * Float(generator.unit()) }
    let shape = [8, model.latentSide, model.latentSide]
    var quantized = [Float](repeating: 0, count: shape.reduce(1, *))
    for anchor in 0..<4 {
      for content in 0..<4 {
        let own = hasConstantAnchors || hasEqualAnchors ? 0 : noise(&generator)
        quantized[4 * anchor + content] = (content == anchors ? 3 : 0) + own
      }
    }
    var features = [Float](repeating: 0, count: 16 * 8)
    for patch in 0..<16 {
      for content in 0..<4 { features[8 * patch + content] = (content == patches ? 1 : 0) + noise(&generator) }
    }
    let vectors = Tensor(shape: shape, values: quantized)
    let none = Tensor(shape: [3, 1, 1], values: [0, 0, 0])
    let codes = CodeGrid(
      groups: 2, height: shape[1], width: shape[2], indices: [Int32](repeating: 0, count: 2 * shape[1] * shape[2]))
    return try model.reprojected(
      VisualEncoding(
        mgvq: MGVQTrace(pixelValues: none, latent: vectors, codes: codes, quantized: vectors),
        anchors: .zeros([0, ConstructedModel.width]),
        vision: VisionTrace(
          pixelValues: none, features: Tensor(shape: [16, 8], values: features),
          patches: .zeros([0, ConstructedModel.width]))))
  }
}

extension HTCVLMModel {
  /// Cells along one side of the latent grid.
  fileprivate var latentSide: Int { configuration.mgvq?.latentSize ?? 0 }
}
