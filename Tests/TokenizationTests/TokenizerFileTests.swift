import Files
import Tensor
import Testing
import Tokenization

@Suite("Tokenizer files")
struct TokenizerFileTests {
  @Test("A missing file and a directory are named")
  func unreadable() {
    let missing = #expect(throws: TokenizerError.self) { try SentencePieceTokenizer(path: "/none/tokenizer.model") }
    #expect(missing?.description == "/none/tokenizer.model: no such file")
    let directory = #expect(throws: TokenizerError.self) { try SentencePieceTokenizer(path: "/tmp") }
    #expect(directory == .file(FileError(path: "/tmp", reason: .directory)))
  }

  @Test(
    "What is no SentencePiece model is refused in one line that names the file",
    arguments: [[], Array("version: 1".utf8), [UInt8](repeating: 0, count: 1000), Array("\u{89}PNG\r\n".utf8)])
  func notAModel(bytes: [UInt8]) throws {
    try withFile(bytes) { path in
      let error = #expect(throws: TokenizerError.self) { try SentencePieceTokenizer(path: path) }
      guard case .notSentencePiece(path, let reason)? = error else {
        Issue.record("unexpected \(String(describing: error))")
        return
      }
      #expect(["the file is empty", "its contents cannot be parsed"].contains(reason), "\(reason)")
      #expect(error?.description.hasPrefix("\(path): is not a usable SentencePiece model: ") == true)
    }
  }

  @Test("A model cut short either fails to load or still decodes all it has")
  func truncated() throws {
    let whole = try FileContents.read(path: fixture, limit: 1 << 20)
    for count in stride(from: 1, to: whole.count, by: 61) {
      try withFile(Array(whole[..<count])) { path in
        guard let tokenizer = try? SentencePieceTokenizer(path: path) else { return }
        #expect(tokenizer.vocabularySize > 0)
        _ = tokenizer.decode(Array(0..<Int32(tokenizer.vocabularySize)))
      }
    }
  }
}
