import ColorMaps
import TerminalUI
import TestSupport
import Testing

@Suite("The tests' own terminal")
struct VirtualTerminalTests {
  private func terminal(_ text: String, _ width: Int = 10, _ height: Int = 4) -> VirtualTerminal {
    var terminal = VirtualTerminal(size: Size(width: width, height: height))
    terminal.feed(text.utf8)
    return terminal
  }

  @Test(
    "Output becomes the screen that xterm shows",
    arguments: [
      ("abc\r\ndef", "abc\ndef\n\n"),
      ("abcdefghijk", "abcdefghij\nk\n\n"),
      ("abcdefghij\r\nk", "abcdefghij\nk\n\n"),
      ("中文中文中x", "中文中文中\nx\n\n"),
      ("123456789中", "123456789\n中\n\n"),
      ("e\u{301}x", "e\u{301}x\n\n\n"),
      ("ab\u{8}c", "ac\n\n\n"),
      ("\u{1B}[2;3Hx\u{1B}[Hy", "y\n  x\n\n"),
      ("abc\u{1B}[1;2H\u{1B}[K", "a\n\n\n"),
      ("abcdef\u{1B}[1;3H\u{1B}[2X", "ab  ef\n\n\n"),
      ("abcdef\u{1B}[1;3H\u{1B}[2P", "abef\n\n\n"),
      ("abcdef\u{1B}[1;3H\u{1B}[2@", "ab  cdef\n\n\n"),
      ("-\u{1B}[4b", "-----\n\n\n"),
      ("1\r\n2\r\n3\r\n4\r\n5", "2\n3\n4\n5"),
      ("1\r\n2\r\n3\r\n4\u{1B}[2;3r\u{1B}[3;1H\nx", "1\n3\nx\n4"),
      ("1\r\n2\r\n3\u{1B}[H\u{1B}M0", "0\n1\n2\n3"),
      ("1\r\n2\r\n3\u{1B}[2;1H\u{1B}[L", "1\n\n2\n3"),
      ("1\r\n2\r\n3\u{1B}[1;1H\u{1B}[M", "2\n3\n\n"),
      ("abc\u{1B}[2J", "\n\n\n"),
      ("中\u{1B}[1;2Hx", " x\n\n\n"),
      ("a\u{1B}]0;title\u{7}b\u{1B}]11;?\u{1B}\\c\u{1B}(Bd", "abcd\n\n\n"),
      ("a\tb\u{1B}[5Gc\u{1B}[2dd", "a   c   b\n     d\n\n"),
    ])
  func output(text: String, shown: String) {
    #expect(terminal(text).text == shown)
  }

  @Test("Bytes may be cut anywhere")
  func cut() {
    let text = "\u{1B}[31m中é\u{1B}[2;3H\u{1B}[38;2;1;2;3mx\u{1B}]0;t\u{7}y"
    let whole = terminal(text)
    var pieces = VirtualTerminal(size: whole.size)
    for byte in text.utf8 { pieces.feed([byte]) }
    #expect(pieces.text == whole.text)
    #expect(pieces[2, 1] == whole[2, 1])
  }

  @Test("Colours and attributes are kept for each cell")
  func rendition() {
    let shown = terminal("\u{1B}[1;31;44ma\u{1B}[0;38;5;200;48;2;9;8;7mb\u{1B}[97;7;4mc\u{1B}[39;49;27;24md\u{1B}[me")
    #expect(shown[0, 0].foreground == .index(1) && shown[0, 0].background == .index(4))
    #expect(shown[0, 0].attributes == .bold)
    #expect(shown[1, 0].foreground == .index(200) && shown[1, 0].background == .direct(9, 8, 7))
    #expect(shown[2, 0].foreground == .index(15) && shown[2, 0].attributes == [.reverse, .underline])
    for (x, character) in [(3, "d"), (4, "e")] as [(Int, Character)] {
      #expect(shown[x, 0].character == character && shown[x, 0].attributes == [])
      #expect(shown[x, 0].foreground == .terminal && shown[x, 0].background == .terminal)
    }
    let colons = terminal("\u{1B}[38:2::5:6:7;48:5:17mz")
    #expect(colons[0, 0].foreground == .direct(5, 6, 7) && colons[0, 0].background == .index(17))
  }

  @Test("The alternate screen hides the main one and gives it back; modes are noted")
  func alternate() {
    var shown = terminal("main")
    shown.feed("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?1000;1006h\u{1B}[?2004h\u{1B}=other".utf8)
    #expect(shown.isAlternateScreen && !shown.isCursorVisible && shown.reportsMouse && shown.bracketsPaste)
    #expect(shown.isKeypadApplication)
    #expect(!shown.text.contains("main"))
    shown.feed("\u{1B}[?1049l\u{1B}[?25h\u{1B}[?1000;1006l\u{1B}[?2004l\u{1B}>".utf8)
    #expect(shown.text == "main\n\n\n")
    #expect(shown.cursor == Point(x: 4, y: 0))
    #expect(shown.modes == [7, 25])
  }

  @Test("Any bytes at any size are taken without a trap")
  func anything() {
    var generator = SystemRandomNumberGenerator()
    let pieces = [
      "\u{1B}[", "\u{1B}", "9999999", ";", "H", "r", "L", "M", "P", "@", "X", "b", "S", "T", "中", "é", "\n", "J",
    ]
    for round in 0..<400 {
      var shown = VirtualTerminal(size: Size(width: 1 + round % 7, height: 1 + round % 5))
      for _ in 0..<60 {
        shown.feed((pieces.randomElement(using: &generator) ?? "").utf8)
        if Int.random(in: 0..<20, using: &generator) == 0 {
          let width = Int.random(in: 1..<9, using: &generator)
          shown.resize(Size(width: width, height: Int.random(in: 1..<5, using: &generator)))
        }
        #expect(shown.cursor.x < shown.size.width && shown.cursor.y < shown.size.height)
      }
    }
  }
}
