import Files
import JSON
import Tensor
import WeightFormats

/// Where a model comes from: a checkpoint directory, or its parts as they are published.
package enum CheckpointSource: Sendable, Hashable {
  case directory(String)
  /// As `PublishedParts` takes them.
  case parts(llm: String, vision: String, mgvq: String, randomAnchorSeed: UInt64?)

  /// The directory, or that of the decoder.
  package var path: String {
    switch self {
    case .directory(let path): path
    case .parts(let llm, _, _, _): llm
    }
  }

  /// Opens the files; weights stay on disk until they are used.
  ///
  /// - Throws: `CheckpointError`, and for parts `ModelError` or `TokenizerError`, naming what cannot be used.
  package func open() throws -> CheckpointDirectory {
    switch self {
    case .directory(let path): try CheckpointDirectory(path: path)
    case .parts(let llm, let vision, let mgvq, let seed):
      try PublishedParts(llm: llm, vision: vision, mgvq: mgvq, randomAnchorSeed: seed).checkpoint
    }
  }
}

extension PublishedParts {
  /// The parts as the checkpoint that `write` makes of them, in the directory of the decoder.
  package var checkpoint: CheckpointDirectory {
    let digests = [weightsSHA256] + configuration.untrainedParts
    return CheckpointDirectory(
      path: path, configuration: configuration, preprocessor: preprocessor, tensors: tensors,
      tokenizerPath: tokenizerPath, configSHA256: SHA256.hexDigest(of: Array(document.document.utf8)),
      weightsSHA256: SHA256.hexDigest(of: Array(digests.joined(separator: "\n").utf8)))
  }
}
