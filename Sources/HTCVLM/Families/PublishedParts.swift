import Files
import Foundation
package import JSON
import Safetensors
import Statistics
package import Tensor
import Tokenization
import WeightFormats

/// A model in the layouts that it is published in: LLaVA's, VoCo-LLaMA's, M3's or transformers' directory for decoder and
/// projector, a CLIP directory for the tower, an MGVQ state dict, a LoRA run; put together under a checkpoint's names.
package struct PublishedParts: Sendable {
  /// What `config.json` says of them together.
  package let document: JSONValue
  package let configuration: HTCVLMConfiguration
  /// By a checkpoint's names; among them may be such as no run needs.
  package let tensors: [String: StoredTensor]
  package let tokenizerPath: String
  package let preprocessor: ImageProcessorConfiguration
  package let family: ModelFamily
  /// The directory of the decoder.
  let path: String
  /// What the decoder was called: a path, or a name in the Hugging Face cache.
  let name: String
  /// The files of all parts.
  let files: [MappedFile]

  static let quantizerPrefix = "model.mgvq."

  /// Opens the parts. What is substituted or had to be assumed is named in `untrained_parts`.
  ///
  /// - Throws: `CheckpointError`, `ModelError` or `TokenizerError` naming the file and the key or tensor at fault.
  package init(_ parts: ModelParts) throws {
    let cache = HuggingFaceCache()
    let llm = try cache.directory(parts.llm)
    (path, name) = (llm.path, parts.llm)
    tokenizerPath = SentencePieceTokenizer.path(in: path)
    let decoder = try PublishedDecoder(directory: path, adapter: try parts.adapter.map { try cache.directory($0).path })
    family = try decoder.family(parts)
    let tower = try PublishedTower(decoder, family: family, vision: parts.vision, cache: cache)
    var settings = decoder.settings
    settings.untrained += [llm.assumption, tower.assumption].compactMap { $0 } + decoder.notes
    settings.set("vision_config", tower.document)
    var tensors = decoder.tensors.merging(tower.tensors) { own, _ in own }
    var files = decoder.files + tower.files

    settings.setKeys(of: family, layout: decoder.layout, isLegacy: decoder.added.isLegacy)
    try settings.setDecoder(
      tensors, path: path, added: decoder.added, needsVoco: family == .htcVLM || family == .vocoLLaMA,
      allowsSubstitute: parts.randomAnchorSeed != nil)
    try settings.setDelimiters(tensors, of: family, added: decoder.added, path: path)
    try settings.setTokens(of: family, parts, patches: tower.patches, path: decoder.configPath)
    if let mgvq = parts.mgvq {
      let quantizer = try PublishedQuantizer(path: mgvq) { (channels, reduction) throws(CheckpointError) in
        try settings.quantizerSide(
          tensors, tower: tower.imageSize, channels: channels, reduction: reduction, path: decoder.configPath)
      }
      for (name, tensor) in quantizer.tensors { tensors[Self.quantizerPrefix + name] = tensor }
      files += quantizer.files
      settings.set("mgvq_config", quantizer.configuration.json)
      try Self.addAnchors(
        to: &tensors, &settings, quantizer.configuration, seed: parts.randomAnchorSeed, path: path,
        configPath: decoder.configPath)
    }
    self.files = files
    document = settings.document
    configuration = try HTCVLMConfiguration(document: document, path: "\(decoder.configPath) with its parts")
    preprocessor = try tower.preprocessor(imageSize: configuration.vision.imageSize)
    self.tensors = Dictionary(uniqueKeysWithValues: tensors.map { ($0.key, $0.value.renamed($0.key)) })
  }

  /// The anchor projector that the decoder's directory has, or random weights in its place.
  private static func addAnchors(
    to tensors: inout [String: StoredTensor], _ settings: inout PublishedSettings, _ quantizer: MGVQConfiguration,
    seed: UInt64?, path: String, configPath: String
  ) throws {
    if let hidden = tensors["\(AnchorProjector.prefix).fc1.weight"]?.shape.first {
      settings.setIfAbsent("anchor_projector_hidden_size", .integer(hidden))
      return
    }
    guard let seed else {
      throw CheckpointError.tensor(
        path: path, name: "\(AnchorProjector.prefix).fc1.weight",
        problem: "is missing; --random-anchor-projector SEED puts random weights in its place")
    }
    let random = try RandomAnchorProjector(settings.document, quantizer: quantizer, seed: seed, path: configPath)
    tensors.merge(random.tensors) { _, substitute in substitute }
    settings.setIfAbsent("anchor_projector_hidden_size", .integer(random.hidden))
    settings.untrained.append("untrained anchors (random projector, seed \(seed))")
  }
}

extension PublishedSettings {
  /// The side of the pictures that the quantizer encodes: what `mgvq_config.image_size` says, else what the anchor
  /// projector takes, which is made for one size of the latent grid, else the tower's, cut to whole cells of the grid.
  func quantizerSide(
    _ tensors: [String: StoredTensor], tower: Int, channels: Int, reduction: Int, path: String
  ) throws(CheckpointError) -> Int {
    if let section = self["mgvq_config"], section["image_size"] != nil {
      return try JSONReader(path: path, prefix: "mgvq_config.", object: section).integer("image_size", in: 1...4096)
    }
    let name = "\(AnchorProjector.prefix).fc1.weight"
    guard let shape = tensors[name]?.shape else { return max(tower / reduction, 1) * reduction }
    let cells = shape.count == 2 ? shape[1] / channels : 0
    let grid = Int(Double(cells).squareRoot())
    guard shape.count == 2, grid > 0, grid * grid * channels == shape[1] else {
      throw .tensor(
        path: path, name: name,
        problem: "is \(shape), expected [width, \(channels)·n²] for a square latent of \(channels) channels")
    }
    return grid * reduction
  }

  /// How many voco and visual tokens there are, where the files do not say.
  mutating func setTokens(
    of family: ModelFamily, _ parts: ModelParts, patches: Int, path: String
  ) throws(CheckpointError) {
    let reader = JSONReader(path: path, prefix: "", object: document)
    if let count = parts.vocoTokens {
      guard family == .htcVLM || family == .vocoLLaMA else {
        throw .malformed(path: path, problem: "is of \(family.withArticle), which has no voco tokens to count")
      }
      set("num_voco_tokens", .integer(count))
    } else if family == .vocoLLaMA, self["num_voco_tokens"] == nil {
      // As in the released code; no file of a VoCo-LLaMA run records it.
      set("num_voco_tokens", .integer(2))
      untrained.append("2 voco tokens assumed (--voco-tokens N says how many)")
    }
    guard family == .m3 else {
      if parts.visualTokens != nil {
        throw .malformed(
          path: path, problem: "has no matryoshka_vis_token_scale, so its visual tokens are not to be chosen")
      }
      return
    }
    let scales = try Self.scales(reader)
    let chosen = parts.visualTokens ?? patches
    let kernel = Int((Double(patches) / Double(chosen)).squareRoot())
    guard scales.contains(chosen), kernel >= 1, patches == chosen * kernel * kernel else {
      throw .key(
        path: path, key: "matryoshka_vis_token_scale", found: "\(scales)",
        expected: "\(chosen) among the numbers of visual tokens that it was trained with (--visual-tokens)")
    }
    set("visual_token_pooling", .integer(kernel))
    if parts.visualTokens == nil { untrained.append("\(chosen) visual tokens assumed (--visual-tokens N chooses)") }
  }

  /// `matryoshka_vis_token_scale`, a list or a text of one.
  private static func scales(_ reader: JSONReader) throws(CheckpointError) -> [Int] {
    let key = "matryoshka_vis_token_scale"
    switch reader.value(key) {
    case .array?: return try reader.integers(key, in: 1...65536)
    case .integer(let one)?: return [one]
    case .string(let text)?:
      let numbers = text.split { !$0.isNumber }.compactMap { Int($0) }
      if !numbers.isEmpty { return numbers }
      fallthrough
    default: throw reader.fault(key, reader.value(key), expected: "a list of numbers of visual tokens")
    }
  }
}

extension StoredTensor {
  /// The same elements under another name.
  fileprivate func renamed(_ name: String) -> StoredTensor { name == self.name ? self : named(name) }
}

extension PublishedParts {
  /// Writes one checkpoint directory, which appears at `path` only when it is complete. Tensors keep their types; those
  /// that no run reads are left out.
  ///
  /// - Throws: `CheckpointError` naming the first tensor that is missing or misshapen, or that `path` exists, and what
  ///   the system says of a file that cannot be written.
  package func write(to path: String) throws {
    let directory = try PartialDirectory(path: path)
    let expected = try HTCVLMModel.expectedTensors(configuration)
    try check(CheckpointReport(expected: expected, found: tensors))
    let kept = Dictionary(uniqueKeysWithValues: expected.compactMap { tensors[$0.name] }.map { ($0.name, $0) })
    let required = Set(expected.filter(\.required).map(\.name))
    try SafetensorsWriter.write(
      streaming: kept.values.map { SafetensorsDescription($0.name, $0.dtype, $0.shape) }, metadata: ["format": "pt"],
      to: "\(directory.path)/model.safetensors"
    ) { description, append in
      guard let tensor = kept[description.name] else { return }
      if required.contains(tensor.name), let value = tensor.firstNotFinite() {
        throw CheckpointError.tensor(path: "the parts together", name: tensor.name, problem: value.problem)
      }
      try tensor.withUnsafeBytes(append)
    }
    try FileContents.write(Array(document.document.utf8), to: "\(directory.path)/config.json")
    try FileContents.write(Array(preprocessor.json.document.utf8), to: "\(directory.path)/preprocessor_config.json")
    try FileContents.write(
      FileContents.read(path: tokenizerPath, limit: Self.largestTokenizer),
      to: SentencePieceTokenizer.path(in: directory.path, like: tokenizerPath))
    try directory.finish()
  }

  private static let largestTokenizer = 256 << 20

  private func check(_ report: CheckpointReport) throws(CheckpointError) {
    let problems = report.rows.filter { !$0.status.isHarmless }
    guard let first = problems.first else { return }
    let found = first.foundShape.map { "\(first.dtype?.rawValue ?? "") \($0)" } ?? "missing"
    let rest = problems.count > 1 ? ", and \(problems.count - 1) more do not fit" : ""
    throw .tensor(
      path: "the parts together", name: first.name,
      problem: "is \(found), expected \(first.expectedShape ?? [])\(rest)")
  }
}

/// Random weights in the place of an anchor projector, drawn as torch initializes a linear layer: uniform in ±1/√inputs.
struct RandomAnchorProjector {
  let hidden: Int
  let tensors: [String: StoredTensor]

  /// The widest hidden layer of a substitute: wider says no more and costs hundreds of megabytes.
  private static let widest = 1024

  init(
    _ document: JSONValue, quantizer: MGVQConfiguration, seed: UInt64, path: String
  ) throws(CheckpointError) {
    let reader = JSONReader(path: path, prefix: "", object: document)
    let width = try reader.integer("hidden_size")
    let anchors = try reader.integer("num_anchor_tokens", in: 1...4096)
    hidden = try reader.integer("anchor_projector_hidden_size", default: min(Self.widest, width))
    let inputs = quantizer.latentChannels * quantizer.latentSize * quantizer.latentSize
    var generator = SplitMix64(seed: seed)
    func uniform(_ shape: [Int], inputs: Int) -> Tensor {
      let bound = 1 / Double(inputs).squareRoot()
      return Tensor(
        shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float((2 * generator.unit() - 1) * bound) })
    }
    let shapes: [(String, [Int], Int)] = [
      ("fc1.weight", [hidden, inputs], inputs), ("fc1.bias", [hidden], inputs),
      ("fc2.weight", [anchors * width, hidden], hidden), ("fc2.bias", [anchors * width], hidden),
    ]
    tensors = Dictionary(
      uniqueKeysWithValues: shapes.map { key, shape, inputs in
        let name = "\(AnchorProjector.prefix).\(key)"
        return (name, StoredTensor(name: name, tensor: uniform(shape, inputs: inputs)))
      })
  }
}
