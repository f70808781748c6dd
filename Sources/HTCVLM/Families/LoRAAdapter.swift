import Files
import Foundation
import JSON
import Safetensors
import Tensor
import WeightFormats

/// A LoRA run (arXiv 2106.09685) as PEFT and LLaVA's training code save it: W + s·B·A of a base's matrices, and tensors
/// that replace the base's. Nothing is written back.
struct LoRAAdapter {
  let directory: String
  private(set) var files: [MappedFile] = []
  /// What had to be passed over, in words.
  private(set) var notes: [String] = []
  private let settings: Settings
  /// LLaVA's `non_lora_trainables.bin` under the base's names.
  private var replacements: [String: StoredTensor] = [:]
  /// `adapter_model`'s tensors by their names in the file.
  private let tensors: [String: StoredTensor]

  static let configuration = "adapter_config.json"

  init(directory: String) throws(CheckpointError) {
    self.directory = directory
    settings = try Settings(path: "\(directory)/\(Self.configuration)")
    if settings.isTransposed { notes.append("fan_in_fan_out is passed over: a LLaVA has no transposed layers") }
    let weights = try Self.weights(directory)
    tensors = weights.tensors
    files = weights.files
    let others = "\(directory)/non_lora_trainables.bin"
    if FileManager.default.fileExists(atPath: others) {
      let trained = try WeightFiles(file: others)
      files += trained.files
      var names = trained.tensors.map { ($0.key.withoutPrefix("base_model."), $0.value) }
      if names.contains(where: { $0.0.hasPrefix("model.model.") }) {
        names = names.map { ($0.0.withoutPrefix("model."), $0.1) }
      }
      replacements = Dictionary(names) { first, _ in first }
    }
  }

  private static func weights(_ directory: String) throws(CheckpointError) -> WeightFiles {
    for name in ["adapter_model.safetensors", "adapter_model.bin"] {
      let path = "\(directory)/\(name)"
      if FileManager.default.fileExists(atPath: path) { return try WeightFiles(file: path) }
    }
    throw .malformed(path: directory, problem: "holds neither adapter_model.safetensors nor adapter_model.bin")
  }

  /// The base's tensors with the adapter in them. `canonical` is how the base's layout spells a name, or nil for a name
  /// that it does not have.
  ///
  /// - Throws: `CheckpointError` naming the tensor that fits nothing of the base.
  func merged(
    into base: [String: StoredTensor], canonical: (String) -> String?
  ) throws(CheckpointError) -> [String: StoredTensor] {
    var merged = base
    for (name, tensor) in replacements.sorted(by: { $0.key < $1.key }) {
      guard let target = canonical(name) else { throw fault(name, "is of no part of the base") }
      merged[target] = tensor
    }
    var pairs: [String: (a: StoredTensor?, b: StoredTensor?)] = [:]
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      guard name.hasPrefix("base_model.model.") else { throw fault(name, "does not begin with base_model.model.") }
      let own = name.withoutPrefix("base_model.model.").replacingOccurrences(of: ".default.", with: ".")
        .replacingOccurrences(of: ".base_layer.", with: ".").replacingOccurrences(of: ".modules_to_save.", with: ".")
      if own.contains("lora_embedding_") { throw fault(name, "is LoRA of an embedding, which is not implemented") }
      if own.hasSuffix(".lora_A.weight") {
        pairs[String(own.dropLast(".lora_A.weight".count)), default: (nil, nil)].a = tensor
      } else if own.hasSuffix(".lora_B.weight") {
        pairs[String(own.dropLast(".lora_B.weight".count)), default: (nil, nil)].b = tensor
      } else if !own.contains(".lora_"), let target = canonical(own) {
        merged[target] = tensor
      } else {
        throw fault(name, "is of no part of the base, and no LoRA matrix that is implemented")
      }
    }
    for (module, pair) in pairs.sorted(by: { $0.key < $1.key }) {
      let name = "base_model.model.\(module)"
      guard let a = pair.a, let b = pair.b else {
        throw fault("\(name).lora_\(pair.a == nil ? "A" : "B").weight", "is missing")
      }
      guard let target = canonical("\(module).weight"), let weight = merged[target] else {
        throw fault("\(name).lora_A.weight", "changes \(module).weight, which the base does not have")
      }
      merged[target] = try updated(weight, a, b, module: module)
    }
    return merged
  }

  private func updated(
    _ weight: StoredTensor, _ a: StoredTensor, _ b: StoredTensor, module: String
  ) throws(CheckpointError) -> StoredTensor {
    let rank = settings.rank(module)
    guard weight.shape.count == 2, weight.dtype.isWeight, a.dtype.isWeight, b.dtype.isWeight,
      a.shape == [rank, weight.shape[1]], b.shape == [weight.shape[0], rank]
    else {
      throw fault(
        "base_model.model.\(module).lora_A.weight",
        "is \(a.shape) and its B \(b.shape), expected [\(rank), in] and [out, \(rank)] of a matrix \(weight.shape)")
    }
    return StoredTensor(base: weight, update: LowRankUpdate(a: a.float32(), b: b.float32() * settings.scale(module)))
  }

  private func fault(_ name: String, _ problem: String) -> CheckpointError {
    .tensor(path: directory, name: name, problem: problem)
  }
}

extension LoRAAdapter {
  /// `adapter_config.json`.
  private struct Settings {
    private let defaultRank: Int
    private let defaultAlpha: Double
    private let ranks: [(pattern: String, value: Double)]
    private let alphas: [(pattern: String, value: Double)]
    private let isRankStabilized: Bool
    let isTransposed: Bool

    /// Kinds of initialization that leave the base as it is.
    private static let harmless = ["gaussian", "eva", "orthogonal", "default", "kaiming"]
    /// Methods beside plain LoRA; each must be absent, null, false or empty.
    private static let refused = [
      "use_dora", "lora_bias", "layer_replication", "target_parameters", "trainable_token_indices", "use_qalora",
      "alora_invocation_tokens", "arrow_config", "use_bdlora", "kasa_config", "monteclora_config",
    ]

    init(path: String) throws(CheckpointError) {
      let document = try JSONValue(file: path)
      let reader = JSONReader(path: path, prefix: "", object: document)
      let kind = try reader.requiredString("peft_type")
      guard kind == "LORA" else { throw reader.fault("peft_type", .string(kind), expected: "\"LORA\"") }
      for key in Self.refused where !Self.isOff(reader.value(key)) {
        throw reader.fault(key, reader.value(key), expected: "none, for that is not implemented")
      }
      if let bias = try reader.string("bias"), bias != "none" {
        throw reader.fault("bias", .string(bias), expected: "\"none\", for trained biases are not implemented")
      }
      if case .string(let start)? = reader.value("init_lora_weights"), !Self.harmless.contains(start.lowercased()) {
        throw reader.fault(
          "init_lora_weights", .string(start), expected: "an initialisation that leaves the base's weights as they are")
      }
      defaultRank = try reader.integer("r", in: 1...65536)
      defaultAlpha = try reader.positive("lora_alpha", default: 8)
      isRankStabilized = try reader.bool("use_rslora", default: false)
      isTransposed = try reader.bool("fan_in_fan_out", default: false)
      ranks = try Self.patterns(reader, "rank_pattern")
      alphas = try Self.patterns(reader, "alpha_pattern")
    }

    private static func isOff(_ value: JSONValue?) -> Bool {
      switch value {
      case nil, .null?, .bool(false)?: true
      case .array(let elements)?: elements.isEmpty
      case .object(let object)?: object.members.isEmpty
      default: false
      }
    }

    private static func patterns(
      _ reader: JSONReader, _ key: String
    ) throws(CheckpointError) -> [(pattern: String, value: Double)] {
      guard let value = reader.value(key) else { return [] }
      guard case .object(let object) = value else { throw reader.fault(key, value, expected: "an object") }
      let section = try reader.section(key)
      var patterns: [(String, Double)] = []
      for member in object.members { patterns.append((member.key, try section.positive(member.key))) }
      return patterns
    }

    /// The first pattern that matches `^(.*\.)?(pattern)$`, as PEFT's `get_pattern_key` does.
    private static func value(_ patterns: [(pattern: String, value: Double)], _ module: String) -> Double? {
      patterns.first { entry in
        guard let expression = try? NSRegularExpression(pattern: "^(.*\\.)?(\(entry.pattern))$") else { return false }
        return expression.firstMatch(in: module, range: NSRange(module.startIndex..., in: module)) != nil
      }?.value
    }

    func rank(_ module: String) -> Int { Self.value(ranks, module).map { Int($0) } ?? defaultRank }

    /// α / r, or α / √r with `use_rslora` (arXiv 2312.03732).
    func scale(_ module: String) -> Float {
      let rank = Double(rank(module))
      return Float((Self.value(alphas, module) ?? defaultAlpha) / (isRankStabilized ? rank.squareRoot() : rank))
    }
  }
}

extension String {
  /// Without `prefix`, where it has it.
  func withoutPrefix(_ prefix: String) -> String { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self }
}
