import CursesTerminal
import Foundation
import TerminalUI
import TestSupport
import Testing

@Suite("What a person does in a real terminal", .serialized)
struct InputTests {
  @Test("Keys arrive by name, from terminfo or not")
  func keys() throws {
    let driver = try startProbe(size: Size(width: 100, height: 30))
    driver.expect("Key.character(\"é\")", after: "é")
    driver.expect("Key.character(\"🐈\")", after: "🐈")
    driver.expect("Key.up", after: "\u{1B}OA")
    driver.expect("Key.down", after: "\u{1B}[B")
    driver.expect("Key.left", after: "\u{1B}[1;5D")
    driver.expect("Key.pageUp", after: "\u{1B}[5~")
    driver.expect("Key.delete", after: "\u{1B}[3~")
    driver.expect("Key.home", after: "\u{1B}[H")
    driver.expect("Key.end", after: "\u{1B}OF")
    driver.expect("Key.backTab", after: "\u{1B}[Z")
    driver.expect("Key.tab", after: "\t")
    driver.expect("Key.enter", after: "\r")
    driver.expect("Key.backspace", after: "\u{7F}")
    driver.expect("Key.function(1)", after: "\u{1B}OP")
    driver.expect("Key.function(5)", after: "\u{1B}[15~")
    driver.expect("Key.control(\"a\")", after: "\u{1}")
    driver.expect("Key.control(\"s\")", after: "\u{13}")
  }

  @Test("Escape alone is a key; a sequence that means nothing is nothing")
  func escape() throws {
    let driver = try startProbe(size: Size(width: 100, height: 30))
    driver.send("\u{1B}[999;3$y\u{1B}[?1;2c\u{1B}[I")
    driver.expect("Key.escape", after: "\u{1B}")
    driver.expect("character(\"a\")", after: "a")
    let events = driver.terminal.text.split(separator: "\n").filter { $0.contains("key(") || $0.contains("mouse(") }
    #expect(events.count == 2, "\(events)")
  }

  @Test("A paste is one event, whatever it holds")
  func paste() throws {
    let driver = try startProbe(size: Size(width: 100, height: 30))
    driver.expect("paste(\"q é\\n[31m中\")", after: "\u{1B}[200~q é\r[31m中\u{1B}[201~")
    driver.expect("character(\"b\")", after: "b")
  }

  @Test("Of a paste that no field could hold, the first 65,536 characters are one event, and keys after it are keys")
  func longPaste() {
    let text = [InputReader.Item](repeating: .character(0x61), count: 70_000)
    var rest = ([InputReader.pasteStart] + text + [InputReader.pasteEnd, .character(0x62)])[...]
    var reader = InputReader { _ in rest.popFirst() ?? .nothing }
    #expect(reader.readAll() == [.paste(String(repeating: "a", count: 65_536)), .key("b")])
  }

  @Test("The mouse presses, drags, releases, turns its wheel and clicks twice")
  func mouse() throws {
    let driver = try startProbe(size: Size(width: 160, height: 30))
    let place = Point(x: 4, y: 5)
    let other = Point(x: 9, y: 9)
    driver.sendMouse(button: 0, at: place)
    driver.sendMouse(button: 32, at: Point(x: 6, y: 7))
    driver.sendMouse(button: 0, at: Point(x: 6, y: 7), isRelease: true)
    driver.sendMouse(button: 64, at: place)
    driver.sendMouse(button: 65, at: Point(x: 150, y: 28))
    driver.sendMouse(button: 35, at: place)
    driver.sendMouse(button: 2, at: place)
    driver.sendMouse(button: 0, at: other)
    driver.sendMouse(button: 0, at: other, isRelease: true)
    driver.sendMouse(button: 0, at: other)
    driver.expect("doubleClick", after: "")
    let kinds = driver.terminal.text.split(separator: "\n").compactMap { line -> String? in
      guard let start = line.range(of: "Kind.")?.upperBound else { return nil }
      return String(line[start...].prefix { $0.isLetter })
    }
    #expect(kinds == ["press", "drag", "release", "scrollUp", "scrollDown", "press", "release", "doubleClick"])
    #expect(driver.terminal.text.contains("scrollDown, position: TerminalUI.Point(x: 150, y: 28)"))
  }

  @Test("With --no-mouse the mouse stays the terminal's")
  func noMouse() throws {
    let driver = try startProbe(["auto", "--no-mouse"])
    #expect(!driver.terminal.reportsMouse)
    let mouse = try startProbe()
    #expect(mouse.terminal.modes.isSuperset(of: [1000, 1002, 1006]))
  }

  @Test("A wake-up from another thread ends the wait")
  func wake() throws {
    let driver = try startProbe()
    driver.expect("woken or timed out", after: "w")
  }
}
