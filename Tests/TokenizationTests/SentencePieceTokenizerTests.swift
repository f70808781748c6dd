import Tensor
import Testing
import Tokenization

@Suite("SentencePiece")
struct SentencePieceTokenizerTests {
  /// Recorded with Python's sentencepiece 0.2.3 on the same model.
  static let recorded: [(String, [Int32])] = [
    ("", []),
    (" ", [387, 387]),
    ("  two  spaces ", [387, 387, 385, 387, 270, 411, 390, 398, 271, 387]),
    ("hello", [331, 291, 394]),
    ("a\nb\tc", [260, 13, 405, 12, 398]),
    (
      "naïve café 🦊 漢字",
      [
        387, 395, 390, 198, 178, 329, 269, 390, 402, 198, 172, 387, 243, 162, 169, 141, 387, 233, 191, 165, 232, 176,
        154,
      ]
    ),
    ("{prompt} <0x0A>", [387, 126, 411, 391, 394, 406, 411, 389, 128, 387, 63, 51, 123, 51, 408, 65]),
    ("e\u{301} ﬁ ①", [387, 388, 207, 132, 387, 242, 175, 132, 387, 229, 148, 163]),
    ("x\0y", [387, 123, 3, 409]),
  ]

  @Test("Text encodes to the ids of the reference implementation, and back to itself", arguments: recorded)
  func roundTrip(text: String, ids: [Int32]) throws {
    let tokenizer = try makeTokenizer()
    #expect(try tokenizer.encode(text) == ids)
    #expect(Array(tokenizer.decode(ids).unicodeScalars) == Array(text.unicodeScalars))
  }

  @Test("Control symbols spelled in the text are ordinary text")
  func controlSymbolsInText() throws {
    let tokenizer = try makeTokenizer()
    let ids = try tokenizer.encode("</s> <s>hi<unk>")
    #expect(ids == [387, 63, 50, 393, 65, 387, 63, 393, 65, 396, 392, 63, 399, 395, 110, 65])
    #expect(ids.allSatisfy { $0 > 2 })
    #expect(tokenizer.decode(ids) == "</s> <s>hi<unk>")
  }

  /// `generated.token_ids` and `answer.txt` of the parity cases, and sequences that break off inside a character.
  @Test(
    "Bytes that are not UTF-8 read as one U+FFFD each",
    arguments: [
      ([25, 106, 25, 106, 390, 25, 25, 158], "\u{16}g\u{16}ga\u{16}\u{16}\u{FFFD}"),
      ([271, 271, 271, 271, 271, 271, 271, 271], "eseseseseseseses"),
      ([165, 371, 281, 281, 281, 281, 236, 137], "\u{FFFD} andenenenen\u{FFFD}\u{FFFD}"),
      ([226, 187], "\u{7F8}"),
      ([227, 131, 186], "\u{FFFD}\u{FFFD}\u{FFFD}"),
      ([240, 162, 1, 170, 142], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
    ] as [([Int32], String)])
  func invalidBytes(ids: [Int32], text: String) throws {
    #expect(try makeTokenizer().decode(ids) == text)
  }

  @Test("Ids outside the vocabulary decode to nothing and are spelled as numbers")
  func outsideVocabulary() throws {
    let tokenizer = try makeTokenizer()
    #expect(tokenizer.vocabularySize == 420)
    #expect(tokenizer.decode([420, 331, -2, 291, 394, .max, .min]) == "hello")
    #expect(tokenizer.piece(420) == "<420>")
    #expect(tokenizer.piece(-2) == "<-2>")
    #expect(tokenizer.kind(420) == nil)
    #expect(tokenizer.byte(420) == nil)
  }

  @Test("Pieces show the space as ▁ and say what they are")
  func pieces() throws {
    let tokenizer = try makeTokenizer()
    #expect(tokenizer.piece(371) == "▁and")
    #expect(tokenizer.kind(371) == .normal)
    #expect((0...2).map { tokenizer.piece($0) } == ["<unk>", "<s>", "</s>"])
    #expect((0...3).map { tokenizer.kind($0) } == [.unknown, .control, .control, .byte])
    #expect(tokenizer.id(ofPiece: "▁and") == 371)
    #expect(tokenizer.id(ofPiece: "no such piece") == nil)
    #expect(tokenizer.id(ofPiece: "<unk>") == 0)
  }

  @Test("Each byte has its piece")
  func bytePieces() throws {
    let tokenizer = try makeTokenizer()
    #expect(tokenizer.byteTokenID(0x0A) == 13)
    #expect(tokenizer.piece(13) == "<0x0A>")
    for byte in UInt8.min...UInt8.max {
      #expect(tokenizer.byteTokenID(byte).flatMap(tokenizer.byte) == byte)
    }
  }

  @Test("Encoding from many tasks at once gives the same ids")
  func concurrent() async throws {
    let tokenizer = try makeTokenizer()
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<64 {
        group.addTask {
          Self.recorded.allSatisfy { (try? tokenizer.encode($0.0)) == $0.1 && tokenizer.decode($0.1) == $0.0 }
        }
      }
      for await same in group { #expect(same) }
    }
  }
}
