import CursesTerminal
import TerminalUI
import TestSupport
import Testing

@Suite("What terminals say of their pixels")
struct TerminalReplyTests {
  @Test("Replies are told from keys by their form")
  func forms() {
    #expect(terminalReply(ofControlSequence: "?63;1;2;4;22", final: "c") == .attributes([63, 1, 2, 4, 22]))
    #expect(terminalReply(ofControlSequence: "6;18;9", final: "t") == .cellPixels(width: 9, height: 18))
    #expect(terminalReply(ofControlSequence: "6;0;9", final: "t") == nil)
    #expect(terminalReply(ofControlSequence: "8;24;80", final: "t") == nil)
    #expect(terminalReply(ofControlSequence: "1;5", final: "A") == nil)
    #expect(terminalReply(ofString: "Gi=31;OK", introducer: "_") == .kittyGraphics(true))
    #expect(terminalReply(ofString: "Gi=31;ENOTSUPPORTED:x", introducer: "_") == .kittyGraphics(false))
    #expect(terminalReply(ofString: ">|XTerm(379)", introducer: "P") == .version("XTerm(379)"))
    #expect(terminalReply(ofString: "1$r0m", introducer: "P") == nil)
  }

  @Test("kitty's protocol goes before sixel, sixel needs the size of a cell, and what is asked for is done")
  func choice() {
    var abilities = TerminalAbilities()
    #expect(abilities.graphics(.auto) == nil)
    abilities.note(.attributes([62, 4]))
    #expect(abilities.graphics(.auto) == nil)
    abilities.note(.cellPixels(width: 8, height: 16))
    #expect(abilities.graphics(.auto) == .sixel)
    abilities.note(.kittyGraphics(true))
    #expect(abilities.graphics(.auto) == .kitty)
    #expect(abilities.graphics(.sixel) == .sixel)
    #expect(abilities.graphics(.symbols) == nil)
  }

  @Test("Consoles are asked nothing, and tmux only for what it shows itself")
  func questions() {
    #expect(terminalQueries(environment: ["TERM": "linux"]) == "")
    #expect(terminalQueries(environment: ["TERM": "screen-256color", "STY": "1.tty"]) == "")
    #expect(terminalQueries(environment: ["TERM": "tmux-256color", "TMUX": "x"]) == "\u{1B}[16t\u{1B}[c")
    let asked = terminalQueries(environment: ["TERM": "xterm-kitty"])
    #expect(asked.contains("a=q") && asked.hasSuffix("\u{1B}[c"))
  }
}

@Suite("Pixels in step with frames")
struct PicturePainterTests {
  @Test("Lines that stand a few rows higher or lower are found, lines that change in place are not")
  func movedLines() {
    func frame(_ lines: [String]) -> Frame {
      var frame = Frame(size: Size(width: 8, height: 6))
      for (row, line) in lines.enumerated() { frame.write(line, at: Point(x: 0, y: row), style: .plain) }
      return frame
    }
    let old = frame(["a", "b", "c", "d", "e", "f"])
    #expect(movesLines(from: old, to: frame(["x", "a", "b", "c", "y", "z"])))
    #expect(movesLines(from: old, to: frame(["c", "d", "e", "f", "y", "z"])))
    #expect(!movesLines(from: old, to: old))
    #expect(!movesLines(from: old, to: frame(["1", "2", "3", "4", "5", "6"])))
    #expect(!movesLines(from: old, to: frame(["x", "a", "b", "d", "e", "f"])))
  }

  private static let size = Size(width: 40, height: 12)

  /// A frame with a picture of `width` × 4 cells, and cells over it.
  private func frame(x: Int = 2, width: Int = 8, marks: [Point] = [], cover: Rect? = nil) -> Frame {
    var frame = Frame(size: Self.size)
    let pixels = (0..<16 * 16).flatMap { index -> [UInt8] in [UInt8(index), 10, 20] }
    frame.drawPicture(
      pixels, width: 16, height: 16, in: Rect(x: x, y: 1, width: width, height: 4),
      with: .pixels(.kitty, orElse: .halfBlocks))
    for mark in marks { frame[mark.x, mark.y] = Cell("x") }
    if let cover { frame.fill(cover, with: Cell(" ")) }
    return frame
  }

  private func sent(_ painter: inout PicturePainter, _ old: Frame?, _ new: Frame) -> String {
    String(
      decoding: painter.update(to: new, written: frameDiff(from: old, to: new), size: Self.size), as: UTF8.self)
  }

  private func kitty() -> PicturePainter {
    PicturePainter(.kitty, cell: (8, 16)) { _, _, _ in [] }
  }

  /// The encoder writes the size of what it is given.
  private func sixel() -> PicturePainter {
    PicturePainter(.sixel, cell: (8, 16)) { _, width, height in Array("<\(width)×\(height)>".utf8) }
  }

  @Test("kitty is sent a picture once, and places it anew only where that changes what shows")
  func kittySending() {
    var painter = kitty()
    let first = frame()
    let start = sent(&painter, nil, first)
    #expect(start.contains("a=t,t=d,f=24,i=1,s=16,v=16,q=2"))
    #expect(start.contains("\u{1B}[2;3H\u{1B}_Ga=p,i=1,x=0,y=0,w=16,h=16,c=8,r=4"))
    #expect(start.hasPrefix("\u{1B}7") && start.hasSuffix("\u{1B}8"))
    #expect(sent(&painter, first, first) == "")
    let marked = frame(marks: [Point(x: 2, y: 1)])
    let next = sent(&painter, first, marked)
    #expect(next.contains("a=d,d=i,i=1") && !next.contains("a=t"))
    #expect(next.split(separator: "a=p", omittingEmptySubsequences: false).count == 3)
  }

  @Test("A dialog over a picture cuts it, and what is gone from the frame is gone from the screen")
  func kittyCovering() {
    var painter = kitty()
    let first = frame()
    _ = sent(&painter, nil, first)
    let covered = frame(cover: Rect(x: 0, y: 2, width: 40, height: 2))
    let cut = sent(&painter, first, covered)
    #expect(cut.contains("c=8,r=1") && !cut.contains("r=4"))
    let empty = Frame(size: Self.size)
    #expect(sent(&painter, covered, empty).contains("a=d,d=i,i=1"))
    #expect(String(decoding: painter.forget(), as: UTF8.self).contains("a=d,d=I,i=1"))
    // Clearing a screen makes kitty forget pictures without a place: they are sent again.
    let again = sent(&painter, nil, first)
    #expect(again.contains("a=t,t=d,f=24,i=2") && again.contains("a=p,i=2"))
  }

  @Test("Sixels are drawn where text was, and only there")
  func sixelDrawing() {
    var painter = sixel()
    let first = frame()
    #expect(sent(&painter, nil, first).contains("\u{1B}[2;3H<64×64>"))
    let marked = frame(marks: [Point(x: 4, y: 2)])
    #expect(sent(&painter, first, marked) == "")
    let back = sent(&painter, marked, first)
    #expect(back == "\u{1B}7\u{1B}[3;5H<8×16>\u{1B}8")
    #expect(sent(&painter, first, frame(x: 3)).contains("<64×64>"))
  }

  @Test("Nothing is drawn in the last row, where a terminal would scroll")
  func lastRow() {
    var painter = sixel()
    var frame = Frame(size: Self.size)
    frame.drawPicture(
      [1, 2, 3], width: 1, height: 1, in: Rect(x: 0, y: 10, width: 2, height: 2),
      with: .pixels(.sixel, orElse: .halfBlocks))
    #expect(sent(&painter, nil, frame).contains("<16×16>"))
  }

  @Test("Any set of cells is cut into rectangles that hold each of them once")
  func rectangles() {
    var state: UInt64 = 7
    for _ in 0..<200 {
      var cells: Set<Point> = []
      for y in 0..<7 {
        for x in 0..<9 {
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          if state >> 33 & 3 != 0 { cells.insert(Point(x: x + 2, y: y + 1)) }
        }
      }
      let found = TerminalUI.rectangles(in: Rect(x: 2, y: 1, width: 9, height: 7)) { cells.contains($0) }
      let covered = found.flatMap { rect in
        (rect.y..<rect.maxY).flatMap { y in (rect.x..<rect.maxX).map { Point(x: $0, y: y) } }
      }
      #expect(covered.count == cells.count && Set(covered) == cells)
    }
  }
}

@Suite("Pixels in a terminal", .serialized)
struct TerminalPixelTests {
  private func output(_ driver: PtyDriver) -> String { String(decoding: driver.output, as: UTF8.self) }

  @Test("A terminal that answers for kitty's protocol gets pictures, and has none left when the program ends")
  func kitty() throws {
    let driver = try startProbe(["auto", "--graphics"])
    #expect(output(driver).contains("\u{1B}_Gi=31") && !output(driver).contains("a=p"))
    driver.send("\u{1B}_Gi=31;OK\u{1B}\\\u{1B}P>|kitty(0.26)\u{1B}\\\u{1B}[6;16;8t\u{1B}[?62;c")
    // Pixels follow the text of their frame; the next key's frame comes after both.
    for key in ["j", "k"] { driver.expect("character(\"\(key)\")", after: key) }
    #expect(output(driver).contains("_Ga=p,i=1"))
    #expect(!driver.terminal.text.contains("OK"))
    for key in ["h", "m"] { driver.expect("character(\"\(key)\")", after: key) }
    #expect(output(driver).contains("_Ga=d,d=i,i=1"))
    driver.send("q")
    #expect(driver.waitForExit() == .code(0))
    #expect(output(driver).contains("_Ga=d,d=A"))
  }

  @Test("A terminal that names sixel gets sixels; one that says nothing, characters")
  func sixel() throws {
    let driver = try startProbe(["auto", "--graphics"])
    driver.send("\u{1B}[6;16;8t\u{1B}[?63;1;4;22c")
    for key in ["j", "k"] { driver.expect("character(\"\(key)\")", after: key) }
    #expect(output(driver).contains("\u{1B}Pq32x16"))
    let silent = try startProbe(["auto", "--graphics"])
    silent.expect("character(\"j\")", after: "j")
    #expect(!output(silent).contains("\u{1B}Pq") && !output(silent).contains("a=p"))
    silent.send("q")
    #expect(silent.waitForExit() == .code(0))
  }
}
