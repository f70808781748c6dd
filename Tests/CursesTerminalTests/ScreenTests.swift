import ColorMaps
import CursesTerminal
import Foundation
import TerminalUI
import TestSupport
import Testing

private let hasDirectColor = ["/usr/share/terminfo", "/lib/terminfo", "/etc/terminfo"].contains {
  FileManager.default.fileExists(atPath: "\($0)/x/xterm-direct")
}

@Suite("What the screen shows", .serialized)
struct ScreenTests {
  /// The map's first cell, as `Probe` draws it.
  private let mapCell = Point(x: 1, y: 2)

  @Test("Frames arrive cell by cell, wide characters too")
  func frame() throws {
    let driver = try startProbe(size: Size(width: 40, height: 12))
    let lines = driver.terminal.text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 12)
    #expect(lines[0] == "┌probe 40×12 256" + String(repeating: "─", count: 23) + "┐")
    #expect(lines[1] == "│中文 é 🐈 end" + String(repeating: " ", count: 25) + "│")
    #expect(lines[11] == "└" + String(repeating: "─", count: 38) + "┘")
  }

  @Test(
    "24-bit colours arrive exactly", .enabled(if: hasDirectColor),
    arguments: ["xterm-256color", "xterm-direct", "tmux-256color"])
  func direct(term: String) throws {
    let driver = try startProbe(term: term, environment: ["COLORTERM": "truecolor"])
    #expect(driver.terminal[mapCell.x, mapCell.y].background == .direct(0x00, 0x22, 0x4E))
    #expect(driver.terminal[60, 20].background == .direct(0x10, 0x12, 0x16))
  }

  @Test("After more pairs of colours than ncurses has numbers, new ones are still shown", .enabled(if: hasDirectColor))
  func manyPairs() throws {
    let driver = try startProbe(term: "xterm-direct", environment: ["COLORTERM": "truecolor"])
    driver.expect("character(\"c\")", after: "c")
    let cell = driver.terminal[1, 1]
    #expect(cell.foreground == .direct(0xFE, 0xDC, 0xBA) && cell.background == .direct(0x12, 0x34, 0x56), "\(cell)")
    #expect(driver.terminal[mapCell.x, mapCell.y].background == .direct(0x00, 0x22, 0x4E))
  }

  @Test("Pairs have numbers of their own until all are given away anew, which one full screen alone never asks for")
  func pairNumbers() {
    var pairs = ColorPairs(count: 1 << 16)
    var (starts, largest) = (0, Int32(0))
    for frame in 0..<100 {
      if pairs.startOver(cells: 5000) { starts += 1 }
      let numbers = (0..<1000).map { pairs.number(Int32($0), Int32(frame)) }
      #expect(Set(numbers.map(\.pair)).count == 1000 && numbers.allSatisfy { $0.pair > 0 && $0.isNew })
      let again = pairs.number(999, Int32(frame))
      #expect(again == (numbers[999].pair, false))
      largest = max(largest, numbers.map(\.pair).max() ?? 0)
    }
    #expect(starts == 9 && largest == 10_000)

    var few = ColorPairs(count: 64)
    let last = (0..<10).map { _ in
      let starts = few.startOver(cells: 5000)
      #expect(!starts)
      return (0..<81).map { few.number($0, 0).pair }
    }.last
    #expect(last == (0..<81).map { $0 < 63 ? $0 + 1 : 0 })
    var none = ColorPairs(count: 0)
    let (isStart, number) = (none.startOver(cells: 1), none.number(1, 2))
    #expect(!isStart && number == (0, false))
  }

  @Test("A palette of 256 gets palette entries")
  func palette() throws {
    let driver = try startProbe(environment: ["COLORTERM": ""])
    let expected = ColorDepth.palette256.reduce(ColorMap.cividis.color(0))
    #expect(driver.terminal[mapCell.x, mapCell.y].background == expected)
  }

  @Test(
    "Without a word from the environment colours are as many as terminfo says, 256 where it knows no such terminal",
    arguments: [("alacritty", "256"), ("nonesuch", "256"), ("vt220", "mono"), ("linux", "16")])
  func described(term: String, depth: String) throws {
    let isKnown = ["/usr/share/terminfo", "/lib/terminfo", "/etc/terminfo"].contains {
      FileManager.default.fileExists(atPath: "\($0)/\(term.prefix(1))/\(term)")
    }
    let driver = try startProbe(term: term)
    let expected = isKnown ? depth : "256"
    #expect(driver.terminal.text.contains("probe 80×24 \(expected)─"))
  }

  @Test("Sixteen colours get ANSI colours, mixed by shades instead of half blocks")
  func ansi() throws {
    let driver = try startProbe(term: "xterm-16color")
    #expect(driver.terminal.text.contains("probe 80×24 16─"))
    for y in 0..<24 {
      for x in 0..<80 {
        for color in [driver.terminal[x, y].foreground, driver.terminal[x, y].background] {
          if case .index(let index) = color { #expect(index < 16) } else { #expect(color == .terminal) }
        }
      }
    }
    let text = driver.terminal.text
    #expect(text.contains { "░▒▓".contains($0) } && !text.contains("▀"))
  }

  @Test("NO_COLOR leaves attributes only", arguments: ["xterm-256color", "xterm", "vt100"])
  func mono(term: String) throws {
    let driver = try startProbe(term: term, environment: ["NO_COLOR": "1", "COLORTERM": "truecolor"])
    let cells = (0..<24).flatMap { y in (0..<80).map { x in driver.terminal[x, y] } }
    #expect(cells.allSatisfy { $0.foreground == .terminal && $0.background == .terminal })
    #expect(cells.contains { $0.attributes.contains(.reverse) })
  }

  @Test("A locale that is not UTF-8, or --ascii, gets ASCII only", arguments: [["C"], ["C.UTF-8", "--ascii"]])
  func ascii(locale: [String]) throws {
    let driver = try PtyDriver(
      executable: PtyDriver.builtProduct("curses-probe"), arguments: ["auto"] + locale.dropFirst(),
      environment: ["TERM": "xterm-256color", "LC_ALL": locale[0]], size: Size(width: 60, height: 14))
    let isShown = driver.wait(for: "end")
    #expect(isShown)
    #expect(driver.terminal.text.hasPrefix("+probe 60x14 256---"))
    #expect(driver.terminal.text.contains("|? ?  e ?  end"))
    #expect(driver.output.allSatisfy { $0 < 0x80 })
  }

  @Test("A key sends only what changed, Ctrl-L everything")
  func differences() throws {
    let driver = try startProbe()
    let before = driver.output.count
    driver.expect("character(\"j\")", after: "j")
    #expect(driver.output.count - before < 400)
    driver.send("\u{C}")
    let isDrawn = driver.wait { _ in driver.output.count - before > 1500 }
    #expect(isDrawn)
  }

  @Test("Any size, down to one cell, and back, is survived and drawn")
  func sizes() throws {
    let driver = try startProbe()
    for (width, height) in [(20, 5), (1, 1), (300, 90), (2, 40), (120, 2), (19, 4), (80, 24)] {
      driver.resize(Size(width: width, height: height))
      let isDrawn = driver.wait { terminal in
        width < 30 || height < 2
          || terminal.text.hasPrefix("┌probe \(width)×\(height)") && terminal.text.hasSuffix("┘")
      }
      #expect(isDrawn, "\(width)×\(height)")
    }
    driver.expect("character(\"s\")", after: "s")
  }

  @Test("Sizes that change faster than frames are drawn end in the last one")
  func stormOfSizes() throws {
    let driver = try startProbe()
    for step in 0..<60 { driver.resize(Size(width: 20 + step, height: 5 + step / 2)) }
    driver.resize(Size(width: 64, height: 18))
    let isDrawn = driver.wait { $0.text.hasPrefix("┌probe 64×18") && $0.text.hasSuffix("┘") }
    #expect(isDrawn)
  }
}
