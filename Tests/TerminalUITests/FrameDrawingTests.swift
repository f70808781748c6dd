import ColorMaps
import TerminalUI
import Testing

@Suite("Drawing into a frame")
struct FrameDrawingTests {
  private func frame(_ width: Int, _ height: Int) -> Frame { Frame(size: Size(width: width, height: height)) }

  @Test("Text is clipped at every side and reports its whole width")
  func clipped() {
    var frame = frame(6, 1)
    let columns = frame.write(
      "abcdefgh", at: Point(x: -2, y: 0), style: .plain, clippedTo: Rect(x: 1, y: 0, width: 3, height: 1))
    #expect(columns == 8)
    #expect(frame.text == " def")
  }

  @Test("A wide character at a clip's edge becomes a space, never half a character")
  func wideAtEdge() {
    var frame = frame(5, 1)
    frame.write("中文字", at: Point(x: 0, y: 0), style: .plain)
    #expect(frame.text == "中文")
    var left = self.frame(4, 1)
    left.write("中a", at: Point(x: -1, y: 0), style: .plain)
    #expect(left.text == " a")
  }

  @Test("Writing over one half of a wide character blanks the other")
  func overwrittenHalf() {
    var frame = frame(4, 1)
    frame.write("中文", at: Point(x: 0, y: 0), style: .plain)
    frame.write("x", at: Point(x: 1, y: 0), style: .plain)
    #expect(frame.text == " x文")
    frame.write("y", at: Point(x: 2, y: 0), style: .plain)
    #expect(frame.text == " xy")
    frame.write("中文", at: Point(x: 0, y: 0), style: .plain)
    frame.fill(Rect(x: 1, y: 0, width: 2, height: 1), with: Cell("-"))
    #expect(frame.text == " --")
  }

  @Test("A box has its title in the edge and its room inside")
  func box() {
    var frame = frame(9, 3)
    let inside = frame.box(frame.bounds, title: "1 Image of a cat", style: .plain, glyphs: .unicode)
    #expect(inside == Rect(x: 1, y: 1, width: 7, height: 1))
    #expect(frame.text == "┌1 Imag…┐\n│       │\n└───────┘")
    var ascii = self.frame(5, 3)
    ascii.box(ascii.bounds, title: "ab", style: .plain, glyphs: .ascii)
    #expect(ascii.text == "+ab-+\n|   |\n+---+")
  }

  @Test("A copied frame is clipped without halves of wide characters")
  func blit() {
    var source = frame(4, 1)
    source.write("中文", at: Point(x: 0, y: 0), style: .plain)
    var frame = frame(6, 2)
    frame.blit(source, at: Point(x: 1, y: 1), clippedTo: Rect(x: 2, y: 0, width: 3, height: 2))
    #expect(frame.text == "\n   文")
    frame = self.frame(6, 1)
    frame.blit(source, at: Point(x: 3, y: 0))
    #expect(frame.text == "   中")
  }

  @Test("Drawing into a frame of no size, or far outside, does nothing")
  func degenerate() {
    for size in [Size(width: 0, height: 0), Size(width: 1, height: 1), Size(width: 0, height: 9)] {
      var frame = Frame(size: size)
      frame.write("中abc", at: Point(x: -3, y: 0), style: .plain)
      frame.box(Rect(x: -5, y: -5, width: 20, height: 20), title: "t", style: .plain, glyphs: .unicode)
      frame.fill(Rect(x: -2, y: -2, width: 9, height: 9), with: .blank)
      frame.restyle(Rect(x: 100, y: 100, width: 3, height: 3)) { $0.attributes = .bold }
      #expect(frame.cells.count == size.width * size.height)
    }
  }

  @Test("The ASCII form keeps every column and holds nothing else")
  func ascii() {
    var frame = frame(24, 1)
    frame.write("é×ñ “中” ▇█ ✓ ␛ Ж … ½", at: Point(x: 0, y: 0), style: .plain)
    let folded = frame.asciiOnly
    #expect(folded.text == "exn \"? \" ## y ^ ? ~ h")
    #expect(folded.cells.allSatisfy { $0.character.isASCII })
  }

  @Test("A diff redraws the changed cells only, and whole wide characters")
  func diff() {
    var old = frame(8, 2)
    old.write("abcdefgh", at: Point(x: 0, y: 0), style: .plain)
    var new = old
    #expect(frameDiff(from: old, to: new).isEmpty)
    new.write("X", at: Point(x: 2, y: 0), style: .plain)
    new.write("中", at: Point(x: 5, y: 0), style: .plain)
    let runs = frameDiff(from: old, to: new)
    #expect(runs.map(\.x) == [2, 5])
    #expect(runs.map { String($0.cells.map(\.character)) } == ["X", "中\u{0}"])
    #expect(frameDiff(from: nil, to: new).map(\.cells.count) == [8, 8])
    #expect(frameDiff(from: frame(3, 1), to: new).count == 2)
  }

  @Test("Applying a diff to the old frame gives the new one, whatever was drawn")
  func diffIsComplete() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var old = frame(12, 3)
      var new = frame(12, 3)
      for _ in 0..<6 {
        let place = Point(x: Int.random(in: -2..<12, using: &random), y: Int.random(in: 0..<3, using: &random))
        let text = ["中文", "ab", "🐈c", "e\u{301}"].randomElement(using: &random) ?? ""
        if Bool.random(using: &random) { old.write(text, at: place, style: .plain) }
        new.write(text, at: place, style: Style(.rgb(1, 2, 3)))
      }
      var screen = old
      for run in frameDiff(from: old, to: new) {
        #expect(run.cells.first?.character != Cell.continuation.character)
        for (offset, cell) in run.cells.enumerated() { screen[run.x + offset, run.y] = cell }
      }
      #expect(screen == new)
    }
  }
}
