import Files
import Foundation
import JSON
package import Safetensors
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

  /// The name in a sentence.
  package var withArticle: String { (self == .m3 || self == .htcVLM ? "an " : "a ") + rawValue }

  /// The text of LLaVA's `conv_llava_v1` (liuhaotian/LLaVA, `conversation.py`).
  static let llavaTemplate =
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and "
    + "polite answers to the user's questions. USER: <image>\n{prompt} ASSISTANT:"

  /// The template of llava-hf's processor.
  static let transformersTemplate = "USER: <image>\n{prompt} ASSISTANT:"
}

/// The Hugging Face cache on this machine, looked up without a network: `org/name` → `models--org--name/refs/main` →
/// `snapshots/<sha>` (huggingface_hub, `file_download.py`).
package struct HuggingFaceCache {
  /// The folder that holds `models--org--name`.
  package let root: String

  /// A directory that a name leads to.
  package struct Found: Sendable {
    package let path: String
    /// What had to be assumed; nil if nothing.
    package let assumption: String?
  }

  /// The cache that the environment names, in huggingface_hub's order.
  package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    func value(_ key: String) -> String? { environment[key].flatMap { $0.isEmpty ? nil : $0 } }
    let home = value("HOME") ?? NSHomeDirectory()
    root =
      value("HF_HUB_CACHE") ?? value("HUGGINGFACE_HUB_CACHE") ?? value("HF_HOME").map { "\($0)/hub" }
      ?? value("XDG_CACHE_HOME").map { "\($0)/huggingface/hub" } ?? "\(home)/.cache/huggingface/hub"
  }

  /// Whether `text` has the form `org/name`.
  package static func isName(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == 2
      && parts.allSatisfy { part in
        !part.isEmpty && !part.hasPrefix(".")
          && part.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
              || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || [0x2D, 0x2E, 0x5F].contains(byte)
          }
      }
  }

  /// The directory that `text` means: itself if it is there, else what the cache has under that name.
  ///
  /// - Throws: `CheckpointError` in one sentence that says where a name was looked for.
  package func directory(_ text: String) throws(CheckpointError) -> Found {
    guard !FileManager.default.fileExists(atPath: text), Self.isName(text) else {
      return Found(path: text, assumption: nil)
    }
    let folder = "\(root)/models--\(text.replacingOccurrences(of: "/", with: "--"))"
    guard FileManager.default.fileExists(atPath: folder) else {
      throw .malformed(
        path: text, problem: "is no directory here, and the Hugging Face cache in \(root) has no model of that name")
    }
    let reference = "\(folder)/refs/main"
    if FileManager.default.fileExists(atPath: reference) {
      let bytes: [UInt8]
      do { bytes = try FileContents.read(path: reference, limit: 4096) } catch { throw .unreadable(error) }
      let revision = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
      let snapshot = "\(folder)/snapshots/\(revision)"
      guard !revision.isEmpty, !revision.contains("/"), FileManager.default.fileExists(atPath: snapshot) else {
        throw .malformed(
          path: reference, problem: "names the revision \(printableName(revision)), of which there is no snapshot")
      }
      return Found(path: snapshot, assumption: nil)
    }
    let snapshots = (try? Directory.ownNames("\(folder)/snapshots")) ?? []
    guard snapshots.count == 1 else {
      throw .malformed(
        path: folder,
        problem: "has no refs/main and \(snapshots.count) snapshots; name the directory of the one that is meant")
    }
    return Found(
      path: "\(folder)/snapshots/\(snapshots[0])",
      assumption:
        "snapshot \(snapshots[0].prefix(12)) of \(text) assumed: it is the only one, and no refs/main names it")
  }
}
