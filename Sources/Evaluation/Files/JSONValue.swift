/// A JSON value that keeps the order of its keys and the line where each object starts.
///
/// Question files are sharded by position and their errors name lines, so neither may be lost in parsing.
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// What kind of value this is, for error messages.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): "\"\(value.prefix(40))\(value.count > 40 ? "…" : "")\""
    case .array(let values): "an array of \(values.count)"
    case .object: "an object"
    }
  }
}

/// The members of a JSON object, in file order.
package struct JSONObject: Sendable, Equatable {
  /// Line where the object opens, counted from 1.
  package let line: Int
  package let members: [Member]

  package struct Member: Sendable, Equatable {
    package let key: String
    package let value: JSONValue

    package init(_ key: String, _ value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  package init(line: Int = 1, members: [Member]) {
    self.line = line
    self.members = members
  }

  /// The last value of `key`, as other JSON readers take it.
  package subscript(key: String) -> JSONValue? {
    members.last { $0.key == key }?.value
  }
}

extension JSONValue {
  /// An object written in Swift.
  package static func object(_ pairs: KeyValuePairs<String, JSONValue>) -> JSONValue {
    .object(JSONObject(members: pairs.map { JSONObject.Member($0.key, $0.value) }))
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
