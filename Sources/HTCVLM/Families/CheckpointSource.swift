import Files
import Foundation
import JSON
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
