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
