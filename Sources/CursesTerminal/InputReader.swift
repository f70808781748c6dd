import CNcurses
package import TerminalUI

/// Characters and key codes of ncurses as events.
package struct InputReader {
  /// What one read gives.
  package enum Item: Sendable, Hashable {
    case nothing
    case character(UInt32)
    case key(UInt32)
  }

  /// What stands before and behind a bracketed paste.
  package static let pasteStart = Item.key(CNCURSES_KEY_PASTE_START.rawValue)
  package static let pasteEnd = Item.key(CNCURSES_KEY_PASTE_END.rawValue)

  /// Reads one item, waiting at most so many milliseconds.
  package typealias Source = (_ milliseconds: Int32) -> Item

  /// Within a sequence the next byte is under way already.
  private static let sequenceTimeout: Int32 = 50
  private static let pasteTimeout: Int32 = 500
  /// More than any prompt: a field holds one line.
  private static let longestPaste = 1 << 16
  private static let longestSequence = 64
  private static let longestString = 512
  private static let mostEvents = 256

  private let read: Source
  /// Whether questions to the terminal are unanswered: until then strings from it are replies, later they are keys.
  package var expectsReplies = false
  /// What the terminal has said of itself since they were last taken.
  package var replies: [TerminalReply] = []
  private var clicks = DoubleClickDetector()

  package init(source: @escaping Source = InputReader.ncurses) { read = source }

  /// All events that have arrived, without waiting.
  package mutating func readAll() -> [InputEvent] {
    var events: [InputEvent] = []
    while events.count < Self.mostEvents {
      switch read(0) {
      case .nothing: return events
      case .character(27): events += escape()
      case .character(let value): events += key(ofScalar: value).map { [.key($0)] } ?? []
      case .key(let code): events += event(ofKey: code)
      }
    }
    return events
  }

  private mutating func event(ofKey code: UInt32) -> [InputEvent] {
    switch code {
    case CNCURSES_KEY_PASTE_START.rawValue: return [.paste(paste())]
    case CNCURSES_KEY_MOUSE.rawValue: return mouse()
    default: return portableKey(code).map { [.key($0)] } ?? []
    }
  }

  /// After an escape character: a sequence that ncurses did not know, or the key itself.
  private mutating func escape() -> [InputEvent] {
    switch read(0) {
    case .nothing: return [.key(.escape)]
    case .character(91):
      let (parameters, final) = sequence()
      if parameters.first == "<" { return mouse(String(parameters.dropFirst()), final) }
      if let final, let reply = terminalReply(ofControlSequence: parameters, final: final) {
        note(reply)
        return []
      }
      return final.flatMap { key(ofControlSequence: parameters, final: $0) }.map { [.key($0)] } ?? []
    case .character(let value) where expectsReplies && (value == 95 || value == 80):
      if let reply = terminalReply(ofString: string(), introducer: value == 95 ? "_" : "P") { note(reply) }
      return []
    case .character(79):
      guard case .character(let value) = read(Self.sequenceTimeout), let scalar = Unicode.Scalar(value) else {
        return []
      }
      return key(ofSingleShift: Character(scalar)).map { [.key($0)] } ?? []
    case .character(let value):
      return [.key(.escape)] + (key(ofScalar: value).map { [.key($0)] } ?? [])
    case .key(let code): return [.key(.escape)] + event(ofKey: code)
    }
  }

  private mutating func mouse() -> [InputEvent] {
    let (parameters, final) = sequence()
    return mouse(parameters, final)
  }

  private mutating func mouse(_ parameters: String, _ final: Character?) -> [InputEvent] {
    guard let final, let event = mouseEvent(ofReport: parameters, final: final) else { return [] }
    return [.mouse(clicks.refine(event, at: .now))]
  }

  private mutating func note(_ reply: TerminalReply) {
    replies.append(reply)
    // Attributes were asked for last.
    if case .attributes = reply { expectsReplies = false }
  }

  /// Characters up to the string terminator, at most as many as a reply has.
  private func string() -> String {
    var text = String.UnicodeScalarView()
    while text.count < Self.longestString {
      guard case .character(let value) = read(Self.sequenceTimeout), let scalar = Unicode.Scalar(value) else { break }
      if value == 7 { break }
      if value == 27 {
        _ = read(Self.sequenceTimeout)
        break
      }
      text.append(scalar)
    }
    return String(text)
  }

  /// Parameter characters up to the final one (`@` to `~`); no final character when the sequence breaks off.
  private func sequence() -> (parameters: String, final: Character?) {
    var parameters = ""
    while parameters.utf8.count < Self.longestSequence {
      guard case .character(let value) = read(Self.sequenceTimeout), let scalar = Unicode.Scalar(value) else { break }
      if (0x40...0x7E).contains(value) { return (parameters, Character(scalar)) }
      parameters.unicodeScalars.append(scalar)
    }
    return (parameters, nil)
  }

  /// The text up to the end of a bracketed paste; keys inside it, and what is too long, are dropped.
  private func paste() -> String {
    var text = String.UnicodeScalarView()
    var count = 0
    while true {
      var scalar: Unicode.Scalar?
      switch read(Self.pasteTimeout) {
      case .nothing, Self.pasteEnd: return String(text)
      case .key(CNCURSES_KEY_ENTER.rawValue), .character(13): scalar = "\n"
      case .key: continue
      case .character(let value): scalar = Unicode.Scalar(value)
      }
      if let scalar, count < Self.longestPaste {
        text.append(scalar)
        count += 1
      }
    }
  }

  /// Reads from the terminal.
  package static func ncurses(_ milliseconds: Int32) -> Item {
    var value: UInt32 = 0
    switch UInt32(bitPattern: cncurses_read(milliseconds, &value)) {
    case CNCURSES_CHARACTER.rawValue: return .character(value)
    case CNCURSES_KEY.rawValue: return .key(value)
    default: return .nothing
    }
  }
}

private func portableKey(_ code: UInt32) -> Key? {
  switch code {
  case CNCURSES_KEY_UP.rawValue: .up
  case CNCURSES_KEY_DOWN.rawValue: .down
  case CNCURSES_KEY_LEFT.rawValue: .left
  case CNCURSES_KEY_RIGHT.rawValue: .right
  case CNCURSES_KEY_HOME.rawValue: .home
  case CNCURSES_KEY_END.rawValue: .end
  case CNCURSES_KEY_PAGE_UP.rawValue: .pageUp
  case CNCURSES_KEY_PAGE_DOWN.rawValue: .pageDown
  case CNCURSES_KEY_ENTER.rawValue: .enter
  case CNCURSES_KEY_BACKSPACE.rawValue: .backspace
  case CNCURSES_KEY_DELETE.rawValue: .delete
  case CNCURSES_KEY_INSERT.rawValue: .insert
  case CNCURSES_KEY_BACK_TAB.rawValue: .backTab
  case CNCURSES_KEY_FUNCTION.rawValue...: .function(Int(code - CNCURSES_KEY_FUNCTION.rawValue))
  default: nil
  }
}

/// A control sequence `ESC [ parameters final`, for keys that terminfo leaves unnamed (with modifiers, for instance).
///
/// `nil` for a sequence that is no key of ours. Source: xterm control sequences, "PC-Style Function Keys".
package func key(ofControlSequence parameters: String, final: Character) -> Key? {
  let numbers = parameters.split(separator: ";").compactMap { Int($0) }
  switch final {
  case "A": return .up
  case "B": return .down
  case "C": return .right
  case "D": return .left
  case "H": return .home
  case "F": return .end
  case "Z": return .backTab
  case "P", "Q", "R", "S": return functionKey(final)
  case "~":
    switch numbers.first {
    case 1, 7: return .home
    case 2: return .insert
    case 3: return .delete
    case 4, 8: return .end
    case 5: return .pageUp
    case 6: return .pageDown
    case .some(let code) where (11...15).contains(code): return .function(code - 10)
    case .some(let code) where (17...21).contains(code): return .function(code - 11)
    case .some(let code) where (23...24).contains(code): return .function(code - 12)
    default: return nil
    }
  default: return nil
  }
}

/// `ESC O final`: the arrows in application mode and F1–F4.
package func key(ofSingleShift final: Character) -> Key? {
  final == "M" ? .enter : key(ofControlSequence: "", final: final)
}

private func functionKey(_ final: Character) -> Key? {
  final.asciiValue.map { .function(Int($0) - 79) }
}

/// The key of one character as a terminal sends it; `nil` for what is no text and no control key.
package func key(ofScalar value: UInt32) -> Key? {
  switch value {
  case 0: return .control(" ")
  case 8, 127: return .backspace
  case 9: return .tab
  case 10, 13: return .enter
  case 27: return .escape
  case 1...26: return Unicode.Scalar(value + 96).map { .control(Character($0)) }
  case 28...31: return Unicode.Scalar(value + 64).map { .control(Character($0)) }
  case 128..<160: return nil
  default: return Unicode.Scalar(value).map { .character(Character($0)) }
  }
}

/// A mouse report `ESC [ < button ; column ; row M|m` (SGR, 1006); `nil` for buttons and movements without meaning here.
package func mouseEvent(ofReport parameters: String, final: Character) -> MouseEvent? {
  let numbers = parameters.split(separator: ";", omittingEmptySubsequences: false).map { Int($0) }
  guard numbers.count == 3, let code = numbers[0], let column = numbers[1], let row = numbers[2] else { return nil }
  guard column >= 1 && row >= 1 && (final == "M" || final == "m") else { return nil }
  let point = Point(x: column - 1, y: row - 1)
  // Bits 2–4 are Shift, Alt and Control.
  switch code & ~0b11100 {
  case 0: return MouseEvent(final == "M" ? .press : .release, at: point)
  case 32: return MouseEvent(.drag, at: point)
  case 64: return MouseEvent(.scrollUp, at: point)
  case 65: return MouseEvent(.scrollDown, at: point)
  default: return nil
  }
}

/// Makes the second of two quick presses in one place a double click.
package struct DoubleClickDetector: Sendable {
  /// Between the presses at most this, as desktops have it.
  package static let interval = Duration.milliseconds(400)

  private var last: (position: Point, time: ContinuousClock.Instant)?

  package init() {}

  package mutating func refine(_ event: MouseEvent, at time: ContinuousClock.Instant) -> MouseEvent {
    guard event.kind == .press else { return event }
    if let last, last.position == event.position, time - last.time <= Self.interval {
      self.last = nil
      return MouseEvent(.doubleClick, at: event.position)
    }
    last = (event.position, time)
    return event
  }
}
