import Files
import Foundation
import JSON
import Safetensors
import Tensor
import WeightFormats

/// `vision_config` as published: CLIP configurations hold only what differs from the class's defaults.
enum PublishedVisionSettings {
  /// transformers' `CLIPVisionConfig`.
  private static let defaults: [JSONMember] = [
    JSONMember("hidden_size", .integer(768)), JSONMember("intermediate_size", .integer(3072)),
    JSONMember("num_hidden_layers", .integer(12)), JSONMember("num_attention_heads", .integer(12)),
    JSONMember("image_size", .integer(224)), JSONMember("patch_size", .integer(32)),
    JSONMember("hidden_act", .string("quick_gelu")), JSONMember("layer_norm_eps", .number(1e-5)),
  ]

  /// What differs from them in openai/clip-vit-large-patch14 and its like at 336 pixels.
  static func largePatch14(imageSize: Int) -> JSONValue {
    filled(
      .object([
        JSONMember("hidden_size", .integer(1024)), JSONMember("intermediate_size", .integer(4096)),
        JSONMember("num_hidden_layers", .integer(24)), JSONMember("num_attention_heads", .integer(16)),
        JSONMember("image_size", .integer(imageSize)), JSONMember("patch_size", .integer(14)),
      ]))
  }

  /// `document` with the class's defaults where it has no value.
  static func filled(_ document: JSONValue) -> JSONValue {
    var members: [JSONMember] = []
    if case .object(let object) = document { members = object.members.filter { $0.value != .null } }
    return .object(members + defaults.filter { standard in !members.contains { $0.key == standard.key } })
  }

  /// The first of the class's keys that two filled configurations have different values of.
  static func difference(_ first: JSONValue, _ second: JSONValue) -> String? {
    defaults.map(\.key).first { first[$0] != second[$0] }
  }

  /// The configuration of a tower that goes by one of OpenAI's names.
  static func known(_ name: String?) -> JSONValue? {
    switch name?.split(separator: "/").last {
    case "clip-vit-large-patch14-336"?: largePatch14(imageSize: 336)
    case "clip-vit-large-patch14"?: largePatch14(imageSize: 224)
    default: nil
    }
  }
}

/// The vision tower of a CLIP directory as transformers writes it, a whole CLIP or the tower alone.
struct PublishedVision {
  /// `vision_config`.
  let document: JSONValue
  /// By names that begin with `vision_model.`.
  let tensors: [String: StoredTensor]
  let files: [MappedFile]

  /// What the tower's keys begin with where newer releases leave the root out.
  private static let bare = ["embeddings.", "pre_layrnorm.", "encoder.", "post_layernorm."]

  init(directory: String) throws(CheckpointError) {
    document = try Self.settings(directory: directory)
    let weights = try WeightFiles(directory: directory)
    files = weights.files
    tensors = try WeightLayout.renamed(weights.tensors, path: directory) { name in
      if name.hasPrefix(WeightLayout.visionRoot) { return name }
      return Self.bare.contains(where: name.hasPrefix) ? WeightLayout.visionRoot + name : nil
    }
    guard !tensors.isEmpty else {
      throw .malformed(
        path: directory, problem: "holds no tensor of a CLIP vision tower, such as vision_model.embeddings.…")
    }
  }

  /// `vision_config` of a CLIP directory. Old ones have a `vision_config_dict` beside it, which a whole CLIP goes by and a
  /// tower by itself does not.
  ///
  /// - Throws: `CheckpointError` naming the key in which the two differ.
  static func settings(directory: String) throws(CheckpointError) -> JSONValue {
    let path = "\(directory)/config.json"
    let whole = try JSONValue(file: path)
    func section(_ key: String) -> JSONValue? {
      whole[key].flatMap { $0 == .null ? nil : PublishedVisionSettings.filled($0) }
    }
    let (own, old) = (section("vision_config"), section("vision_config_dict"))
    if let own, let old, let key = PublishedVisionSettings.difference(own, old) {
      throw .key(
        path: path, key: "vision_config_dict.\(key)", found: old[key]?.summary,
        expected: "\(own[key]?.summary ?? "none"), which vision_config says")
    }
    return own ?? old ?? PublishedVisionSettings.filled(whole)
  }
}

/// An MGVQ state dict, in PyTorch's format or as safetensors.
struct PublishedQuantizer {
  let configuration: MGVQConfiguration
  /// By the released names.
  let tensors: [String: StoredTensor]
  let files: [MappedFile]

  init(path: String, imageSize: MGVQStateDict.ImageSize) throws(CheckpointError) {
    let weights = try WeightFiles(file: path)
    let found = weights.tensors
    files = weights.files
    let dict = try MGVQStateDict(tensors: found, path: path, imageSize: imageSize)
    guard let configuration = dict.configuration else {
      throw .malformed(path: path, problem: "holds a codebook, but no encoder.* to go with it")
    }
    self.configuration = configuration
    tensors = Dictionary(
      uniqueKeysWithValues: found.filter { $0.key.hasPrefix(dict.prefix) }.map {
        (String($0.key.dropFirst(dict.prefix.count)), $0.value)
      })
  }
}

/// Tokens that a tokenizer has beside its SentencePiece pieces, as the files of a directory name them: no shape tells
/// which row is whose.
struct AddedTokens {
  /// The row of each token.
  private(set) var ids: [String: Int] = [:]
  /// `tokenizer_config.json`'s `legacy`: whether the text behind an added token gets SentencePiece's dummy prefix.
  private(set) var isLegacy = true

  static let voco = "<voco>"
  /// LLaVA's tokens around the picture (`llava/constants.py`).
  static let pictureStart = "<im_start>"
  static let pictureEnd = "<im_end>"

  /// Reads `added_tokens.json`, `tokenizer_config.json` (`added_tokens_decoder`) and `tokenizer.json`
  /// (`added_tokens`), whichever are there.
  ///
  /// - Throws: `CheckpointError` naming a file that is not what it should be, or a token that two files disagree about.
  init(directory: String) throws(CheckpointError) {
    try readPlainList("\(directory)/added_tokens.json")
    try readSettings("\(directory)/tokenizer_config.json")
    try readTokenizer("\(directory)/tokenizer.json")
  }

  private static func document(_ path: String) throws(CheckpointError) -> JSONValue? {
    FileManager.default.fileExists(atPath: path) ? try JSONValue(file: path) : nil
  }

  private mutating func add(_ token: String, _ id: Int, path: String) throws(CheckpointError) {
    if let known = ids[token], known != id {
      throw .key(
        path: path, key: token, found: "\(id)", expected: "\(known), which another file of the directory says")
    }
    ids[token] = id
  }

  private mutating func readPlainList(_ path: String) throws(CheckpointError) {
    guard let document = try Self.document(path) else { return }
    guard case .object(let object) = document else {
      throw .malformed(path: path, problem: "holds \(document.summary), expected an object of token ids")
    }
    for member in object.members {
      guard case .integer(let id) = member.value else {
        throw .key(path: path, key: member.key, found: member.value.summary, expected: "a token id")
      }
      try add(member.key, id, path: path)
    }
  }

  private mutating func readSettings(_ path: String) throws(CheckpointError) {
    guard let document = try Self.document(path) else { return }
    if case .bool(let legacy)? = document["legacy"] { isLegacy = legacy }
    guard case .object(let decoder)? = document["added_tokens_decoder"] else { return }
    for member in decoder.members {
      guard let id = Int(member.key), case .string(let token)? = member.value["content"] else {
        throw .key(
          path: path, key: "added_tokens_decoder.\(member.key)", found: member.value.summary,
          expected: "a token id and an object with content")
      }
      try add(token, id, path: path)
    }
  }

  private mutating func readTokenizer(_ path: String) throws(CheckpointError) {
    guard let document = try Self.document(path), case .array(let tokens)? = document["added_tokens"] else { return }
    for (index, entry) in tokens.enumerated() {
      guard case .integer(let id)? = entry["id"], case .string(let token)? = entry["content"] else {
        throw .key(
          path: path, key: "added_tokens[\(index)]", found: entry.summary, expected: "an object with id and content")
      }
      try add(token, id, path: path)
    }
  }
}
