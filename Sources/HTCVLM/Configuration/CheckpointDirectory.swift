package import Files
import Foundation
import Glibc
import JSON
package import Safetensors
import Synchronization
package import Tensor
import Tokenization
package import WeightFormats

/// A checkpoint directory, its files opened and its configuration read; weights stay on disk until they are used.
package struct CheckpointDirectory: Sendable {
  package let path: String
  /// The directory's own name.
  package let name: String
  package let configuration: HTCVLMConfiguration
  package let preprocessor: ImageProcessorConfiguration
  /// Every tensor by the name in its file.
  package let tensors: [String: StoredTensor]
  package let tokenizerPath: String
  /// SHA-256 of `config.json`, in hexadecimal.
  package let configSHA256: String
  /// What the weights are.
  package let weights: WeightIdentity
  /// SHA-256 of the weights, in hexadecimal; computed when it is first asked for.
  package var weightsSHA256: String { weights.sha256 }
  /// What it was trained as.
  package let family: ModelFamily
  /// The checkpoint that it takes parts from, where it holds only what differs from that one.
  package let base: String?

  /// Opens the directory at `path`.
  ///
  /// - Throws: `CheckpointError` naming the file, and the key or tensor in it, that cannot be used.
  package init(path: String) throws(CheckpointError) {
    guard Directory.exists(path) else {
      if WeightFiles.areIn(file: path) {
        throw .malformed(
          path: path,
          problem: "is a file of weights, not a checkpoint directory; for a quantizer alone there is "
            + "'vocoscope codebook --model'")
      }
      if access(path, F_OK) == 0 { throw .malformed(path: path, problem: "is a file, not a checkpoint directory") }
      throw .unreadable(FileError(path: path, reason: .missing))
    }
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    self.path = path
    self.name = Self.lastComponent(path)
    let configPath = "\(path)/config.json"
    let configBytes = try readSmallFile(configPath)
    let document = try GenerationSettings.applied(to: JSONValue(bytes: configBytes, path: configPath), directory: path)
    configuration = try HTCVLMConfiguration(document: document, path: configPath)
    configSHA256 = SHA256.hexDigest(of: configBytes)
    let base = try BaseCheckpoint(of: document, directory: path)
    self.base = base?.directory
    let hasTokenizer = access(SentencePieceTokenizer.path(in: path), F_OK) == 0
    let words = hasTokenizer ? path : base?.directory ?? path
    tokenizerPath = SentencePieceTokenizer.path(in: words)
    if let id = try AddedTokens(directory: words).ids[AddedTokens.voco], let own = configuration.vocoTokenID, own != id
    {
      throw .key(
        path: configPath, key: "voco_token_id", found: "\(own)",
        expected: "\(id), which another file of the directory calls \(AddedTokens.voco)")
    }

    let size = configuration.vision.imageSize
    let steps = try ImageProcessorConfiguration.read(directory: path, imageSize: size)
    let home = steps == nil ? base?.directory ?? path : path
    preprocessor = try ImageProcessorConfiguration(directory: home, imageSize: size)
    do { _ = try MappedFile(path: tokenizerPath) } catch { throw .unreadable(error) }

    let files = try WeightFiles(directory: path)
    tensors = try base?.completed(files.tensors) ?? files.tensors
    weights = WeightIdentity(files.files + (base?.weights.files ?? []))
    family = configuration.family
  }

  /// A checkpoint whose parts were opened one by one; `path` is the directory that files about it go into, `name` what
  /// it was called by.
  package init(
    path: String, name: String? = nil, configuration: HTCVLMConfiguration, preprocessor: ImageProcessorConfiguration,
    tensors: [String: StoredTensor], tokenizerPath: String, configSHA256: String, weights: WeightIdentity,
    family: ModelFamily
  ) {
    self.path = path
    self.name = name.flatMap { HuggingFaceCache.isName($0) && $0 != path ? $0 : nil } ?? Self.lastComponent(path)
    self.configuration = configuration
    self.preprocessor = preprocessor
    self.tensors = tensors
    self.tokenizerPath = tokenizerPath
    self.configSHA256 = configSHA256
    self.weights = weights
    self.family = family
    base = nil
  }

  /// The name that the path leads to, also for `.` and `..`.
  private static func lastComponent(_ path: String) -> String {
    guard let resolved = Directory.resolved(path) else { return path }
    return resolved.split(separator: "/").last.map(String.init) ?? "/"
  }
}

extension CheckpointDirectory {
  /// The matrices `keys` as 8-bit integers; parameters and errors as `Int8Weights` has them.
  package func int8Weights(
    keys: [String], cacheDirectory: String?, progress: (_ done: Int, _ of: Int) throws -> Void = { _, _ in }
  ) throws -> Int8Weights {
    try Int8Weights(
      tensors, directory: path, weightsSHA256: weightsSHA256, keys: keys, cacheDirectory: cacheDirectory,
      progress: progress)
  }
}

/// `base_model_name_or_path`, as PEFT calls it: the whole checkpoint that a directory of decoder and projectors takes its
/// tower, quantizer, tokenizer and picture steps from.
struct BaseCheckpoint {
  static let key = "base_model_name_or_path"
  /// What is taken whole, never tensor by tensor: the section of `config.json` that it is computed by, and what the names
  /// of its tensors begin with.
  private static let parts = [
    (section: "vision_config", prefix: WeightLayout.visionPrefix),
    (section: "mgvq_config", prefix: PublishedParts.quantizerPrefix),
  ]

  let directory: String
  let weights: WeightFiles
  private let document: JSONValue
  /// The `config.json` that names it.
  private let reader: JSONReader

  /// What `document`, the `config.json` of `directory`, names, seen from there; nil where it names none.
  ///
  /// - Throws: `CheckpointError` naming the file and the key that cannot be used.
  init?(of document: JSONValue, directory: String) throws(CheckpointError) {
    reader = JSONReader(path: "\(directory)/config.json", prefix: "", object: document)
    guard let name = try reader.string(Self.key) else { return nil }
    self.directory = name.hasPrefix("/") ? name : "\(directory)/\(name)"
    guard Directory.exists(self.directory), !name.isEmpty else {
      throw reader.fault(Self.key, .string(name), expected: "a checkpoint's directory, seen from \(directory)")
    }
    let config = "\(self.directory)/config.json"
    self.document = try JSONValue(file: config)
    if let further = self.document[Self.key] {
      throw .key(
        path: config, key: Self.key, found: further.summary,
        expected: "no such key, for \(reader.path) takes parts from this checkpoint, which has to be whole")
    }
    weights = try WeightFiles(directory: self.directory)
  }

  /// `own` and, of each part that it has no tensor of, the base's.
  ///
  /// - Throws: `CheckpointError` naming the section of `config.json` that the base's differs from, or the part that the base
  ///   lacks too.
  func completed(_ own: [String: StoredTensor]) throws(CheckpointError) -> [String: StoredTensor] {
    var tensors = own
    for part in Self.parts {
      guard let section = reader.value(part.section), !own.keys.contains(where: { $0.hasPrefix(part.prefix) }) else {
        continue
      }
      guard section == document[part.section] else {
        throw reader.fault(
          part.section, section,
          expected: "the same as in \(directory)/config.json, for this directory has no \(part.prefix)… of its own")
      }
      let taken = weights.tensors.filter { $0.key.hasPrefix(part.prefix) }
      guard !taken.isEmpty else {
        throw .malformed(
          path: directory, problem: "holds no tensor \(part.prefix)…, which \(reader.path) takes from it")
      }
      tensors.merge(taken) { own, _ in own }
    }
    return tensors
  }
}

/// `generation_config.json`: where transformers looks first for the tokens that end an answer.
enum GenerationSettings {
  /// `document`, a `config.json` of `directory`, with the `eos_token_id` that generation goes by.
  ///
  /// - Throws: `CheckpointError` naming the key that would change answers and is not carried out.
  static func applied(to document: JSONValue, directory: String) throws(CheckpointError) -> JSONValue {
    let path = "\(directory)/generation_config.json"
    guard FileManager.default.fileExists(atPath: path), case .object(let object) = document else { return document }
    let reader = JSONReader(path: path, prefix: "", object: try JSONValue(file: path))
    try ComputationKeys.checkGeneration(reader)
    guard let ends = reader.value("eos_token_id") else { return document }
    _ = try tokens(reader, in: 0...Int(Int32.max))
    let rest = object.members.filter { !$0.key.isExactly("eos_token_id") }
    return .object(rest + [JSONMember("eos_token_id", ends)])
  }

  /// `eos_token_id`: a token, or several, any of which ends an answer; Llama's 2 where there is none.
  static func tokens(_ reader: JSONReader, in range: ClosedRange<Int>) throws(CheckpointError) -> [Int32] {
    switch reader.value("eos_token_id") {
    case nil: return [2]
    case .array?:
      let list = try reader.integers("eos_token_id", in: range)
      guard !list.isEmpty else {
        throw reader.fault("eos_token_id", reader.value("eos_token_id"), expected: "a token or several")
      }
      return list.map(Int32.init)
    default: return [Int32(try reader.integer("eos_token_id", in: range))]
    }
  }
}

/// Which weights a run has: the digest of their bytes, so that results of two models are never taken for one's.
///
/// The digest is computed when it is first asked for, or from `compute` on beside the run, and is remembered for each state
/// of a file (`ContentDigest`). It is needed only where something is written down or compared.
package final class WeightIdentity: Sendable {
  private let files: [MappedFile]
  private let untrained: [String]
  /// Locked as long as it is computed.
  private let digest = Mutex<String?>(nil)
  /// The same once it is computed: asking for what is known waits for nobody, and nobody makes it unknown again.
  private let known = Mutex<String?>(nil)

  /// - Parameter untrained: parts that no file holds, in words that name their seeds.
  package init(_ files: [MappedFile], untrained: [String] = []) {
    var seen: Set<ObjectIdentifier> = []
    self.files = files.filter { seen.insert(ObjectIdentifier($0)).inserted }
    self.untrained = untrained
  }

  /// SHA-256 in hexadecimal: of one file its own, of several over theirs; waits until it is computed.
  package var sha256: String {
    digest.withLock { digest in
      if let digest { return digest }
      let contents = ContentDigest.sha256(of: files)
      let whole =
        untrained.isEmpty
        ? contents : SHA256.hexDigest(of: Array(([contents] + untrained).joined(separator: "\n").utf8))
      digest = whole
      known.withLock { $0 = whole }
      return whole
    }
  }

  /// The same without waiting: `nil` while it is not known.
  package var knownSHA256: String? {
    if let found = known.withLock({ $0 }) { return found }
    guard digest.withLockIfAvailable({ _ in true }) == true, ContentDigest.isKnown(files) else { return nil }
    return sha256
  }

  /// Begins to compute the digest on a thread of its own.
  package func compute() {
    guard knownSHA256 == nil else { return }
    Thread.detachNewThread { [self] in _ = sha256 }
  }

  /// Throws `CheckpointError` naming the file that another program wrote to since it was opened: results of both states
  /// would pass for one model's.
  package func checkUnchanged() throws(CheckpointError) {
    for file in files {
      do { try file.checkUnchanged() } catch { throw .unreadable(error) }
    }
  }
}
