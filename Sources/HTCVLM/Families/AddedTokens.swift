import Foundation
import JSON
import Safetensors

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
