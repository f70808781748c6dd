package import TerminalUI

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
