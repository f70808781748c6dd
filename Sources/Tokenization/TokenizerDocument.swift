import Files
import JSON

/// `tokenizer.json` of the package tokenizers, of the kind that Llama's SentencePiece models become there: byte-pair merges
/// over pieces with `▁` for a space. transformers 5 saves it alone.
struct TokenizerDocument {
  let encoder: BytePairEncoder
  /// The same pieces as a SentencePiece model, which spells and decodes them.
  let model: [UInt8]

  private let path: String

  /// - Throws: `TokenizerError.document` naming the key that is not of this kind.
  init(_ bytes: [UInt8], path: String) throws(TokenizerError) {
    self.path = path
    let document: JSONValue
    do { document = try JSONValue(parsing: bytes) } catch {
      throw .document(path: path, problem: "is not JSON: \(error)")
    }
    let reader = Reader(document: document, path: path)
    try reader.checkKind()
    let ids = try reader.vocabulary()
    let unknown = try reader.text("model.unk_token")
    var encoder = BytePairEncoder(ids: ids, merges: try reader.merges(ids))
    encoder.normalizers = try reader.normalizers()
    encoder.metaspace = try reader.metaspace()
    encoder.unknown = unknown.flatMap { ids[ExactText($0)] }
    encoder.fusesUnknown = try reader.flag("model.fuse_unk")
    encoder.ignoresMerges = try reader.flag("model.ignore_merges")
    let hasBytes = try reader.flag("model.byte_fallback")
    if hasBytes { encoder.bytes = (0...255).map { ids[ExactText(Self.spelling(of: $0))] } }
    self.encoder = encoder
    guard ids[ExactText(unknown ?? "<unk>")] != nil else {
      throw .document(path: path, problem: "has no piece for what it doesn't know (model.unk_token)")
    }
    model = try reader.sentencePiece(ids, unknown: unknown ?? "<unk>", hasBytes: hasBytes, encoder.prefixesText)
  }

  /// `<0x0A>`.
  fileprivate static func spelling(of byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "<0x\(digits.count == 1 ? "0" : "")\(digits)>"
  }
}

/// The keys of a `tokenizer.json`.
private struct Reader {
  let document: JSONValue
  let path: String

  /// Ends the sentences that refuse a kind.
  private static let way = "only tokenizers of Llama's kind are read from tokenizer.json; others need tokenizer.model"

  private func value(_ key: String) -> JSONValue? {
    let found = key.split(separator: ".").reduce(Optional(document)) { $0?[String($1)] }
    return found == .null ? nil : found
  }

  private func fault(_ key: String, _ found: JSONValue?, expected: String) -> TokenizerError {
    .document(path: path, problem: "\(key) is \(found?.summary ?? "missing"); expected \(expected)")
  }

  func text(_ key: String) throws(TokenizerError) -> String? {
    guard let value = value(key) else { return nil }
    guard case .string(let text) = value else { throw fault(key, value, expected: "text") }
    return text
  }

  func flag(_ key: String, default standard: Bool = false) throws(TokenizerError) -> Bool {
    guard let value = value(key) else { return standard }
    guard case .bool(let flag) = value else { throw fault(key, value, expected: "true or false") }
    return flag
  }

  /// Refuses what is no byte-pair model, or one that is not used as Llama's.
  func checkKind() throws(TokenizerError) {
    guard value("model") != nil else { throw fault("model", nil, expected: "an object") }
    // Files before tokenizers 0.10 name no type.
    let kind = try text("model.type") ?? (value("model.merges") == nil ? "" : "BPE")
    guard kind == "BPE" else { throw fault("model.type", .string(kind), expected: "\"BPE\": \(Self.way)") }
    for key in ["model.dropout", "model.continuing_subword_prefix", "model.end_of_word_suffix"] {
      switch value(key) {
      case nil, .string("")?, .integer(0)?, .number(0)?: continue
      default: throw fault(key, value(key), expected: "none: \(Self.way)")
      }
    }
  }

  /// The token of each piece.
  func vocabulary() throws(TokenizerError) -> [ExactText: Int32] {
    guard case .object(let object)? = value("model.vocab"), !object.members.isEmpty else {
      throw fault("model.vocab", value("model.vocab"), expected: "an object of token ids")
    }
    var ids: [ExactText: Int32] = [:]
    for member in object.members {
      guard case .integer(let id) = member.value, 0..<Self.mostPieces ~= id else {
        throw fault("model.vocab.\(printable(member.key))", member.value, expected: "a token id")
      }
      ids[ExactText(member.key)] = Int32(id)
    }
    return ids
  }

  private static let mostPieces = 1 << 24

  func merges(_ ids: [ExactText: Int32]) throws(TokenizerError) -> [UInt64: BytePairEncoder.Merge] {
    guard case .array(let list)? = value("model.merges") else {
      throw fault("model.merges", value("model.merges"), expected: "a list of pairs")
    }
    var merges: [UInt64: BytePairEncoder.Merge] = [:]
    for (rank, entry) in list.enumerated() {
      guard let (first, second) = Self.pair(entry) else {
        throw fault("model.merges[\(rank)]", entry, expected: "two pieces")
      }
      guard let a = ids[ExactText(first)], let b = ids[ExactText(second)], let whole = ids[ExactText(first + second)]
      else {
        throw fault("model.merges[\(rank)]", entry, expected: "two pieces of model.vocab that make a third")
      }
      merges[BytePairEncoder.pair(a, b)] = BytePairEncoder.Merge(rank: Int32(rank), id: whole)
    }
    return merges
  }

  /// `"a b"`, or since tokenizers 0.20 `["a", "b"]`.
  private static func pair(_ entry: JSONValue) -> (String, String)? {
    switch entry {
    case .string(let text):
      let parts = text.unicodeScalars.split(separator: " ", omittingEmptySubsequences: false).map { String($0) }
      return parts.count == 2 ? (parts[0], parts[1]) : nil
    case .array(let parts):
      guard parts.count == 2, case .string(let first) = parts[0], case .string(let second) = parts[1] else {
        return nil
      }
      return (first, second)
    default: return nil
    }
  }

  /// A section's parts: itself, or those of a `Sequence`.
  private func steps(_ key: String, _ list: String) throws(TokenizerError) -> [JSONValue] {
    guard let section = value(key) else { return [] }
    guard section["type"] == .string("Sequence") else { return [section] }
    guard case .array(let steps)? = section[list] else {
      throw fault("\(key).\(list)", section[list], expected: "a list")
    }
    return steps
  }

  func normalizers() throws(TokenizerError) -> [BytePairEncoder.Normalizer] {
    var result: [BytePairEncoder.Normalizer] = []
    for step in try steps("normalizer", "normalizers") {
      switch (step["type"], step["prepend"], step["content"], step["pattern"]?["String"], step["pattern"]?["Regex"]) {
      case (.string("Prepend")?, .string(let start)?, _, _, _): result.append(.prepend(Array(start.unicodeScalars)))
      case (.string("Replace")?, _, .string(let content)?, .string(let pattern)?, _) where !pattern.isEmpty:
        result.append(.replace(Array(pattern.unicodeScalars), with: Array(content.unicodeScalars)))
      case (.string("Replace")?, _, .string("▁▁")?, _, .string("\\A▁")?): result.append(.doubleFirstSpace)
      default:
        throw fault(
          "normalizer", step["type"] ?? step, expected: "\"Prepend\" or \"Replace\" of a text: \(Self.way)")
      }
    }
    return result
  }

  func metaspace() throws(TokenizerError) -> BytePairEncoder.Metaspace? {
    let steps = try steps("pre_tokenizer", "pretokenizers")
    guard let step = steps.first else { return nil }
    guard steps.count == 1, step["type"] == .string("Metaspace"), step["replacement"] == .string("▁") else {
      let found = steps.first { $0["type"] != .string("Metaspace") } ?? step
      throw fault(
        "pre_tokenizer", found["type"] ?? found, expected: "none or \"Metaspace\" with ▁: \(Self.way)")
    }
    // `add_prefix_space` stands in files before tokenizers 0.15.
    let old: BytePairEncoder.Metaspace.Prefix = step["add_prefix_space"] == .bool(false) ? .never : .always
    let own = BytePairEncoder.Metaspace.Prefix.allCases.first { step["prepend_scheme"] == .string($0.rawValue) }
    return BytePairEncoder.Metaspace(prefix: own ?? old, splits: step["split"] != .bool(false))
  }

  /// `sentencepiece_model.proto`'s `ModelProto` of the pieces.
  func sentencePiece(
    _ ids: [ExactText: Int32], unknown: String, hasBytes: Bool, _ prefixesText: Bool
  ) throws(TokenizerError) -> [UInt8] {
    var added: [Int32: (text: String, isSpecial: Bool)] = [:]
    if case .array(let tokens)? = value("added_tokens") {
      for case .object(let token) in tokens {
        guard case .integer(let id)? = token["id"], case .string(let text)? = token["content"] else { continue }
        if let id = Int32(exactly: id) { added[id] = (text, token["special"] == .bool(true)) }
      }
    }
    let count = (ids.values.max() ?? 0) + 1
    // Before memory is taken for them.
    guard Int(count) <= ids.count + added.count else {
      throw .document(
        path: path,
        problem: "model.vocab has \(ids.count) pieces and ids up to \(count - 1); expected a piece for each id")
    }
    var pieces = [String?](repeating: nil, count: Int(count))
    for (text, id) in ids {
      if let other = pieces[Int(id)] {
        throw fault(
          "model.vocab.\(printable(text.text))", .integer(Int(id)),
          expected: "another id than that of \(printable(other))")
      }
      pieces[Int(id)] = text.text
    }
    let bytes = hasBytes ? Set((0...255).map { ExactText(TokenizerDocument.spelling(of: $0)) }) : []
    var message = ProtocolBuffer()
    for id in 0..<count {
      guard let text = pieces[Int(id)] ?? added[id]?.text else {
        throw fault("model.vocab", nil, expected: "a piece for each id; \(id) has none")
      }
      let exact = ExactText(text)
      // NORMAL 1, UNKNOWN 2, CONTROL 3, USER_DEFINED 4, BYTE 6.
      let kind: UInt64 =
        exact == ExactText(unknown) ? 2 : bytes.contains(exact) ? 6 : added[id].map { $0.isSpecial ? 3 : 4 } ?? 1
      var piece = ProtocolBuffer()
      piece.append(Array(text.utf8), field: 1)
      piece.append(-Float(id), field: 2)
      piece.append(number: kind, field: 3)
      message.append(piece.bytes, field: 1)
    }
    var trainer = ProtocolBuffer()
    trainer.append(number: 2, field: 3)  // model_type: BPE
    trainer.append(number: UInt64(count), field: 4)  // vocab_size
    trainer.append(number: hasBytes ? 1 : 0, field: 35)  // byte_fallback
    message.append(trainer.bytes, field: 2)
    var normalizer = ProtocolBuffer()
    normalizer.append(Array("identity".utf8), field: 1)
    normalizer.append(number: prefixesText ? 1 : 0, field: 3)  // add_dummy_prefix
    normalizer.append(number: 0, field: 4)  // remove_extra_whitespaces
    normalizer.append(number: 1, field: 5)  // escape_whitespaces
    message.append(normalizer.bytes, field: 3)
    return message.bytes
  }
}

/// Fields in the wire format of Protocol Buffers.
private struct ProtocolBuffer {
  private(set) var bytes: [UInt8] = []

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func append(number value: UInt64, field: UInt64) {
    varint(field << 3)
    varint(value)
  }

  mutating func append(_ value: Float, field: UInt64) {
    varint(field << 3 | 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
  }

  mutating func append(_ value: [UInt8], field: UInt64) {
    varint(field << 3 | 2)
    varint(UInt64(value.count))
    bytes += value
  }
}
