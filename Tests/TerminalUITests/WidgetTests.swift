import ColorMaps
import TerminalUI
import Testing

@Suite("Widgets")
struct WidgetTests {
  private let look = Appearance()

  private func draw(_ width: Int, _ height: Int, _ draw: (inout Frame) -> Void) -> Frame {
    var frame = Frame(size: Size(width: width, height: height))
    draw(&frame)
    return frame
  }

  @Test("Bars are exact to an eighth of a cell and stand beside their numbers")
  func bars() {
    let rows = [
      Bars.Row(label: "A1", value: 1, text: "100%"), Bars.Row(label: "A2", value: 0.55, text: "55%"),
      Bars.Row(label: "A3", value: 0.001, text: "0.1%"), Bars.Row(label: "A4", value: 0, text: "0%"),
    ]
    let frame = draw(18, 4) { Bars(rows, maximum: 1).draw(in: $0.bounds, of: &$0, look) }
    #expect(frame.text == "A1 100% ██████████\nA2  55% █████▌\nA3 0.1% ▏\nA4   0%")
  }

  @Test("The reference of bars is a line over them")
  func reference() {
    let rows = [Bars.Row(label: "a", value: 1, text: "1"), Bars.Row(label: "b", value: 0.2, text: ".2")]
    let frame = draw(15, 2) { Bars(rows, maximum: 1, reference: 0.5).draw(in: $0.bounds, of: &$0, look) }
    #expect(frame.text == "a  1 █████│████\nb .2 ██   │")
  }

  @Test("A curve has a column a value, and the reference line at its height")
  func curve() {
    let curve = Curve([0, 0.25, 0.5, 1, .nan], range: 0...1, reference: 0.5, marked: 3)
    var hits: [Hit<Int>] = []
    let frame = draw(10, 4) { hits = curve.draw(in: $0.bounds, of: &$0, look) }
    #expect(frame.text == "      ██\n──────────\n    ████\n  ██████·")
    #expect(hits.map(\.part) == [0, 1, 2, 3, 4])
    #expect(hits[3].rect == Rect(x: 6, y: 0, width: 2, height: 4))
    #expect(frame[6, 3].style.foreground == look.theme.accent.foreground)
  }

  @Test("A curve of more values than columns shows the marked one")
  func longCurve() {
    var hits: [Hit<Int>] = []
    let values = (0..<32).map { Double($0) }
    _ = draw(10, 2) { hits = Curve(values, range: 0...31, marked: 30).draw(in: $0.bounds, of: &$0, look) }
    #expect(hits.count == 10 && hits.contains { $0.part == 30 })
    #expect(sparkline([0, 1, .nan, 2], range: 0...2, .unicode) == "▁▄·█")
  }

  @Test("A table aligns its columns, scrolls to the selected row and says where rows stand")
  func table() {
    let rows = (0..<20).map { [Span("layer \($0)", look.theme.text), Span("\($0 * $0)", look.theme.text)] }
    let table = Table(columns: [.init("name"), .init("share", .trailing)], rows: rows, selected: 12)
    var hits: [Hit<Int>] = []
    let frame = draw(20, 5) { hits = table.draw(in: $0.bounds, of: &$0, look) }
    let lines = frame.text.split(separator: "\n")
    #expect(lines[0] == "name     share")
    #expect(lines[4].hasPrefix("layer 12   144"))
    #expect(hits.map(\.part) == [9, 10, 11, 12])
    #expect(frame[0, 4].style == look.theme.cursor)
    #expect(lines[1...].contains { $0.hasSuffix("█") })
  }

  @Test("Tabs scroll sideways until the selected one is in sight")
  func tabs() {
    var hits: [Hit<Int>] = []
    let frame = draw(20, 1) {
      hits = Tabs(["Image", "Attention", "Anchors", "Mask"], selected: 3).draw(in: $0.bounds, of: &$0, look)
    }
    #expect(frame.text == "ention Anchors Mask")
    #expect(hits.map(\.part) == [1, 2, 3])
    #expect(hits.last?.rect == Rect(x: 15, y: 0, width: 5, height: 1))
  }

  @Test("Progress shows name, bar and percentage; unknown progress a spinner")
  func progress() {
    let frame = draw(30, 2) { frame in
      ProgressBar(label: "vision", fraction: 0.5, text: "0.3 s").draw(in: frame.bounds, of: &frame, look)
      let second = Rect(x: 0, y: 1, width: 30, height: 1)
      ProgressBar(label: "MGVQ", fraction: nil, tick: 1).draw(in: second, of: &frame, look)
    }
    #expect(frame.text == "vision ██████▌       50% 0.3 s\nMGVQ ⠙")
  }

  @Test("The status line never cuts its message for hints, and the hints that fit can be clicked")
  func status() {
    let line = StatusLine(
      message: [Span("patch (12,7) 0.0021", look.theme.statusLine)],
      hints: [.init("[ ]", "layer", 1), .init("?", "help", 2), .init("q", "quit", 3)])
    var hits: [Hit<Int>] = []
    let frame = draw(42, 1) { hits = line.draw(in: $0.bounds, of: &$0, look) }
    #expect(frame.text == "patch (12,7) 0.0021    [ ] layer  ? help")
    #expect(hits.map(\.part) == [1, 2])
    for hit in hits {
      let text = String((hit.rect.x..<hit.rect.maxX).map { frame[$0, 0].character })
      #expect(text == (hit.part == 1 ? "[ ] layer" : "? help"))
    }
    let narrow = draw(20, 1) { hits = line.draw(in: $0.bounds, of: &$0, look) }
    #expect(narrow.text == "patch (12,7) 0.0021")
    #expect(hits.isEmpty)
  }

  @Test("A dialog covers the middle, a banner one line")
  func dialog() {
    let frame = draw(20, 5) { frame in
      for y in 0..<5 { frame.write(String(repeating: ".", count: 20), at: Point(x: 0, y: y), style: .plain) }
      Dialog.draw("Two lines of text", title: "Help", width: 10, in: frame.bounds, of: &frame, look)
      Banner("untrained weights").draw(in: Rect(x: 0, y: 0, width: 20, height: 1), of: &frame, look)
    }
    #expect(
      frame.text == """
         untrained weights
        ...│ Two lines │....
        ...│ of text   │....
        ...└───────────┘....
        ....................
        """)
  }

  @Test("Every widget draws inside its rectangle, at any size, in colour, mono and ASCII")
  func inside() {
    let looks = [Appearance(), Appearance(depth: .mono), Appearance(glyphs: .ascii, depth: .mono)]
    for look in looks {
      for width in [0, 1, 2, 3, 5, 9, 23] {
        for height in [0, 1, 2, 4] {
          let room = Rect(x: 4, y: 3, width: width, height: height)
          let frame = draw(34, 11) { drawEverything(in: room, of: &$0, look) }
          for y in 0..<11 {
            for x in 0..<34 where !room.contains(Point(x: x, y: y)) {
              #expect(frame[x, y] == .blank, "\(width)×\(height) at \(x),\(y)")
            }
          }
          if let caret = frame.caret { #expect(room.contains(caret)) }
        }
      }
    }
  }

  private func drawEverything(in room: Rect, of frame: inout Frame, _ look: Appearance) {
    func draw(_ widget: some Widget) { widget.draw(in: room, of: &frame, look) }
    for widget in WidgetExamples(look: look).all { draw(widget) }
    Dialog.draw("some text 中文 that is long", title: "title", in: room, of: &frame, look)
    frame.box(room, title: "中文", style: look.theme.text, glyphs: look.glyphs)
  }
}
