/// A JSON document (RFC 8259), as strict as a format that carries offsets needs: a key occurs once, integers are exact,
/// and texts are equal only byte for byte.
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number without fraction or exponent that fits.
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// What an error message calls the value: its kind, and itself when short.
  package var summary: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): value.count <= 60 ? value.debugDescription : "a string of \(value.count) characters"
    case .array(let elements): "a list of \(elements.count)"
    case .object(let object): "an object of \(object.members.count) keys"
    }
  }

  package static func == (a: JSONValue, b: JSONValue) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.string(let a), .string(let b)): a.isExactly(b)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a == b
    default: false
    }
  }

  /// The member `key` of an object; nil for anything else.
  package subscript(key: String) -> JSONValue? {
    guard case .object(let object) = self else { return nil }
    return object[key]
  }

  /// An object of members in their order.
  package static func object(_ members: [JSONMember]) -> JSONValue { .object(JSONObject(members: members)) }

  /// An object written in Swift.
  package static func object(_ pairs: KeyValuePairs<String, JSONValue>) -> JSONValue {
    .object(pairs.map { JSONMember($0.key, $0.value) })
  }

  /// A number, or null where there is none or it is not finite.
  package static func optional(_ value: Double?) -> JSONValue {
    value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null
  }

  /// A string, or null.
  package static func optional(_ value: String?) -> JSONValue {
    value.map { .string($0) } ?? .null
  }
}

/// The members of an object in document order, and where it stands.
package struct JSONObject: Sendable, Equatable {
  package let members: [JSONMember]
  /// Line where the object opens, counted from 1; of no account for equality.
  package let line: Int

  package init(members: [JSONMember], line: Int = 1) {
    self.members = members
    self.line = line
  }

  package subscript(key: String) -> JSONValue? {
    members.first { $0.key.isExactly(key) }?.value
  }

  /// Members in any order, which JSON gives no meaning (RFC 8259, section 4).
  package static func == (a: JSONObject, b: JSONObject) -> Bool {
    let byKey = { (object: JSONObject) in object.members.sorted { $0.key < $1.key } }
    return a.members == b.members || a.members.count == b.members.count && byKey(a) == byKey(b)
  }
}

/// A key and its value.
package struct JSONMember: Sendable, Equatable {
  package let key: String
  package let value: JSONValue

  package init(_ key: String, _ value: JSONValue) {
    self.key = key
    self.value = value
  }

  package static func == (a: JSONMember, b: JSONMember) -> Bool { a.key.isExactly(b.key) && a.value == b.value }
}

/// Where and why a text is not JSON.
package struct JSONError: Error, Hashable, CustomStringConvertible {
  /// Bytes before the fault.
  package let offset: Int
  /// Line of the fault, counted as the parser was told to.
  package let line: Int
  package let problem: String

  package var description: String { "\(problem) at byte \(offset)" }
}

extension JSONValue {
  /// The value as one line of JSON, keys in their order; a number that is not finite becomes null.
  package var line: String {
    var text = ""
    write(to: &text, indent: nil)
    return text
  }

  /// The value as indented JSON that ends in a newline.
  package var document: String {
    var text = ""
    write(to: &text, indent: 0)
    return text + "\n"
  }

  private func write(to text: inout String, indent: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value): text += value.isFinite ? "\(value)" : "null"
    case .string(let value): value.writeQuoted(to: &text)
    case .array(let values):
      Self.writeList(values, open: "[", close: "]", to: &text, indent: indent) { value, text, indent in
        value.write(to: &text, indent: indent)
      }
    case .object(let object):
      Self.writeList(object.members, open: "{", close: "}", to: &text, indent: indent) { member, text, indent in
        member.key.writeQuoted(to: &text)
        text += indent == nil ? ":" : ": "
        member.value.write(to: &text, indent: indent)
      }
    }
  }

  private static func writeList<Element>(
    _ elements: [Element], open: String, close: String, to text: inout String, indent: Int?,
    element: (Element, inout String, Int?) -> Void
  ) {
    guard !elements.isEmpty else {
      text += open + close
      return
    }
    func startLine(_ depth: Int?) {
      if let depth { text += "\n" + String(repeating: "  ", count: depth) }
    }
    text += open
    for (index, item) in elements.enumerated() {
      if index > 0 { text += "," }
      startLine(indent.map { $0 + 1 })
      element(item, &text, indent.map { $0 + 1 })
    }
    startLine(indent)
    text += close
  }
}

extension String {
  fileprivate func writeQuoted(to text: inout String) {
    text += "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
