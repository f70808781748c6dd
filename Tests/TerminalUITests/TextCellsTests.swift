import TerminalUI
import Testing

@Suite("Text in cells")
struct TextCellsTests {
  @Test(
    "Columns follow the terminal's rules for wide, combining and invisible characters",
    arguments: [
      ("cat", 3), ("a\u{301}", 1), ("中文", 4), ("ｶ", 1), ("Ａ", 2), ("🐈", 2), ("한", 2), ("\u{1112}\u{1161}\u{11AB}", 2),
      ("👍🏽", 2), ("👩‍💻", 2), ("❤️", 1), ("\u{200B}", 0), ("a\u{200D}b", 2), ("🇨🇭", 2), ("é", 1), ("▀", 1), ("…", 1),
      ("", 0), ("\u{301}", 1), ("नि", 2),
    ])
  func columns(text: String, expected: Int) {
    #expect(displayWidth(text) == expected)
    #expect(textCells(text).allSatisfy { $0.width == 1 || $0.width == 2 })
  }

  @Test("Control characters and escape sequences become pictures")
  func controls() {
    let shown = String(textCells("a\u{1B}[31mb\u{7}\n\t\u{7F}\u{9B}\r\n\u{202E}x").map(\.character))
    #expect(shown == "a␛[31mb␇␊␉␡\u{FFFD}␍␊x")
  }

  @Test("No scalar of Unicode reaches a cell as a control or formatting character")
  func everyScalar() {
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let category = scalar.properties.generalCategory
      guard [.control, .format, .lineSeparator, .paragraphSeparator, .unassigned].contains(category) else { continue }
      let kept = textCells(String(Character(scalar))).flatMap { $0.character.unicodeScalars }
      #expect(!kept.contains(scalar), "U+\(String(value, radix: 16))")
    }
  }

  @Test("A base keeps at most four marks")
  func manyMarks() {
    let cells = textCells("z" + String(repeating: "\u{301}", count: 60))
    #expect(cells.count == 1)
    #expect(cells[0].character.unicodeScalars.count == 5)
  }

  @Test("Truncated text fits, and an ellipsis says so")
  func truncation() {
    #expect(truncated("attention", to: 9) == "attention")
    #expect(truncated("attention", to: 5) == "atte…")
    #expect(truncated("中文字", to: 4) == "中…")
    #expect(truncated("中文字", to: 5) == "中文…")
    #expect(truncated("ab", to: 0) == "")
    for width in 0...12 { #expect(displayWidth(truncated("日a本b語c", to: width)) <= width) }
  }

  @Test("Wrapped lines fit their width and lose no word")
  func wrapping() {
    #expect(wrapped("the cat sat on the mat", to: 7) == ["the cat", "sat on", "the mat"])
    #expect(wrapped("unbreakable", to: 4) == ["unbr", "eaka", "ble"])
    #expect(wrapped("a\n\nb", to: 5) == ["a", "", "b"])
    for width in 2...20 {
      for line in wrapped("中文 text with 🐈 cats and averyverylongword", to: width) {
        #expect(displayWidth(line) <= width)
      }
    }
  }
}
