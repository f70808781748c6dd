import Glibc
import Testing
import Tokenization

/// The tokenizer of the parity cases: 420 pieces, identity normalization, byte fallback.
let fixture =
  "\(#filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/"))/Fixtures/tokenizer.model"

func makeTokenizer() throws -> SentencePieceTokenizer { try SentencePieceTokenizer(path: fixture) }

/// Runs `body` with the path of a file that holds `bytes` and is removed afterwards.
func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
  var template = Array("/tmp/vocoscope-tokenizer-XXXXXX".utf8CString)
  let descriptor = mkstemp(&template)
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer { unlink(path) }
  #expect(bytes.isEmpty || write(descriptor, bytes, bytes.count) == bytes.count)
  close(descriptor)
  try body(path)
}
