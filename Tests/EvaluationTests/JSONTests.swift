import Foundation
import Testing

@testable import Evaluation

private func parse(_ text: some Sequence<UInt8>) throws -> JSONValue {
  try Array(text).withUnsafeBufferPointer { try JSONParser.parse($0, file: "f.json") }
}

private func parse(_ text: String) throws -> JSONValue { try parse(text.utf8) }

@Suite("JSON")
struct JSONTests {
  @Test("Values keep their kind, keys their order, objects their line")
  func values() throws {
    let value = try parse("{\"z\": [1, -2.5, 1e3, true, null],\n \"a\": \n{\"k\": \"v\"}}")
    guard case .object(let object) = value else {
      Issue.record("not an object")
      return
    }
    #expect(object.members.map(\.key) == ["z", "a"])
    #expect(object["z"] == .array([.integer(1), .number(-2.5), .number(1000), .bool(true), .null]))
    guard case .object(let inner)? = object["a"] else {
      Issue.record("not an object")
      return
    }
    #expect((object.line, inner.line) == (1, 3))
  }

  @Test("Escapes, surrogate pairs and lone surrogates become scalars")
  func escapes() throws {
    #expect(try parse(#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud800x""#) == .string("\"\\/\u{8}\u{c}\n\r\té😀\u{FFFD}x"))
  }

  @Test(
    "What is not JSON is refused with file and line",
    arguments: [
      "", "{", "[1,", "{\"a\" 1}", "{\"a\":}", "\"", "\"\\x\"", "\"\\u12g4\"", "tru", "01x", "+1", "1 2", "\"\u{1}\"",
      "-",
      "1e999", "nan", "{1:2}", "[1 2]",
    ])
  func refusals(text: String) {
    #expect { try parse("\n" + text) } throws: { error in
      guard case .malformed(let file, let line, let reason)? = error as? EvaluationError else { return false }
      return file == "f.json" && line == 2 && reason.hasPrefix("not JSON")
    }
  }

  @Test("Nesting beyond the bound is refused, not followed")
  func nesting() throws {
    #expect(throws: EvaluationError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
    #expect(try parse(String(repeating: "[", count: 60) + String(repeating: "]", count: 60)).line.count == 120)
  }

  @Test("A written value is read back the same")
  func roundTrip() throws {
    let value = JSONValue.object([
      "text": .string("a \"quoted\" \\ line\nbreak\t\u{1} é😀"), "n": .integer(-7), "x": .number(0.1),
      "list": .array([.bool(false), .null, .array([]), .object([:])]),
    ])
    #expect(try parse(value.line) == value)
    let document = value.document
    #expect(document.hasSuffix("}\n"))
    #expect(try parse(document).line == value.line)
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
