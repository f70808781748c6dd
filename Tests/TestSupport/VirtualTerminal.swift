package import ColorMaps
package import TerminalUI

/// A terminal made of text: as much of xterm as a full-screen program's output needs.
///
/// Source: xterm control sequences, ECMA-48.
package struct VirtualTerminal: Sendable {
  package struct Glyph: Sendable, Hashable {
    /// `nil` is the right half of a wide character.
    package var character: Character? = " "
    package var foreground = TerminalColor.terminal
    package var background = TerminalColor.terminal
    package var attributes: Attributes = []
  }

  package private(set) var size: Size
  package internal(set) var cursor = Point(x: 0, y: 0)
  /// Private modes that are set, by number: 25 the cursor, 1049 the alternate screen, 1000–1006 the mouse, 2004 paste.
  package internal(set) var modes: Set<Int> = [7, 25]
  package internal(set) var isKeypadApplication = false

  var screen: [[Glyph]]
  var mainScreen: [[Glyph]] = []
  var pen = Glyph()
  var savedCursor = Point(x: 0, y: 0)
  var region: Range<Int>
  var wrapsNext = false
  var isInserting = false
  var lastCharacter: Character = " "
  private var parser = EscapeParser()

  package init(size: Size) {
    precondition(size.width > 0 && size.height > 0, "a terminal has cells")
    self.size = size
    screen = Self.blank(size)
    region = 0..<size.height
  }

  package var isAlternateScreen: Bool { modes.contains(1049) || modes.contains(1047) || modes.contains(47) }
  package var isCursorVisible: Bool { modes.contains(25) }
  package var reportsMouse: Bool { !modes.isDisjoint(with: [9, 1000, 1002, 1003]) }
  package var bracketsPaste: Bool { modes.contains(2004) }

  /// The rows as text without trailing blanks.
  package var text: String {
    screen.map { row in
      var line = String(row.compactMap(\.character))
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }

  package subscript(x: Int, y: Int) -> Glyph { screen[y][x] }

  /// Takes bytes as a program writes them; sequences and characters may be cut anywhere.
  package mutating func feed(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      guard let action = parser.take(byte) else { continue }
      perform(action)
    }
  }

  /// Takes a new size: rows and columns are cut or added at the end.
  package mutating func resize(_ new: Size) {
    precondition(new.width > 0 && new.height > 0, "a terminal has cells")
    func resized(_ rows: [[Glyph]]) -> [[Glyph]] {
      (0..<new.height).map { y in
        (0..<new.width).map { x in y < rows.count && x < rows[y].count ? rows[y][x] : Glyph() }
      }
    }
    size = new
    screen = resized(screen)
    if !mainScreen.isEmpty { mainScreen = resized(mainScreen) }
    region = 0..<new.height
    moveCursor(x: cursor.x, y: cursor.y)
  }

  private mutating func perform(_ action: EscapeParser.Action) {
    switch action {
    case .print(let scalar): print(scalar)
    case .control(let byte): control(byte)
    case .escape(let intermediates, let final): escape(intermediates, final)
    case .sequence(let sequence): perform(sequence)
    }
  }

  private static func blank(_ size: Size) -> [[Glyph]] {
    [[Glyph]](repeating: [Glyph](repeating: Glyph(), count: size.width), count: size.height)
  }

  var blankGlyph: Glyph { Glyph(background: pen.background) }

  mutating func moveCursor(x: Int, y: Int) {
    cursor = Point(x: min(max(0, x), size.width - 1), y: min(max(0, y), size.height - 1))
    wrapsNext = false
  }

  mutating func setAlternateScreen(_ isOn: Bool) {
    if isOn && mainScreen.isEmpty {
      mainScreen = screen
      screen = Self.blank(size)
    } else if !isOn && !mainScreen.isEmpty {
      screen = mainScreen
      mainScreen = []
    }
  }

  mutating func reset() { self = VirtualTerminal(size: size) }
}
