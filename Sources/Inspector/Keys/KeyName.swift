package import TerminalUI

extension Key {
  private static let named: [(name: String, key: Key)] = [
    ("up", .up), ("down", .down), ("left", .left), ("right", .right), ("home", .home), ("end", .end),
    ("pageup", .pageUp), ("pagedown", .pageDown), ("enter", .enter), ("escape", .escape), ("tab", .tab),
    ("backtab", .backTab), ("backspace", .backspace), ("delete", .delete), ("insert", .insert),
    ("space", .character(" ")),
  ]

  /// A key by its name in the configuration: one character, `up`, `pagedown`, `space`, `ctrl-l`, `f5`.
  package init?(name: String) {
    let lower = name.lowercased()
    if name.count == 1, let character = name.first, character != " " {
      self = .character(character)
    } else if let known = Key.named.first(where: { $0.name == lower }) {
      self = known.key
    } else if lower.hasPrefix("ctrl-"), lower.count == 6, let letter = lower.last, letter.isASCII, letter.isLetter {
      self = .control(letter)
    } else if lower.hasPrefix("f"), let number = Int(lower.dropFirst()), (1...24).contains(number) {
      self = .function(number)
    } else {
      return nil
    }
  }

  /// The name that `init(name:)` reads.
  package var name: String {
    if let known = Key.named.first(where: { $0.key == self }) { return known.name }
    switch self {
    case .character(let character): return String(character)
    case .control(let letter): return "ctrl-\(letter)"
    case .function(let number): return "f\(number)"
    default: preconditionFailure("every key without a payload has a name")
    }
  }

  /// How hints show the key.
  package func label(unicode: Bool) -> String {
    switch self {
    case .up where unicode: "↑"
    case .down where unicode: "↓"
    case .left where unicode: "←"
    case .right where unicode: "→"
    case .character(" "): "Space"
    case .control(let letter): "Ctrl-\(letter.uppercased())"
    case .character, .function: name
    case .pageUp: "PgUp"
    case .pageDown: "PgDn"
    case .escape: "Esc"
    case .backTab: "Shift-Tab"
    default: name.prefix(1).uppercased() + name.dropFirst()
    }
  }
}
