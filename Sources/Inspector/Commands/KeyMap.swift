import Foundation
package import TerminalUI

/// Which key asks for which command.
package struct KeyMap: Sendable, Equatable {
  private var commands: [Key: Command]
  private var keysOfCommand: [Command: [Key]]

  /// The keys of the manual.
  package static let standard = KeyMap()

  private init() {
    commands = [:]
    keysOfCommand = [:]
    for command in Command.allCases { bind(command, to: command.defaultKeys) }
  }

  /// The standard keys, changed by a configuration.
  ///
  /// The JSON is an object whose `keys` maps a command's name to a key or a list of keys; an empty list unbinds it:
  /// `{"keys": {"quit": ["q", "ctrl-x"], "nextLayer": "n"}}`. A key given to one command is taken from the other.
  /// - Parameter file: the name that errors give the text.
  /// - Throws: `KeyMapError` naming the file, the command and the key.
  package init(json: String, file: String) throws(KeyMapError) {
    self.init()
    let overrides = try KeyMap.decode(json, file: file)
    for (name, keyNames) in overrides.sorted(by: { $0.key < $1.key }) {
      guard let command = Command(rawValue: name) else {
        throw KeyMapError(file: file, field: "keys.\(name)", problem: "there is no such command")
      }
      var keys: [Key] = []
      for keyName in keyNames {
        guard let key = Key(name: keyName) else {
          throw KeyMapError(
            file: file, field: "keys.\(name)",
            problem:
              "“\(keyName)” is no key; expected one character, ctrl-a to ctrl-z, f1 to f24, or a name such as pageup")
        }
        if let other = overrides.first(where: { $0.key < name && $0.value.contains { Key(name: $0) == key } }) {
          throw KeyMapError(file: file, field: "keys.\(name)", problem: "“\(keyName)” is already given to \(other.key)")
        }
        keys.append(key)
      }
      bind(command, to: keys)
    }
  }

  /// The command of a key.
  package subscript(key key: Key) -> Command? { commands[key] }

  /// The keys of a command, the one to show first.
  package func keys(of command: Command) -> [Key] { keysOfCommand[command] ?? [] }

  /// Commands whose last key a configuration gave to another.
  package var keyless: [Command] {
    Command.allCases.filter { command in
      keys(of: command).isEmpty && command.defaultKeys.contains { commands[$0] != nil }
    }
  }

  /// The keys of the commands that have others than the manual says, as a configuration would name them; `nil` if none.
  package var changes: [String: [String]]? {
    let changed = Command.allCases.filter { keys(of: $0) != $0.defaultKeys }
    return changed.isEmpty
      ? nil : Dictionary(uniqueKeysWithValues: changed.map { ($0.rawValue, keys(of: $0).map(\.name)) })
  }

  /// The key that hints show; empty when it has none.
  package func hint(_ command: Command, unicode: Bool) -> String {
    keys(of: command).first?.label(unicode: unicode) ?? ""
  }

  private mutating func bind(_ command: Command, to keys: [Key]) {
    for key in keysOfCommand[command] ?? [] { commands[key] = nil }
    for key in keys {
      if let owner = commands[key] { keysOfCommand[owner]?.removeAll { $0 == key } }
      commands[key] = command
    }
    keysOfCommand[command] = keys
  }
}

/// A configuration whose keys cannot be used.
package struct KeyMapError: Error, Equatable, CustomStringConvertible {
  package let file: String
  package let field: String
  package let problem: String

  package var description: String { "\(file): \(field): \(problem)." }
}

extension KeyMap {
  private static func decode(_ json: String, file: String) throws(KeyMapError) -> [String: [String]] {
    struct Configuration: Decodable {
      var keys: [String: OneOrMany]?
    }
    struct OneOrMany: Decodable {
      var names: [String]

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let name = try? container.decode(String.self) {
          names = [name]
        } else {
          names = try container.decode([String].self)
        }
      }
    }
    do {
      let configuration = try JSONDecoder().decode(Configuration.self, from: Data(json.utf8))
      return (configuration.keys ?? [:]).mapValues(\.names)
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
      let field = context.codingPath.isEmpty ? "the text" : context.codingPath.map(\.stringValue).joined(separator: ".")
      throw KeyMapError(
        file: file, field: field, problem: "expected an object of command names with a key or a list of keys")
    } catch {
      throw KeyMapError(file: file, field: "the text", problem: "is not JSON")
    }
  }
}

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
