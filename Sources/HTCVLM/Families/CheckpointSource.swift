import Files
import Foundation
import JSON
import Safetensors
import Tensor
import WeightFormats

/// Where a model comes from: a checkpoint directory, or its parts as they are published.
package enum CheckpointSource: Sendable, Hashable {
  /// A directory in any of the layouts, or a name in the Hugging Face cache.
  case directory(String)
  case parts(ModelParts)

  /// The directory, or that of the decoder.
  package var path: String {
    switch self {
    case .directory(let path): path
    case .parts(let parts): parts.llm
    }
  }

  /// Opens the files; weights stay on disk until they are used.
  ///
  /// - Throws: `CheckpointError`, and for parts `ModelError` or `TokenizerError`, naming what cannot be used.
  package func open() throws -> CheckpointDirectory {
    switch self {
    case .directory(let name):
      let path = try HuggingFaceCache().directory(name).path
      return try Self.isPublished(path)
        ? PublishedParts(ModelParts(llm: name)).checkpoint : CheckpointDirectory(path: path)
    case .parts(let parts): return try PublishedParts(parts).checkpoint
    }
  }

  /// Whether a directory holds a model as it is published and not as `convert` writes it: none of an HTC-VLM's own tensors,
  /// and no order of its sequence.
  private static func isPublished(_ path: String) throws(CheckpointError) -> Bool {
    let files = FileManager.default
    guard files.fileExists(atPath: "\(path)/config.json") else {
      return files.fileExists(atPath: "\(path)/\(LoRAAdapter.configuration)")
        || files.fileExists(atPath: "\(path)/\(PublishedDecoder.projector)")
    }
    let document = try JSONValue(file: "\(path)/config.json")
    if document["sequence"] != nil || document["mgvq_config"] != nil || document["voco_token_id"] != nil {
      return false
    }
    guard let weights = try? WeightFiles(directory: path) else { return true }
    return !weights.tensors.keys.contains {
      $0.hasPrefix(PublishedParts.quantizerPrefix) || $0.hasPrefix(AnchorProjector.prefix)
    }
  }
}

extension PublishedParts {
  /// The parts as the checkpoint that `write` makes of them, in the directory of the decoder.
  package var checkpoint: CheckpointDirectory {
    CheckpointDirectory(
      path: path, name: name, configuration: configuration, preprocessor: preprocessor, tensors: tensors,
      tokenizerPath: tokenizerPath, configSHA256: SHA256.hexDigest(of: Array(document.document.utf8)),
      weights: WeightIdentity(files, untrained: configuration.untrainedParts), family: family)
  }
}

/// A model by the directories and files that it is published in, and what no file of them says.
package struct ModelParts: Sendable, Hashable {
  /// The decoder and the projector: a directory, or a name in the Hugging Face cache.
  package var llm: String
  /// A CLIP directory, or a name in the cache; nil: in `llm`, or what its `mm_vision_tower` names.
  package var vision: String?
  /// An MGVQ state dict.
  package var mgvq: String?
  /// A LoRA run on `llm`, or a projector for it.
  package var adapter: String?
  /// Allows random weights for an anchor projector, and the row of `<unk>` for a voco token, where there is none.
  package var randomAnchorSeed: UInt64?
  /// How many voco tokens the model was trained with, which VoCo-LLaMA's files do not say.
  package var vocoTokens: Int?
  /// Of a Matryoshka model (M3), how many visual tokens the patches are pooled to.
  package var visualTokens: Int?

  package init(
    llm: String, vision: String? = nil, mgvq: String? = nil, adapter: String? = nil, randomAnchorSeed: UInt64? = nil,
    vocoTokens: Int? = nil, visualTokens: Int? = nil
  ) {
    self.llm = llm
    self.vision = vision
    self.mgvq = mgvq
    self.adapter = adapter
    self.randomAnchorSeed = randomAnchorSeed
    self.vocoTokens = vocoTokens
    self.visualTokens = visualTokens
  }
}

/// What a directory of LLaVA's kind was trained as.
package enum ModelFamily: String, Sendable, CaseIterable {
  case htcVLM = "HTC-VLM"
  case vocoLLaMA = "VoCo-LLaMA"
  case llava = "LLaVA-1.5"
  case m3 = "M3"

  /// The text of LLaVA's `conv_llava_v1` (liuhaotian/LLaVA, `conversation.py`).
  static let llavaTemplate =
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and "
    + "polite answers to the user's questions. USER: <image>\n{prompt} ASSISTANT:"

  /// The template of llava-hf's processor.
  static let transformersTemplate = "USER: <image>\n{prompt} ASSISTANT:"
}
