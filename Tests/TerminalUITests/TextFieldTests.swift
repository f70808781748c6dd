import TerminalUI
import Testing

@Suite("Typing")
struct TextFieldTests {
  @Test("Keys edit at the caret")
  func editing() {
    var field = TextField("the cat")
    for key in [Key.left, .left, .left, .backspace, .character("-"), .home, .delete, .end, .character("s")] {
      let isTaken = field.handle(key)
      #expect(isTaken)
    }
    #expect(field.text == "he-cats")
    #expect(field.caret == 7)
    _ = field.handle(.control("a"))
    _ = field.handle(.control("k"))
    #expect(field.text == "")
    let isTaken = field.handle(.enter)
    #expect(!isTaken)
  }

  @Test("Words and ends are deleted with Control keys, and nothing past either end")
  func deleting() {
    var field = TextField("what is in  the picture")
    _ = field.handle(.control("w"))
    #expect(field.text == "what is in  the ")
    _ = field.handle(.control("w"))
    #expect(field.text == "what is in  ")
    _ = field.handle(.control("u"))
    for key in [Key.backspace, .delete, .left, .control("w"), .control("k")] { _ = field.handle(key) }
    #expect(field.text == "" && field.caret == 0)
  }

  @Test("A pasted text becomes one line without control characters")
  func pasting() {
    var field = TextField("ab")
    _ = field.handle(.left)
    field.insert("1\r\n2\t3\u{1B}[31m\u{7}")
    #expect(field.text == "a1 2 3[31mb")
    #expect(field.caret == 10)
  }

  @Test("A mark typed after its letter joins it")
  func marks() {
    var field = TextField()
    for character in ["e", "\u{301}", "x"] as [Character] { _ = field.handle(.character(character)) }
    #expect(field.text == "e\u{301}x" && field.characters.count == 2 && field.caret == 2)
    _ = field.handle(.backspace)
    _ = field.handle(.backspace)
    #expect(field.text == "" && field.caret == 0)
  }

  @Test("The caret is in sight, on the column of its character, also among wide ones")
  func caret() {
    let look = Appearance()
    var field = TextField("中文字ab")
    for (moves, expected) in [(0, 8), (1, 7), (2, 6), (3, 4), (5, 0)] {
      var copy = field
      for _ in 0..<moves { _ = copy.handle(.left) }
      var frame = Frame(size: Size(width: 20, height: 1))
      copy.draw(in: Rect(x: 2, y: 0, width: 12, height: 1), of: &frame, look)
      #expect(frame.caret == Point(x: 2 + expected, y: 0))
    }
    field.insert("a long text that does not fit")
    for width in 1..<12 {
      var frame = Frame(size: Size(width: 20, height: 1))
      field.draw(in: Rect(x: 2, y: 0, width: width, height: 1), of: &frame, look)
      #expect(frame.caret == Point(x: 1 + width, y: 0))
      #expect(frame[2 + width, 0] == .blank)
    }
  }

  @Test("A click puts the caret at the character under it")
  func click() {
    var field = TextField("中文ab")
    for (column, expected) in [(0, 0), (1, 0), (2, 1), (4, 2), (5, 3), (9, 4)] {
      field.moveCaret(toColumn: column, width: 20)
      #expect(field.caret == expected)
    }
  }
}

@Suite("Long input")
struct LongInputTests {
  @Test("A field in which a long text was pasted shows what its end alone would, and takes a click there")
  func farEnd() {
    let end = "ab中文cd e\u{301}字fgh"
    for width in 2..<12 {
      var (long, short) = (TextField(String(repeating: "x", count: 50_000) + end), TextField(end))
      var frames = [Frame(size: Size(width: 14, height: 1)), Frame(size: Size(width: 14, height: 1))]
      let rect = Rect(x: 1, y: 0, width: width, height: 1)
      long.draw(in: rect, of: &frames[0], Appearance())
      short.draw(in: rect, of: &frames[1], Appearance())
      #expect(frames[0] == frames[1])
      #expect(frames[0].caret.map { rect.contains($0) } == true)
      long.moveCaret(toColumn: 1, width: width)
      short.moveCaret(toColumn: 1, width: width)
      #expect(long.caret == short.caret + 50_000)
    }
  }

  @Test("Text typed key by key is the text pasted, marks and flags joined, the caret behind it")
  func typed() {
    let text = String(repeating: "é", count: 300) + "e\u{301}🇩🇪👨‍👩‍👧" + String(repeating: "\u{300}", count: 200) + "x"
    var typed = TextField()
    for scalar in text.unicodeScalars { _ = typed.handle(.character(Character(scalar))) }
    var pasted = TextField()
    pasted.insert(text)
    #expect(typed.text == pasted.text && typed.text == text)
    #expect(typed.characters.count == pasted.characters.count)
    #expect(typed.caret == typed.characters.count)
  }

  @Test("A base typed before a mark takes it, and the caret stays behind the whole")
  func before() {
    var field = TextField("ab")
    _ = field.handle(.left)
    field.insert("\u{301}")
    #expect(field.text == "a\u{301}b" && field.caret == 1)
  }

  @Test("A query far longer than a text is no answer to it")
  func query() {
    #expect(FuzzyMatch(String(repeating: "é", count: 5000), in: "Next layer") == nil)
    #expect(FuzzyMatch(" n  e x t ", in: "Next layer") != nil)
  }
}
