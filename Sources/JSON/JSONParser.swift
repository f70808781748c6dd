/// What becomes of an escaped surrogate without its partner, which RFC 8259 allows but no string can hold.
package enum LoneSurrogates: Sendable {
  case refused
  /// U+FFFD in its place, as other readers do.
  case replaced
}

extension JSONValue {
  /// Parses a whole UTF-8 text, at the beginning of which a byte order mark is passed over.
  ///
  /// - Parameters:
  ///   - line: what the first line is called, where the text is part of a file.
  /// - Throws: `JSONError` for anything outside RFC 8259, a key that occurs twice in an object, more than
  ///   `JSONParser.deepest` levels, or more values than `JSONParser.mostValues`.
  package init(
    parsing text: UnsafeBufferPointer<UInt8>, line: Int = 1, loneSurrogates: LoneSurrogates = .refused
  ) throws(JSONError) {
    var parser = JSONParser(text: text, line: line, loneSurrogates: loneSurrogates)
    self = try parser.document()
  }

  /// Parses a whole UTF-8 text.
  package init(parsing text: [UInt8]) throws(JSONError) {
    self = try text.withUnsafeBufferPointer { bytes throws(JSONError) in try JSONValue(parsing: bytes) }
  }
}

extension JSONValue {
  /// Throws `JSONError` for a text that is denser than any that this parser takes: for what another decoder reads.
  ///
  /// Marks that stand between values are counted, whether or not they stand in a string.
  package static func checkDensity(_ text: some Collection<UInt8>) throws(JSONError) {
    let most = JSONParser.mostValues(in: text.count)
    let marks = text.reduce(into: 0) { count, byte in
      if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") { count += 1 }
    }
    guard marks < most else { throw JSONError(offset: 0, line: 1, problem: "more than \(most) values") }
  }
}

/// A recursive-descent parser over bytes.
struct JSONParser {
  /// Levels of nesting, bounded so that a hostile text cannot exhaust the stack.
  static let deepest = 64

  /// Values that a text of so many bytes may hold: a value takes up to 75 bytes of memory while its list grows, and as
  /// little as two of text, so that `[0,0,…]` would otherwise take forty times its size. No file that a model or a benchmark
  /// comes with is as dense.
  static func mostValues(in byteCount: Int) -> Int { 400_000 + byteCount / 8 }

  let text: UnsafeBufferPointer<UInt8>
  let loneSurrogates: LoneSurrogates
  var position = 0
  private var line: Int
  private var depth = 0
  private var valuesLeft: Int

  init(text: UnsafeBufferPointer<UInt8>, line: Int, loneSurrogates: LoneSurrogates) {
    self.text = text
    self.line = line
    self.loneSurrogates = loneSurrogates
    valuesLeft = Self.mostValues(in: text.count)
  }

  mutating func document() throws(JSONError) -> JSONValue {
    if text.starts(with: [0xFE, 0xFF]) || text.starts(with: [0xFF, 0xFE]) {
      throw fault("the text is UTF-16, not UTF-8")
    }
    if text.starts(with: [0xEF, 0xBB, 0xBF]), line == 1 { position = 3 }
    let value = try self.value()
    skipSpace()
    guard position == text.count else { throw fault("text after the end of the document") }
    return value
  }

  func fault(_ problem: String) -> JSONError { fault(problem, at: position) }

  func fault(_ problem: String, at offset: Int) -> JSONError {
    JSONError(offset: offset, line: line, problem: problem)
  }

  /// The byte at `position`, or nil at the end.
  var next: UInt8? { position < text.count ? text[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      if byte == 0x0A { line += 1 }
      position += 1
    }
  }

  private mutating func value() throws(JSONError) -> JSONValue {
    skipSpace()
    guard let byte = next else { throw fault("the text ends where a value should be") }
    guard valuesLeft > 0 else { throw fault("more than \(Self.mostValues(in: text.count)) values") }
    valuesLeft -= 1
    switch byte {
    case UInt8(ascii: "{"):
      let line = line
      return try nested { (parser) throws(JSONError) in
        .object(JSONObject(members: try parser.members(), line: line))
      }
    case UInt8(ascii: "["): return try nested { (parser) throws(JSONError) in .array(try parser.elements()) }
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw fault("no JSON value")
    }
  }

  private mutating func nested(
    _ body: (inout JSONParser) throws(JSONError) -> JSONValue
  ) throws(JSONError) -> JSONValue {
    guard depth < Self.deepest else { throw fault("more than \(Self.deepest) levels") }
    depth += 1
    position += 1
    let value = try body(&self)
    depth -= 1
    return value
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
    guard text[position...].starts(with: word.utf8) else { throw fault("no JSON value") }
    position += word.utf8.count
    return value
  }

  private mutating func members() throws(JSONError) -> [JSONMember] {
    var members: [JSONMember] = []
    var keys = KeySet()
    skipSpace()
    if take("}") { return [] }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw fault("no key") }
      let keyStart = position
      let key = try string()
      guard keys.insert(key, among: members) else {
        throw fault("the key \"\(key.prefix(120))\" occurs twice", at: keyStart)
      }
      skipSpace()
      guard take(":") else { throw fault("no ':' after a key") }
      members.append(JSONMember(key, try value()))
      skipSpace()
      if take("}") { return members }
      guard take(",") else { throw fault("no ',' or '}' after a member") }
    }
  }

  private mutating func elements() throws(JSONError) -> [JSONValue] {
    var elements: [JSONValue] = []
    skipSpace()
    if take("]") { return [] }
    while true {
      elements.append(try value())
      skipSpace()
      if take("]") { return elements }
      guard take(",") else { throw fault("no ',' or ']' after an element") }
    }
  }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }
}

/// The keys of an object so far; hashed only in large ones, since annotation files hold millions of small ones.
private struct KeySet {
  private static let small = 16
  private var keys: Set<ExactText> = []

  /// Whether `key` is new beside those of `members`.
  mutating func insert(_ key: String, among members: [JSONMember]) -> Bool {
    if members.count < Self.small { return !members.contains { $0.key.isExactly(key) } }
    if keys.isEmpty { keys = Set(members.map { ExactText($0.key) }) }
    return keys.insert(ExactText(key)).inserted
  }
}

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
