import Files
package import JSON
package import Tensor
import Tokenization
import WeightFormats

/// The parts of an HTC-VLM where they are published: a LLaVA or VoCo-LLaMA directory for the decoder and the projector,
/// a CLIP directory for the vision tower, an MGVQ state dict; put together under a checkpoint's names.
package struct PublishedParts: Sendable {
  /// What `config.json` says of them together.
  package let document: JSONValue
  package let configuration: HTCVLMConfiguration
  /// By a checkpoint's names; among them may be such as no run needs.
  package let tensors: [String: StoredTensor]
  package let tokenizerPath: String
  package let preprocessor: ImageProcessorConfiguration
  /// The directory of the decoder.
  let path: String
  /// SHA-256 over what names the tensors in the parts' files, in hexadecimal.
  let weightsSHA256: String

  private static let visionPrefix = "model.vision_tower.vision_tower."
  private static let quantizerPrefix = "model.mgvq."

  /// Opens the parts; `seed` allows random weights for an anchor projector, and the row of `<unk>` for a voco token,
  /// where the directory has none. Both are then named in `untrained_parts`.
  ///
  /// - Throws: `CheckpointError`, `ModelError` or `TokenizerError` naming the file and the key or tensor at fault.
  package init(llm: String, vision: String, mgvq: String, randomAnchorSeed seed: UInt64?) throws {
    tokenizerPath = "\(llm)/tokenizer.model"
    let tokenizer = try SentencePieceTokenizer(path: tokenizerPath)
    path = llm
    let decoder = try WeightFiles(directory: llm)
    var tensors = decoder.tensors
    let tower = try PublishedVision(directory: vision)
    for (name, tensor) in tower.tensors { tensors[Self.visionPrefix + name] = tensor }
    let quantizer = try PublishedQuantizer(path: mgvq, imageSize: tower.imageSize)
    for (name, tensor) in quantizer.tensors { tensors[Self.quantizerPrefix + name] = tensor }

    weightsSHA256 = SHA256.hexDigest(of: decoder.headerBytes + tower.headerBytes + quantizer.headerBytes)

    var settings = PublishedSettings(
      try GenerationSettings.applied(to: JSONValue(file: "\(llm)/config.json"), directory: llm))
    settings.set("vision_config", tower.document)
    settings.set("mgvq_config", quantizer.configuration.json)
    try settings.setDecoder(tensors, path: llm, pieces: tokenizer.vocabularySize, allowsSubstitute: seed != nil)
    if let hidden = tensors["model.anchor_projector.fc1.weight"]?.shape.first {
      settings.setIfAbsent("anchor_projector_hidden_size", .integer(hidden))
    } else {
      guard let seed else {
        throw CheckpointError.tensor(
          path: llm, name: "model.anchor_projector.fc1.weight",
          problem: "is missing; --random-anchor-projector SEED puts random weights in its place")
      }
      let random = try RandomAnchorProjector(
        settings.document, quantizer: quantizer.configuration, seed: seed, path: "\(llm)/config.json")
      tensors.merge(random.tensors) { _, substitute in substitute }
      settings.setIfAbsent("anchor_projector_hidden_size", .integer(random.hidden))
      settings.untrained.append("untrained anchors (random projector, seed \(seed))")
    }
    document = settings.document
    configuration = try HTCVLMConfiguration(document: document, path: "\(llm)/config.json with its parts")
    preprocessor = try tower.preprocessor()
    self.tensors = Dictionary(uniqueKeysWithValues: tensors.map { ($0.key, $0.value.renamed($0.key)) })
  }
}

extension StoredTensor {
  /// The same elements under another name.
  fileprivate func renamed(_ name: String) -> StoredTensor {
    guard name != self.name else { return self }
    guard let file else { return StoredTensor(name: name, tensor: float32()) }
    return StoredTensor(name: name, dtype: dtype, shape: shape, file: file, byteOffset: byteOffset)
  }
}
