extension JSONParser {
  /// An integer that fits in 64 bits, else the nearest double.
  mutating func number() throws(JSONError) -> JSONValue {
    let start = position
    _ = take("-")
    if !take("0") { try digits() }
    var isInteger = true
    if take(".") {
      isInteger = false
      try digits()
    }
    if take("e") || take("E") {
      isInteger = false
      if !take("+") { _ = take("-") }
      try digits()
    }
    let literal = String(decoding: text[start..<position], as: UTF8.self)
    if isInteger, let value = Int(literal) { return .integer(value) }
    guard let value = Double(literal), value.isFinite else {
      throw fault("a number too large", at: start)
    }
    return .number(value)
  }

  private mutating func digits() throws(JSONError) {
    let start = position
    while let byte = next, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { position += 1 }
    guard position > start else { throw fault("no digit") }
  }

  /// A string without its quotes, escapes resolved.
  mutating func string() throws(JSONError) -> String {
    position += 1
    let start = position
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
    var bytes = Array(text[start..<position])
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: bytes, as: UTF8.self) else { throw fault("a string that is not UTF-8") }
        position += 1
        return string
      case UInt8(ascii: "\\"):
        position += 1
        bytes.append(contentsOf: try escape().utf8)
      case ..<0x20: throw fault("a control character in a string")
      default:
        bytes.append(byte)
        position += 1
      }
    }
    throw fault("the text ends within a string")
  }

  /// What follows a backslash.
  private mutating func escape() throws(JSONError) -> String {
    guard let byte = next else { throw fault("the text ends within a string") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return String(UnicodeScalar(byte))
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      return try scalar()
    default: throw fault("an unknown escape")
    }
  }

  /// What `\uXXXX` stands for, or two of them that are a surrogate pair.
  private mutating func scalar() throws(JSONError) -> String {
    let first = try codeUnit()
    if let scalar = UnicodeScalar(first) { return String(scalar) }
    let afterFirst = position
    if UTF16.isLeadSurrogate(first), take("\\"), take("u") {
      let second = try codeUnit()
      if let pair = String(validating: [first, second], as: UTF16.self) { return pair }
    }
    guard loneSurrogates == .replaced else { throw fault("half a surrogate pair") }
    position = afterFirst
    return "\u{FFFD}"
  }

  private mutating func codeUnit() throws(JSONError) -> UInt16 {
    guard position + 4 <= text.count,
      text[position..<position + 4].allSatisfy({ UnicodeScalar($0).properties.isASCIIHexDigit }),
      let unit = UInt16(String(decoding: text[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw fault("no four hexadecimal digits") }
    position += 4
    return unit
  }
}

/// A text that equals another only byte for byte, as file formats compare names.
///
/// Swift's own strings are equal when they are canonically equivalent (Unicode, UAX #15): `é` in one code point and in two.
/// Formats that name things, such as safetensors, JSON and question files, mean two things by these.
package struct ExactText: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (a: ExactText, b: ExactText) -> Bool { a.text.isExactly(b.text) }

  package func hash(into hasher: inout Hasher) {
    for byte in text.utf8 { hasher.combine(byte) }
  }
}

extension String {
  /// Whether both hold the same bytes.
  package func isExactly(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
