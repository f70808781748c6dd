import Files
import Foundation
import Testing

@Suite("Text on its way to a terminal")
struct PrintableTextTests {
  @Test(
    "What steers, reorders or piles up is replaced; what is read is not",
    arguments: [
      ("plain, naïve, 颜色, 👩‍👩‍👧, क्षि\n", "plain, naïve, 颜色, 👩‍👩‍👧, क्षि\n"),
      ("\u{1B}[31mred\u{1B}[0m", "␛[31mred␛[0m"), ("\u{1B}]0;owned\u{7}", "␛]0;owned␇"),
      ("a\rb\r\nc\td\0", "a␍b\r\nc␉d␀"), ("\u{7F}\u{85}\u{9B}31m", "␡\u{FFFD}\u{FFFD}31m"),
      ("abc\u{202E}gpj.exe\u{2066}\u{200F}\u{61C}", "abc\u{FFFD}gpj.exe\u{FFFD}\u{FFFD}\u{FFFD}"),
      ("a\u{2028}b\u{2029}", "a␊b␊"),
      ("e" + String(repeating: "\u{301}", count: 2000) + "x", "e" + String(repeating: "\u{301}", count: 4) + "x"),
    ])
  func rules(text: String, shown: String) {
    #expect(Array(printable(text).unicodeScalars) == Array(shown.unicodeScalars))
  }

  @Test("Whatever scalars come, no control but a line's end leaves, and a second pass changes nothing")
  func property() {
    var generator = SystemRandomNumberGenerator()
    let steering: [Unicode.Scalar] = ["\u{1B}", "\r", "\n", "\u{9B}", "\u{202E}", "\u{301}", "\u{20DD}", "\u{2029}"]
    for _ in 0..<2000 {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...24, using: &generator) {
        let any = Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &generator))
        text.append(Bool.random(using: &generator) ? steering.randomElement(using: &generator)! : any ?? "a")
      }
      let shown = printable(String(text))
      let scalars = Array(shown.unicodeScalars)
      for (index, scalar) in scalars.enumerated() {
        let isLineEnd = scalar == "\n" || scalar == "\r" && index + 1 < scalars.count && scalars[index + 1] == "\n"
        #expect(isLineEnd || scalar.properties.generalCategory != .control, "\(scalar.value)")
        #expect(!scalar.properties.steersDirection, "\(scalar.value)")
      }
      #expect(Array(printable(shown).unicodeScalars) == scalars)
    }
  }

  @Test("A name out of a file is one line, and not endless")
  func names() {
    #expect(printableName("a\r\nb\u{1B}[31m") == "a␊b␛[31m")
    #expect(printableName(String(repeating: "x", count: 500)) == String(repeating: "x", count: 120) + "…")
  }

  @Test("A JSON document keeps its text: what a terminal would obey is escaped, surrogate pairs too")
  func json() throws {
    let texts = [
      "\u{1B}[31m\u{9B}\u{7F}", "\u{202E}a\u{2028}", "e" + String(repeating: "\u{301}", count: 9), "\u{1D167}",
    ]
    let document = String(decoding: try JSONEncoder().encode(texts), as: UTF8.self)
    let shown = printable(json: document)
    #expect(printable(shown) == shown)
    let read = try JSONDecoder().decode([String].self, from: Data(shown.utf8))
    #expect(read.map { Array($0.unicodeScalars) } == texts.map { Array($0.unicodeScalars) })
  }
}

extension Unicode.Scalar.Properties {
  /// Swift has no property for the controls of direction, so the test names them: UAX #9, 2.
  fileprivate var steersDirection: Bool {
    let controls: Set<String> = [
      "ARABIC LETTER MARK", "LEFT-TO-RIGHT MARK", "RIGHT-TO-LEFT MARK", "LEFT-TO-RIGHT EMBEDDING",
      "RIGHT-TO-LEFT EMBEDDING", "POP DIRECTIONAL FORMATTING", "LEFT-TO-RIGHT OVERRIDE", "RIGHT-TO-LEFT OVERRIDE",
      "LEFT-TO-RIGHT ISOLATE", "RIGHT-TO-LEFT ISOLATE", "FIRST STRONG ISOLATE", "POP DIRECTIONAL ISOLATE",
    ]
    return name.map(controls.contains) ?? false
  }
}
