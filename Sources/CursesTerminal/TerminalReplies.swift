package import TerminalUI

/// What a terminal says of itself when asked.
package enum TerminalReply: Sendable, Hashable {
  /// Primary device attributes (DA1); 4 among them is sixel.
  case attributes([Int])
  /// Whether kitty's graphics protocol answered a query with `OK`.
  case kittyGraphics(Bool)
  /// Pixels of one character cell (XTWINOPS 16).
  case cellPixels(width: Int, height: Int)
  /// Name and version (XTVERSION).
  case version(String)
}

/// What is known of a terminal's pixels; grows with its replies.
package struct TerminalAbilities: Sendable, Hashable {
  package var version: String?
  package var attributes: [Int]?
  package var answersKittyGraphics = false
  /// Pixels of a character cell.
  package var cellPixels: (width: Int, height: Int)? {
    get { cellWidth > 0 && cellHeight > 0 ? (cellWidth, cellHeight) : nil }
    set { (cellWidth, cellHeight) = newValue ?? (0, 0) }
  }
  private var cellWidth = 0
  private var cellHeight = 0

  package init() {}

  package mutating func note(_ reply: TerminalReply) {
    switch reply {
    case .attributes(let values): attributes = values
    case .kittyGraphics(let works): answersKittyGraphics = works
    case .cellPixels(let width, let height): cellPixels = (width, height)
    case .version(let text): version = text
    }
  }

  /// How pictures are shown: as asked; else kitty's protocol where it answered, sixel where the attributes name it.
  /// Sixel needs the size of a cell; `nil` is characters.
  package func graphics(_ request: PixelGraphics.Request) -> PixelGraphics? {
    switch request {
    case .symbols: return nil
    case .kitty: return .kitty
    case .sixel: return .sixel
    case .auto:
      if answersKittyGraphics { return .kitty }
      return attributes?.contains(4) == true && cellPixels != nil ? .sixel : nil
    }
  }
}

/// The questions to put to a terminal, its attributes last: every terminal since the VT100 answers those, and in order.
///
/// None for consoles that would show the questions as text. Inside tmux, which keeps its own picture of the screen, only
/// what tmux itself can show is asked for: pixels passed through it would stay behind when panes move.
package func terminalQueries(environment: [String: String]) -> String {
  let term = environment["TERM"] ?? ""
  let isConsole = ["linux", "dumb", "vt", "cons", "screen.linux"].contains { term.hasPrefix($0) }
  if isConsole || environment["STY"] != nil { return "" }
  let attributes = "\u{1B}[16t\u{1B}[c"
  if environment["TMUX"] != nil || term.hasPrefix("tmux") || term.hasPrefix("screen") { return attributes }
  return "\u{1B}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\u{1B}\\\u{1B}[>q" + attributes
}

/// A reply in the form `ESC [ parameters final`; `nil` for what is none.
package func terminalReply(ofControlSequence parameters: String, final: Character) -> TerminalReply? {
  let numbers = parameters.drop { $0 == "?" }.split(separator: ";").map { Int($0) ?? 0 }
  if final == "c" && parameters.hasPrefix("?") { return .attributes(numbers) }
  guard final == "t", numbers.count == 3, numbers[0] == 6 else { return nil }
  let isSize = (1...512).contains(numbers[1]) && (1...512).contains(numbers[2])
  return isSize ? .cellPixels(width: numbers[2], height: numbers[1]) : nil
}

/// A reply in a string: kitty's `ESC _ G … ESC \` and XTVERSION's `ESC P > | … ESC \`; `nil` for what is none.
package func terminalReply(ofString text: String, introducer: Character) -> TerminalReply? {
  if introducer == "_", text.hasPrefix("Gi=31") { return .kittyGraphics(text.hasSuffix(";OK")) }
  if introducer == "P", text.hasPrefix(">|") { return .version(String(text.dropFirst(2))) }
  return nil
}
