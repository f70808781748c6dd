import CNcurses
package import ColorMaps
import Glibc
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

/// The terminfo entries to try for a colour depth, best first.
///
/// ncurses speaks 24-bit colour only under an entry that describes it (`xterm-direct`), and `TERM` seldom names one.
///
/// - Parameter isDescribed: whether terminfo has an entry for `TERM`; without one xterm's stand in for it, which newer
///   terminals follow.
package func terminalNames(
  for depth: ColorDepth, environment: [String: String], isDescribed: Bool = true
) -> [String] {
  let term = environment["TERM"] ?? ""
  guard !term.isEmpty else { return [] }
  let ownNames = isDescribed ? [term] : [term, "xterm-256color", "xterm", "vt100"]
  guard depth == .trueColor, !term.hasSuffix("-direct") else { return ownNames }
  var family = term
  for suffix in ["-256color", "-256", "-16color", "-color"] where family.hasSuffix(suffix) {
    family.removeLast(suffix.count)
  }
  var names: [String] = []
  if environment["TMUX"] != nil || family == "tmux" { names.append("tmux-direct") }
  names.append(family + "-direct")
  // Terminals that name themselves otherwise follow xterm, multiplexers and the console do not.
  if !["tmux", "screen", "linux"].contains(where: family.hasPrefix) { names.append("xterm-direct") }
  names += ownNames
  return names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
}

/// The depth that a terminal with `colors` colours can show, at most what was wanted.
package func availableDepth(wanted: ColorDepth, colors: Int) -> ColorDepth {
  let most = ColorDepth.most(ofColors: colors)
  let order: [ColorDepth] = [.mono, .ansi16, .palette256, .trueColor]
  let rank = { (depth: ColorDepth) in order.firstIndex(of: depth) ?? 0 }
  return rank(wanted) < rank(most) ? wanted : most
}

/// Asks a terminal what it can, without taking its screen over.
package enum TerminalProbe {
  /// What it answers to the inspector's questions within so many milliseconds, with the terminal as it was afterwards;
  /// `nil` where standard input and output are none. Keys pressed meanwhile are lost.
  package static func abilities(environment: [String: String], milliseconds: Int32 = 300) -> TerminalAbilities? {
    guard cncurses_has_terminal() else { return nil }
    var abilities = TerminalAbilities()
    let questions = Array(terminalQueries(environment: environment).utf8)
    var saved = termios()
    guard !questions.isEmpty, tcgetattr(STDIN_FILENO, &saved) == 0 else { return abilities }
    var raw = saved
    cfmakeraw(&raw)
    guard tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0 else { return abilities }
    defer { _ = tcsetattr(STDIN_FILENO, TCSANOW, &saved) }
    guard write(STDOUT_FILENO, questions, questions.count) == questions.count else { return abilities }
    var reader = InputReader(source: nextByte)
    reader.expectsReplies = true
    let clock = ContinuousClock()
    let end = clock.now + .milliseconds(Int(milliseconds))
    while reader.expectsReplies && clock.now < end {
      if isReadable(within: 20) { _ = reader.readAll() }
    }
    for reply in reader.replies { abilities.note(reply) }
    return abilities
  }

  /// Replies are ASCII, a character a byte.
  private static func nextByte(_ milliseconds: Int32) -> InputReader.Item {
    var byte: UInt8 = 0
    guard isReadable(within: milliseconds), read(STDIN_FILENO, &byte, 1) == 1 else { return .nothing }
    return .character(UInt32(byte))
  }

  private static func isReadable(within milliseconds: Int32) -> Bool {
    var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    return poll(&descriptor, 1, milliseconds) > 0
  }
}
