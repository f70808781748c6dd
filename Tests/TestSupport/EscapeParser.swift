/// Splits a program's output into characters, control characters and escape sequences.
struct EscapeParser: Sendable {
  struct Sequence: Sendable, Hashable {
    /// `?`, `>` or `<` before the parameters.
    var prefix: Character?
    /// Missing parameters are `nil`.
    var parameters: [Int?]
    var intermediates: String
    var final: Character

    /// A parameter, with the standard's meaning of "absent or zero".
    func count(_ index: Int = 0) -> Int {
      let value = index < parameters.count ? parameters[index] ?? 0 : 0
      return value == 0 ? 1 : value
    }

    func value(_ index: Int = 0) -> Int { index < parameters.count ? parameters[index] ?? 0 : 0 }
  }

  enum Action: Sendable, Hashable {
    case print(Unicode.Scalar)
    case control(UInt8)
    case escape(intermediates: String, final: Character)
    case sequence(Sequence)
  }

  private enum State { case ground, escape, sequence, string, stringEscape }

  private var state = State.ground
  private var collected = ""
  private var utf8: [UInt8] = []

  mutating func take(_ byte: UInt8) -> Action? {
    switch state {
    case .string:
      if byte == 0x07 { state = .ground } else if byte == 0x1B { state = .stringEscape }
      return nil
    case .stringEscape:
      state = byte == 0x5C ? .ground : .string
      return nil
    case .ground: return ground(byte)
    case .escape: return escape(byte)
    case .sequence: return sequence(byte)
    }
  }

  private mutating func ground(_ byte: UInt8) -> Action? {
    if byte == 0x1B {
      (state, collected, utf8) = (.escape, "", [])
      return nil
    }
    if byte < 0x20 || byte == 0x7F { return .control(byte) }
    if byte < 0x80 {
      utf8 = []
      return .print(Unicode.Scalar(byte))
    }
    utf8.append(byte)
    let length = utf8[0] >= 0xF0 ? 4 : utf8[0] >= 0xE0 ? 3 : utf8[0] >= 0xC0 ? 2 : 1
    guard utf8.count >= length else { return nil }
    defer { utf8 = [] }
    return .print(String(decoding: utf8, as: UTF8.self).unicodeScalars.first ?? "\u{FFFD}")
  }

  private mutating func escape(_ byte: UInt8) -> Action? {
    let character = Character(Unicode.Scalar(byte))
    switch byte {
    case 0x5B: state = .sequence
    case 0x5D, 0x50, 0x5E, 0x5F, 0x58: state = .string
    case 0x20...0x2F: collected.append(character)
    case 0x1B: collected = ""
    default:
      state = .ground
      return byte < 0x20 ? .control(byte) : .escape(intermediates: collected, final: character)
    }
    return nil
  }

  private mutating func sequence(_ byte: UInt8) -> Action? {
    if byte == 0x1B {
      (state, collected) = (.escape, "")
      return nil
    }
    if byte < 0x20 { return .control(byte) }
    guard (0x40...0x7E).contains(byte) else {
      collected.append(Character(Unicode.Scalar(byte)))
      return nil
    }
    state = .ground
    var text = Substring(collected)
    let prefix = text.first.flatMap { "?><=".contains($0) ? $0 : nil }
    if prefix != nil { text.removeFirst() }
    let intermediates = text.filter { $0 < "0" }
    let parameters = text.filter { $0 >= "0" }.split(separator: ";", omittingEmptySubsequences: false)
      .flatMap { Self.parameters($0) }
    return .sequence(
      Sequence(
        prefix: prefix, parameters: parameters, intermediates: intermediates, final: Character(Unicode.Scalar(byte))))
  }

  /// A parameter, or the colon form of a colour without its colour space (`38:2::r:g:b` → 38, 2, r, g, b).
  private static func parameters(_ text: Substring) -> [Int?] {
    var parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    if parts.count == 6 && parts[1] == 2 { parts.remove(at: 2) }
    return parts
  }
}
