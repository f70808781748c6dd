import ColorMaps
import CursesTerminal
import TerminalUI
import Testing

@Suite("Decoding input")
struct DecodingTests {
  /// The events of characters that arrive one by one.
  private func events(_ text: String) -> [InputEvent] {
    var rest = text.unicodeScalars.map { InputReader.Item.character($0.value) }[...]
    var reader = InputReader { _ in rest.popFirst() ?? .nothing }
    var found: [InputEvent] = []
    while !rest.isEmpty { found += reader.readAll() }
    return found
  }

  @Test("Sequences that terminfo leaves out are keys all the same")
  func sequences() {
    let keys = events("\u{1B}[1;5A\u{1B}[1;2H\u{1B}OP\u{1B}[24~\u{1B}[17;2~")
    #expect(keys == [.key(.up), .key(.home), .key(.function(1)), .key(.function(12)), .key(.function(6))])
    #expect(events("\u{1B}[<64;3;4M") == [.mouse(MouseEvent(.scrollUp, at: Point(x: 2, y: 3)))])
  }

  @Test("A sequence that is unknown, endless or broken off leaves no stray keys")
  func broken() {
    #expect(events("\u{1B}[200;1;1z") == [])
    #expect(events("\u{1B}[12;") == [])
    #expect(events("\u{1B}O") == [])
    #expect(events("\u{1B}[<1;2") == [])
    #expect(events("\u{1B}") == [.key(.escape)])
    #expect(events("\u{1B}x") == [.key(.escape), .key(.character("x"))])
  }

  @Test("Random input never traps, and every mouse event has a place on some screen")
  func random() {
    var generator = SystemRandomNumberGenerator()
    let alphabet: [Character] = ["\u{1B}", "[", "<", "O", ";", "0", "9", "M", "m", "~", "A", "é", "\u{7F}", "-"]
    for _ in 0..<2000 {
      let text = String((0..<24).map { _ in alphabet.randomElement(using: &generator) ?? "x" })
      for case .mouse(let mouse) in events(text) { #expect(mouse.position.x >= 0 && mouse.position.y >= 0) }
    }
  }

  @Test("Mouse reports that are malformed or off the screen are nothing")
  func malformedMouse() {
    for report in ["", "0", "0;1", "0;1;1;1", "0;0;1", "0;1;0", "a;1;1", "0;-1;2", "99999999999999999999;1;1", "1;1;1"]
    {
      #expect(mouseEvent(ofReport: report, final: "M") == nil, "\(report)")
    }
    #expect(mouseEvent(ofReport: "0;1;1", final: "x") == nil)
    #expect(mouseEvent(ofReport: "16;3;2", final: "M") == MouseEvent(.press, at: Point(x: 2, y: 1)))
  }

  @Test("Two presses in one place within the interval are a double click, three are not two")
  func doubleClicks() {
    var detector = DoubleClickDetector()
    let start = ContinuousClock.now
    let press = MouseEvent(.press, at: Point(x: 3, y: 3))
    let elsewhere = MouseEvent(.press, at: Point(x: 4, y: 3))
    #expect(detector.refine(press, at: start).kind == .press)
    #expect(detector.refine(press, at: start + .milliseconds(300)).kind == .doubleClick)
    #expect(detector.refine(press, at: start + .milliseconds(500)).kind == .press)
    #expect(detector.refine(press, at: start + .milliseconds(1000)).kind == .press)
    #expect(detector.refine(elsewhere, at: start + .milliseconds(1100)).kind == .press)
  }

  @Test("A direct-colour entry of the terminal's own family is tried first, TERM itself last")
  func names() {
    func names(_ term: String, _ more: [String: String] = [:], _ depth: ColorDepth = .trueColor) -> [String] {
      terminalNames(for: depth, environment: more.merging(["TERM": term]) { $1 })
    }
    #expect(names("xterm-256color") == ["xterm-direct", "xterm-256color"])
    #expect(names("screen-256color", ["TMUX": "x"]) == ["tmux-direct", "screen-direct", "screen-256color"])
    #expect(names("xterm-kitty") == ["xterm-kitty-direct", "xterm-direct", "xterm-kitty"])
    #expect(names("foot-direct") == ["foot-direct"])
    #expect(names("xterm-256color", [:], .palette256) == ["xterm-256color"])
    #expect(terminalNames(for: .mono, environment: [:]) == [])
    #expect(
      terminalNames(for: .palette256, environment: ["TERM": "foot"], isDescribed: false)
        == ["foot", "xterm-256color", "xterm", "vt100"])
  }

  @Test("The depth is what was wanted, or what there is")
  func depths() {
    #expect(availableDepth(wanted: .trueColor, colors: 1 << 24) == .trueColor)
    #expect(availableDepth(wanted: .trueColor, colors: 256) == .palette256)
    #expect(availableDepth(wanted: .palette256, colors: 1 << 24) == .palette256)
    #expect(availableDepth(wanted: .palette256, colors: 8) == .ansi16)
    #expect(availableDepth(wanted: .ansi16, colors: 0) == .mono)
    #expect(availableDepth(wanted: .mono, colors: 256) == .mono)
  }

  @Test("Colours keep clear of the entries that a direct-colour terminal reserves")
  func reserved() {
    let dark = CursesStyle(Style(.rgb(0, 0, 0), on: .rgb(0, 0, 7)), depth: .trueColor, colors: 1 << 24)
    #expect(dark.foreground == 0x010101)
    #expect(dark.background == 0x000008)
    let named = CursesStyle(Style(.rgb(255, 0, 0)), depth: .ansi16, colors: 1 << 24)
    #expect(named.foreground == 0xFF0000)
    #expect(named.background == -1)
    let bright = CursesStyle(Style(.rgb(255, 255, 255), on: .rgb(127, 127, 127)), depth: .ansi16, colors: 8)
    #expect(bright.foreground == 7)
    #expect(bright.attributes == .bold)
    #expect(bright.background == 0)
  }
}
