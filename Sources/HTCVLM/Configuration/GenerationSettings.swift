import Files
import Foundation
import JSON
import Safetensors

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
