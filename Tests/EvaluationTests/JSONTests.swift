import Foundation
import JSON
import Testing

@testable import Evaluation

private func parse(_ text: some Sequence<UInt8>) throws -> JSONValue {
  try Array(text).withUnsafeBufferPointer { try parseJSON($0, file: "f.json") }
}

private func parse(_ text: String) throws -> JSONValue { try parse(text.utf8) }

@Suite("JSON in benchmark files")
struct JSONTests {
  @Test("Lone surrogates become U+FFFD, and what follows them stays")
  func surrogates() throws {
    #expect(try parse(#""\ud83d\ude00\ud800x""#) == .string("😀\u{FFFD}x"))
    #expect(try parse(#""\ud800\u0041 \udc00""#) == .string("\u{FFFD}A \u{FFFD}"))
  }

  @Test(
    "What is not JSON is refused with file and line",
    arguments: [
      "", "{", "[1,", "{\"a\" 1}", "{\"a\":}", "\"", "\"\\x\"", "\"\\u12g4\"", "tru", "01x", "+1", "1 2", "\"\u{1}\"",
      "-", "1e999", "nan", "{1:2}", "[1 2]", "{\"a\":1,\"a\":2}",
    ])
  func refusals(text: String) {
    #expect { try parse("\n" + text) } throws: { error in
      guard case .malformed(let file, let line, let reason)? = error as? EvaluationError else { return false }
      return file == "f.json" && line == 2 && reason.hasPrefix("not JSON")
    }
  }

  @Test("Truncated and bit-flipped text either parses or throws")
  func corruption() throws {
    let text = Array(try Data(contentsOf: URL(fileURLWithPath: fixture("llava.jsonl"))).prefix { $0 != 0x0A })
    for length in text.indices {
      #expect(throws: EvaluationError.self) { try parse(text[..<length]) }
    }
    var survived = 0
    for index in text.indices {
      for bit in 0..<8 {
        var flipped = text
        flipped[index] ^= 1 << UInt8(bit)
        if (try? parse(flipped)) != nil { survived += 1 }
      }
    }
    #expect(survived > 0 && survived < text.count * 8)
  }
}
