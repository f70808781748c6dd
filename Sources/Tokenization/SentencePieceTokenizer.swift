internal import CSentencePiece
import Files
internal import Tensor

/// A SentencePiece model of the Llama family: text to token ids and back.
///
/// `@unchecked Sendable`: the C++ processor is only read after `init`, and its const methods keep no shared state.
package final class SentencePieceTokenizer: @unchecked Sendable {
  package enum Kind: Sendable, Equatable { case normal, unknown, control, unused, byte }

  package let path: String
  /// Pieces in the model; ids run from 0. Ids that a checkpoint adds beyond (as `<voco>`) are not among them.
  package let vocabularySize: Int
  private let handle: OpaquePointer

  /// Loads `tokenizer.model`.
  ///
  /// - Throws: `TokenizerError` if the file cannot be read, is not a SentencePiece model, or cannot decode its own pieces.
  package init(path: String) throws(TokenizerError) {
    let bytes: [UInt8]
    do {
      bytes = try FileContents.read(path: path, limit: 64 << 20)
    } catch {
      throw .file(error)
    }
    guard !bytes.isEmpty else { throw .notSentencePiece(path: path, reason: "the file is empty") }
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
  /// - Throws: `TokenizerError.cannotEncode` if the model file's own tables contradict each other.
  package func encode(_ text: String) throws(TokenizerError) -> [Int32] {
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
