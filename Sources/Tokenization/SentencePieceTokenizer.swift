import CSentencePiece
package import Files
import Glibc
import JSON
import Tensor

/// A SentencePiece model of the Llama family, or the same as `tokenizer.json`: text to token ids and back.
///
/// `@unchecked Sendable`: the C++ processor is only read after `init`, and its const methods keep no shared state.
package final class SentencePieceTokenizer: @unchecked Sendable {
  package enum Kind: Sendable, Equatable { case normal, unknown, control, unused, byte }

  package let path: String
  /// Pieces in the model; ids run from 0. Ids that a checkpoint adds beyond (as `<voco>`) are not among them.
  package let vocabularySize: Int
  private let handle: OpaquePointer
  /// Of a `tokenizer.json`, whose merges may be others than the library finds by its scores.
  private let merges: BytePairEncoder?

  /// The file of a directory: `tokenizer.model`, or where there is none `tokenizer.json`.
  package static func path(in directory: String) -> String {
    let (model, document) = ("\(directory)/tokenizer.model", "\(directory)/tokenizer.json")
    return access(model, F_OK) != 0 && access(document, F_OK) == 0 ? document : model
  }

  /// Where a directory has a tokenizer of the same kind as the file `other`.
  package static func path(in directory: String, like other: String) -> String {
    "\(directory)/tokenizer.\(other.hasSuffix(".json") ? "json" : "model")"
  }

  /// Loads `tokenizer.model` or `tokenizer.json`.
  ///
  /// - Throws: `TokenizerError` if the file cannot be read, is not a SentencePiece model, or cannot decode its own pieces,
  ///   or names the key of a `tokenizer.json` that is not of Llama's kind.
  package init(path: String) throws(TokenizerError) {
    var bytes: [UInt8]
    do {
      bytes = try FileContents.read(path: path, limit: 64 << 20)
    } catch {
      throw .file(error)
    }
    guard !bytes.isEmpty else { throw .notSentencePiece(path: path, reason: "the file is empty") }
    // No SentencePiece model begins so.
    if path.hasSuffix(".json") || bytes.first == UInt8(ascii: "{") {
      let document = try TokenizerDocument(bytes, path: path)
      (bytes, merges) = (document.model, document.encoder)
    } else {
      merges = nil
    }
    var message = [CChar](repeating: 0, count: 512)
    let created = bytes.withUnsafeBytes { csp_create($0.baseAddress, $0.count, &message, message.count) }
    guard let created else {
      throw .notSentencePiece(path: path, reason: Self.reason(message, otherwise: "its contents cannot be parsed"))
    }
    handle = created
    self.path = path
    vocabularySize = Int(csp_vocabulary_size(created))
    // Decoding every piece once here is what lets `decode` promise not to fail.
    if case .failure(let failure) = decoded(Array(0..<Int32(vocabularySize))) {
      throw .notSentencePiece(path: path, reason: failure.reason)
    }
  }

  deinit { csp_destroy(handle) }

  /// The ids of `text`, by SentencePiece's defaults: a dummy prefix is added, and text that spells a control
  /// symbol (`</s>`) is ordinary text.
  ///
  /// - Parameter continuing: whether `text` follows another, so that a `tokenizer.json` gives it no dummy prefix where it
  ///   gives one to the first text only; a SentencePiece model always does.
  /// - Throws: `TokenizerError.cannotEncode` if the model file's own tables contradict each other.
  package func encode(_ text: String, continuing: Bool = false) throws(TokenizerError) -> [Int32] {
    if let merges { return merges.encode(text, continuing: continuing) }
    var message = [CChar](repeating: 0, count: 512)
    var ids: UnsafeMutablePointer<Int32>?
    var count = 0
    var text = text
    let failed = text.withUTF8 { utf8 in
      utf8.withMemoryRebound(to: CChar.self) {
        csp_encode(handle, $0.baseAddress, $0.count, &ids, &count, &message, message.count)
      }
    }
    guard failed == 0 else {
      throw .cannotEncode(path: path, reason: Self.reason(message, otherwise: "its tables contradict each other"))
    }
    defer { csp_free(ids) }
    return Array(UnsafeBufferPointer(start: ids, count: count))
  }

  /// The text of `ids`; bytes that are not UTF-8 read as U+FFFD, and control symbols and ids outside the vocabulary
  /// as nothing.
  package func decode(_ ids: [Int32]) -> String {
    switch decoded(ids.filter(isInVocabulary)) {
    case .success(let text): return text
    case .failure(let failure): preconditionFailure("decoding pieces checked at load: \(failure.reason)")
    }
  }

  /// The spelling of one token, with `▁` for a space; an id outside the vocabulary reads `<id>`.
  package func piece(_ id: Int32) -> String {
    guard isInVocabulary(id) else { return "<\(id)>" }
    var count = 0
    let start = csp_piece(handle, id, &count)
    return UnsafeBufferPointer(start: start, count: count).withMemoryRebound(to: UInt8.self) {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// What a token is; `nil` outside the vocabulary.
  package func kind(_ id: Int32) -> Kind? {
    guard isInVocabulary(id) else { return nil }
    return switch csp_kind(handle, id) {
    case CSP_UNKNOWN: .unknown
    case CSP_CONTROL: .control
    case CSP_UNUSED: .unused
    case CSP_BYTE: .byte
    default: .normal
    }
  }

  /// The id spelled `piece`, or `nil`.
  package func id(ofPiece piece: String) -> Int32? {
    let id = csp_piece_id(handle, piece)
    return id < 0 ? nil : id
  }

  /// The id of the piece that stands for one byte, as `<0x0A>`; `nil` in a model without byte fallback.
  package func byteTokenID(_ byte: UInt8) -> Int32? {
    let digits = String(byte, radix: 16, uppercase: true)
    return id(ofPiece: "<0x\(digits.count == 1 ? "0" : "")\(digits)>")
  }

  /// The byte that a byte piece stands for, else `nil`.
  package func byte(_ id: Int32) -> UInt8? {
    guard kind(id) == .byte else { return nil }
    return UInt8(piece(id).dropFirst(3).dropLast(), radix: 16)
  }

  private struct Failure: Error { let reason: String }

  private func isInVocabulary(_ id: Int32) -> Bool { id >= 0 && id < vocabularySize }

  private func decoded(_ ids: [Int32]) -> Result<String, Failure> {
    var message = [CChar](repeating: 0, count: 512)
    var text: UnsafeMutablePointer<CChar>?
    var count = 0
    guard csp_decode(handle, ids, ids.count, &text, &count, &message, message.count) == 0 else {
      return .failure(Failure(reason: Self.reason(message, otherwise: "it cannot decode its own pieces")))
    }
    defer { csp_free(text) }
    return .success(
      UnsafeBufferPointer(start: text, count: count).withMemoryRebound(to: UInt8.self) {
        String(decoding: $0, as: UTF8.self)
      })
  }

  /// The library's message, or `fallback` where it only quotes a failed check of its source
  /// (`processor.cc(232) [model_proto->…]`), which means nothing to a user.
  private static func reason(_ message: [CChar], otherwise fallback: String) -> String {
    let bytes = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let text = String(decoding: bytes, as: UTF8.self)
    return text.isEmpty || text.contains(".cc(") ? fallback : text
  }
}

/// Turns tokens into text as they are generated, never showing half a character.
///
/// A character outside a model's vocabulary comes as up to four byte pieces. Text is handed out once no later token
/// can change it: trailing bytes that may still become a character are held back.
package struct StreamingDetokenizer: Sendable {
  private let tokenizer: SentencePieceTokenizer
  private var ids: [Int32] = []
  private var emitted = 0

  package init(tokenizer: SentencePieceTokenizer) { self.tokenizer = tokenizer }

  /// Takes the next token and returns the text that it settles, often empty.
  package mutating func append(_ id: Int32) -> String {
    // Decoding passes over ids outside the vocabulary, so they do not end a run of bytes either.
    guard tokenizer.kind(id) != nil else { return "" }
    ids.append(id)
    return settle(ids.dropLast(heldBackCount()))
  }

  /// The text still held back; call it once, after the last token.
  package mutating func finish() -> String { settle(ids[...]) }

  private mutating func settle(_ settled: ArraySlice<Int32>) -> String {
    let text = Array(tokenizer.decode(Array(settled)).utf8)
    defer { emitted = max(emitted, text.count) }
    return String(decoding: text.dropFirst(emitted), as: UTF8.self)
  }

  /// How many trailing byte tokens are the beginning of a character that is not complete.
  private func heldBackCount() -> Int {
    let bytes = ids.suffix(3).reversed().map(tokenizer.byte).prefix { $0 != nil }.compactMap { $0 }.reversed()
    let tail = Array(bytes)
    return tail.indices.first { Self.mayBegin(tail[$0...]) }.map { tail.count - $0 } ?? 0
  }

  /// Whether `bytes` is a proper beginning of a well-formed UTF-8 sequence (Unicode 16, table 3-7).
  private static func mayBegin(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard let lead = bytes.first else { return false }
    let length: Int
    switch lead {
    case 0xC2...0xDF: length = 2
    case 0xE0...0xEF: length = 3
    case 0xF0...0xF4: length = 4
    default: return false
    }
    guard bytes.count < length else { return false }
    let rest = Array(bytes.dropFirst())
    guard rest.allSatisfy({ 0x80...0xBF ~= $0 }) else { return false }
    guard let second = rest.first else { return true }
    return switch lead {
    case 0xE0: second >= 0xA0
    case 0xED: second <= 0x9F
    case 0xF0: second >= 0x90
    case 0xF4: second <= 0x8F
    default: true
    }
  }
}

/// Why a tokenizer file cannot be used; its description is one sentence that names the file.
package enum TokenizerError: Error, Sendable, Equatable, CustomStringConvertible {
  case file(FileError)
  /// The file was read, but libsentencepiece refuses it, for the quoted reason.
  case notSentencePiece(path: String, reason: String)
  /// A `tokenizer.json` is not of Llama's kind, or contradicts itself.
  case document(path: String, problem: String)
  /// The file was accepted, but its normalizer or segmentation fails on a text.
  case cannotEncode(path: String, reason: String)

  package var description: String {
    switch self {
    case .file(let error): error.description
    case .notSentencePiece(let path, let reason): "\(path): is not a usable SentencePiece model: \(reason)"
    case .document(let path, let problem): "\(path): \(problem)"
    case .cannotEncode(let path, let reason): "\(path): its SentencePiece model cannot encode the text: \(reason)"
    }
  }
}
