import Foundation

/// Parses one JSON text (RFC 8259), lenient only in how numbers are spelt (`01`, `1.`).
///
/// Nesting is bounded, so that no file can exhaust the stack; every failure names the line.
struct JSONParser {
  private static let deepest = 64

  private let bytes: UnsafeBufferPointer<UInt8>
  private let file: String
  private var offset = 0
  private var line: Int

  /// Parses `bytes`, which are line `line` and on of `file`.
  static func parse(_ bytes: UnsafeBufferPointer<UInt8>, file: String, line: Int = 1) throws(EvaluationError)
    -> JSONValue
  {
    var parser = JSONParser(bytes: bytes, file: file, line: line)
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.offset == bytes.count else { throw parser.failure("text follows the JSON value") }
    return value
  }

  private init(bytes: UnsafeBufferPointer<UInt8>, file: String, line: Int) {
    self.bytes = bytes
    self.file = file
    self.line = line
  }

  private func failure(_ reason: String) -> EvaluationError {
    .malformed(file: file, line: line, reason: "not JSON: \(reason)")
  }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
      if byte == 0x0A { line += 1 }
      offset += 1
    }
  }

  private mutating func take(_ character: Character) -> Bool {
    guard next == character.asciiValue else { return false }
    offset += 1
    return true
  }

  private mutating func value(depth: Int) throws(EvaluationError) -> JSONValue {
    guard depth < Self.deepest else { throw failure("nested deeper than \(Self.deepest)") }
    skipSpace()
    switch next {
    case nil: throw failure("it ends where a value should be")
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ text: StaticString, _ value: JSONValue) throws(EvaluationError) -> JSONValue {
    let length = text.utf8CodeUnitCount
    let matches =
      offset + length <= bytes.count
      && (0..<length).allSatisfy { bytes[offset + $0] == text.utf8Start[$0] }
    guard matches else { throw failure("expected \(text)") }
    offset += length
    return value
  }

  private mutating func object(depth: Int) throws(EvaluationError) -> JSONValue {
    let start = line
    offset += 1
    var members: [JSONObject.Member] = []
    skipSpace()
    if take("}") { return .object(JSONObject(line: start, members: [])) }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw failure("expected a key") }
      let key = try string()
      skipSpace()
      guard take(":") else { throw failure("expected : after the key \"\(key.prefix(40))\"") }
      members.append(JSONObject.Member(key, try value(depth: depth + 1)))
      skipSpace()
      if take(",") { continue }
      if take("}") { return .object(JSONObject(line: start, members: members)) }
      throw failure("an object is not closed")
    }
  }

  private mutating func array(depth: Int) throws(EvaluationError) -> JSONValue {
    offset += 1
    var values: [JSONValue] = []
    skipSpace()
    if take("]") { return .array([]) }
    while true {
      values.append(try value(depth: depth + 1))
      skipSpace()
      if take(",") { continue }
      if take("]") { return .array(values) }
      throw failure("an array is not closed")
    }
  }

  private mutating func number() throws(EvaluationError) -> JSONValue {
    let start = offset
    while let byte = next, byte.isNumberByte { offset += 1 }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    if let integer = Int(text), text.first != "+" { return .integer(integer) }
    guard let first = text.utf8.first, first != UInt8(ascii: "+"), let double = Double(text), double.isFinite else {
      throw failure(text.isEmpty ? "expected a value" : "\"\(text.prefix(40))\" is not a number")
    }
    return .number(double)
  }

  private mutating func string() throws(EvaluationError) -> String {
    offset += 1
    let start = offset
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { offset += 1 }
    if next == UInt8(ascii: "\"") {
      defer { offset += 1 }
      return try text(bytes[start..<offset])
    }
    var unescaped = Array(bytes[start..<offset])
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        offset += 1
        return try text(unescaped[...])
      case UInt8(ascii: "\\"):
        offset += 1
        try escape(into: &unescaped)
      case ..<0x20:
        throw failure("a string holds the control byte \(byte)")
      default:
        unescaped.append(byte)
        offset += 1
      }
    }
    throw failure("a string is not closed")
  }

  private func text(_ utf8: some Collection<UInt8>) throws(EvaluationError) -> String {
    guard let text = String(validating: utf8, as: UTF8.self) else { throw failure("a string is not UTF-8") }
    return text
  }

  private mutating func escape(into text: inout [UInt8]) throws(EvaluationError) {
    guard let byte = next else { throw failure("a string is not closed") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text += String(Character(try scalar())).utf8
    default: throw failure("\\\(Character(Unicode.Scalar(byte))) is not an escape")
    }
  }

  /// The scalar of `\uXXXX`, or of a surrogate pair; U+FFFD for a surrogate without its partner.
  private mutating func scalar() throws(EvaluationError) -> Unicode.Scalar {
    let high = try hexadecimal()
    if let scalar = Unicode.Scalar(high) { return scalar }
    let beforeLow = offset
    if high < 0xDC00, take("\\"), take("u") {
      let low = try hexadecimal()
      if (0xDC00...0xDFFF).contains(low),
        let scalar = Unicode.Scalar(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
      {
        return scalar
      }
    }
    offset = beforeLow
    return "\u{FFFD}"
  }

  private mutating func hexadecimal() throws(EvaluationError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
        throw failure("\\u needs four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      offset += 1
    }
    return value
  }
}

extension UInt8 {
  fileprivate var isNumberByte: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "e"), UInt8(ascii: "E"):
      true
    default: false
    }
  }
}
