import Testing
import Tokenization

@Suite("Streaming text")
struct StreamingDetokenizerTests {
  private func stream(_ ids: [Int32], _ tokenizer: SentencePieceTokenizer) -> [String] {
    var detokenizer = StreamingDetokenizer(tokenizer: tokenizer)
    var pieces = ids.map { detokenizer.append($0) }
    pieces.append(detokenizer.finish())
    return pieces
  }

  @Test("A character of four byte pieces appears when its last byte does")
  func wholeCharacters() throws {
    let tokenizer = try makeTokenizer()
    #expect(stream([387, 243, 162, 169, 141, 331], tokenizer) == ["", "", "", "", "🦊", " h", ""])
  }

  @Test("Bytes that can no longer become a character appear at once, the rest at the end")
  func brokenCharacters() throws {
    let tokenizer = try makeTokenizer()
    #expect(stream([158], tokenizer) == ["\u{FFFD}", ""])
    #expect(stream([236, 137], tokenizer) == ["", "", "\u{FFFD}\u{FFFD}"])
    #expect(stream([236, 137, 390], tokenizer) == ["", "", "\u{FFFD}\u{FFFD}a", ""])
    #expect(stream([236, 1, 137], tokenizer) == ["", "\u{FFFD}", "\u{FFFD}", ""])
  }

  @Test("Any tokens at all stream to exactly their decoded text")
  func anyTokens() throws {
    let tokenizer = try makeTokenizer()
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      // Two thirds bytes of the upper half, so that multi-byte characters begin, break and complete.
      let ids = (0..<12).map { _ in
        Int32.random(in: 0..<3, using: &generator) == 0 ? Int32.random(in: -1..<422) : Int32.random(in: 131..<259)
      }
      #expect(stream(ids, tokenizer).joined() == tokenizer.decode(ids), "\(ids)")
    }
  }
}
