import Foundation
import JSON
import TestSupport
import Testing
import Tokenization

/// `Fixtures/documents/record.py` recorded them with the packages transformers and tokenizers.
@Suite("tokenizer.json")
struct TokenizerDocumentTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().path + "/Fixtures/documents"
  private static let names = ["llama.json", "legacy.json"] + (1...10).map { "random-\($0).json" }

  private static func recorded(_ name: String) throws -> [JSONValue] {
    let whole = try JSONValue(parsing: Array(Data(contentsOf: URL(filePath: "\(folder)/recorded.json"))))
    guard case .array(let rows)? = whole[name] else { return [] }
    return rows
  }

  private static func ids(_ value: JSONValue) -> [Int32]? {
    guard case .array(let elements) = value else { return nil }
    return elements.compactMap { if case .integer(let id) = $0 { Int32(id) } else { nil } }
  }

  @Test("Tokens of many texts are those of the package tokenizers, alone and behind an added token", arguments: names)
  func parity(name: String) throws {
    let tokenizer = try SentencePieceTokenizer(path: "\(Self.folder)/\(name)")
    let rows = try Self.recorded(name)
    #expect(rows.count >= 60)
    for case .array(let row) in rows {
      guard row.count == 4, case .string(let text) = row[0] else {
        Issue.record("a row of \(row.count)")
        continue
      }
      #expect(try tokenizer.encode(text) == Self.ids(row[1]), "\(text.debugDescription)")
      #expect(
        try tokenizer.encode(text, continuing: true) == Self.ids(row[2]), "behind a token: \(text.debugDescription)")
      if case .string(let again) = row[3] {
        #expect(
          Array(tokenizer.decode(try #require(Self.ids(row[1]))).utf8) == Array(again.utf8), "\(text.debugDescription)")
      }
    }
  }

  @Test("Pieces say what they are as a SentencePiece model's do")
  func pieces() throws {
    let tokenizer = try SentencePieceTokenizer(path: "\(Self.folder)/llama.json")
    #expect(tokenizer.vocabularySize == 420)
    #expect((0...3).map { tokenizer.kind($0) } == [.unknown, .control, .control, .byte])
    #expect(tokenizer.byteTokenID(0x0A) == 13 && tokenizer.byte(13) == 0x0A && tokenizer.kind(300) == .normal)
    #expect(tokenizer.piece(try #require(tokenizer.id(ofPiece: "▁cube"))) == "▁cube")
    #expect(tokenizer.decode([1, 13, 2]) == "\n")
  }

  @Test("Kinds that are not Llama's are refused by their key, and so is what contradicts itself")
  func refusals() throws {
    let model = #""model": {"type": "BPE", "vocab": {"<unk>": 0, "a": 1, "b": 2, "ab": 3}, "merges": ["a b"]}"#
    let cases: [(text: String, sentence: String)] = [
      ("{\(model)", "is not JSON"), ("{}", "model is missing"), ("[1]", "model is missing"),
      (#"{"model": {"type": "Unigram", "vocab": []}}"#, #"model.type is "Unigram"; expected "BPE""#),
      (#"{"pre_tokenizer": {"type": "ByteLevel"}, \#(model)}"#, #"pre_tokenizer is "ByteLevel""#),
      (
        #"{"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split"}, {"type": "ByteLevel"}]}, \#(model)}"#,
        #"pre_tokenizer is "Split""#
      ),
      (#"{"normalizer": {"type": "NFKC"}, \#(model)}"#, #"normalizer is "NFKC""#),
      (
        #"{"normalizer": {"type": "Replace", "pattern": {"Regex": " +"}, "content": " "}, \#(model)}"#,
        #"normalizer is "Replace""#
      ),
      (#"{"model": {"type": "BPE", "dropout": 0.1, "vocab": {"<unk>": 0}, "merges": []}}"#, "model.dropout is 0.1"),
      (#"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}"#, "model.unk_token"),
      (#"{"model": {"type": "BPE", "vocab": {"<unk>": 0, "a": 2}, "merges": []}}"#, "2 pieces and ids up to 2"),
      (#"{"model": {"type": "BPE", "vocab": {"<unk>": 0, "a": 0}, "merges": []}}"#, "expected another id than that of"),
      (#"{"model": {"type": "BPE", "vocab": {"<unk>": 0, "a": -1}, "merges": []}}"#, "model.vocab.a is -1"),
      (#"{"model": {"type": "BPE", "vocab": {"<unk>": 0, "a": 1}, "merges": ["a a"]}}"#, "model.merges[0]"),
      (#"{"model": {"type": "BPE", "vocab": {"<unk>": 0, "a": 1}, "merges": ["a"]}}"#, "expected two pieces"),
      (#"{"model": {"type": "BPE", "byte_fallback": true, "vocab": {"<unk>": 0}, "merges": []}}"#, "byte"),
    ]
    let folder = try TemporaryFolder()
    for (text, sentence) in cases {
      let path = try folder.write(text, as: "tokenizer.json")
      let error = #expect(throws: TokenizerError.self, "\(text)") { try SentencePieceTokenizer(path: path) }
      #expect(error?.description.contains(sentence) == true, "\(error?.description ?? text)")
    }
    let added = #"{"added_tokens": [{"id": 4, "content": "<x>", "special": false}], "#
    let path = try folder.write(
      added + model.replacingOccurrences(of: #""ab": 3"#, with: #""ab": 5, "c": 3"#) + "}", as: "t.json")
    let tokenizer = try SentencePieceTokenizer(path: path)
    #expect(try tokenizer.encode("abab<x>") == [5, 5] && tokenizer.piece(4) == "<x>")
  }

  @Test("Of a directory with both files tokenizer.model is read")
  func both() throws {
    let folder = try TemporaryFolder()
    let document = try folder.write("{}", as: "tokenizer.json")
    #expect(SentencePieceTokenizer.path(in: folder.root) == document)
    let model = try folder.write("x", as: "tokenizer.model")
    #expect(SentencePieceTokenizer.path(in: folder.root) == model)
    #expect(SentencePieceTokenizer.path(in: "/none") == "/none/tokenizer.model")
  }
}
