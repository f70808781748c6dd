/// A JSON document (RFC 8259), as strict as a format that carries offsets needs: a key occurs once, and integers are
/// exact.
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number without fraction or exponent that fits.
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  /// Members in document order.
  case object([JSONMember])

  /// What an error message calls the value: its kind, and itself when short.
  package var summary: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): value.count <= 60 ? value.debugDescription : "a string of \(value.count) characters"
    case .array(let elements): "a list of \(elements.count)"
    case .object(let members): "an object of \(members.count) keys"
    }
  }

  /// The member `key` of an object; nil for anything else.
  package subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
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
}

/// Where and why a text is not JSON.
package struct JSONError: Error, Hashable, CustomStringConvertible {
  /// Bytes before the fault.
  package let offset: Int
  package let problem: String

  package var description: String { "\(problem) at byte \(offset)" }
}
