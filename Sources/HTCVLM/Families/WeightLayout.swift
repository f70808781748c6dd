import Files
import JSON
import Safetensors
package import Tensor
import WeightFormats

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
    return try Directory.exists(path) ? WeightFiles(directory: path).tensors : WeightFiles(file: path).tensors
  }
}
