package import Files
package import JSON
import Tensor

/// Reads typed values out of a JSON object; an error names the file and the whole key path.
package struct JSONReader {
  package let path: String
  /// The keys that lead to `object`, each followed by a dot.
  package let prefix: String
  package let object: JSONValue

  package init(path: String, prefix: String, object: JSONValue) {
    self.path = path
    self.prefix = prefix
    self.object = object
  }

  package func fault(_ key: String, _ value: JSONValue?, expected: String) -> CheckpointError {
    .key(path: path, key: prefix + key, found: value?.summary, expected: expected)
  }

  /// The value of `key`; a null counts as absent, as HF writes keys that have no value.
  package func value(_ key: String) -> JSONValue? {
    guard let value = object[key], value != .null else { return nil }
    return value
  }

  /// The object under `key`.
  package func section(_ key: String) throws(CheckpointError) -> JSONReader {
    guard case .object? = value(key) else { throw fault(key, value(key), expected: "an object") }
    return JSONReader(path: path, prefix: "\(prefix)\(key).", object: value(key) ?? .null)
  }

  /// An integer in `range`.
  package func integer(
    _ key: String, in range: ClosedRange<Int> = 1...largestSize, default absent: Int? = nil
  ) throws(CheckpointError) -> Int {
    let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
    guard let value = value(key) else {
      if let absent { return absent }
      throw fault(key, nil, expected: expected)
    }
    guard case .integer(let integer) = value, range.contains(integer) else {
      throw fault(key, value, expected: expected)
    }
    return integer
  }

  /// A finite number above zero.
  package func positive(_ key: String, default absent: Double? = nil) throws(CheckpointError) -> Double {
    let expected = "a number above 0"
    let number: Double
    switch value(key) {
    case .integer(let value)?: number = Double(value)
    case .number(let value)?: number = value
    case nil:
      guard let absent else { throw fault(key, nil, expected: expected) }
      return absent
    case let other?: throw fault(key, other, expected: expected)
    }
    // What is computed with is a float of 32 bits.
    guard Float(number) > 0, Float(number).isFinite else { throw fault(key, value(key), expected: expected) }
    return number
  }

  package func bool(_ key: String, default absent: Bool) throws(CheckpointError) -> Bool {
    switch value(key) {
    case nil: return absent
    case .bool(let value)?: return value
    case let other?: throw fault(key, other, expected: "true or false")
    }
  }

  package func string(_ key: String) throws(CheckpointError) -> String? {
    switch value(key) {
    case nil: return nil
    case .string(let value)?: return value
    case let other?: throw fault(key, other, expected: "a string")
    }
  }

  /// A string that is one of the raw values of `Choice`.
  package func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, default absent: Choice? = nil
  ) throws(CheckpointError) -> Choice where Choice.RawValue == String {
    guard let value = value(key) else {
      if let absent { return absent }
      throw fault(key, nil, expected: oneOf(Choice.self))
    }
    guard case .string(let name) = value, let choice = Choice(rawValue: name) else {
      throw fault(key, value, expected: oneOf(Choice.self))
    }
    return choice
  }

  package func requiredString(_ key: String) throws(CheckpointError) -> String {
    guard let string = try string(key) else { throw fault(key, nil, expected: "a string") }
    return string
  }

  /// The JSON document inside the string `key`, as `__metadata__` holds structures; nil when the key is absent.
  package func embedded(_ key: String) throws(CheckpointError) -> JSONValue? {
    guard let text = try string(key) else { return nil }
    do {
      return try JSONValue(parsing: Array(text.utf8))
    } catch {
      throw .key(path: path, key: prefix + key, found: "a string with \(error)", expected: "JSON")
    }
  }

  /// A list of strings, empty when absent.
  package func strings(_ key: String, longest: Int = 64) throws(CheckpointError) -> [String] {
    var strings: [String] = []
    for element in try list(key, longest: longest) ?? [] {
      guard case .string(let string) = element else { throw fault(key, element, expected: "a list of strings") }
      strings.append(string)
    }
    return strings
  }

  /// A list of at most `longest` values; nil when absent.
  package func list(_ key: String, longest: Int = 64) throws(CheckpointError) -> [JSONValue]? {
    guard let value = value(key) else { return nil }
    guard case .array(let elements) = value, elements.count <= longest else {
      throw fault(key, value, expected: "a list of up to \(longest) values")
    }
    return elements
  }

  /// A list of integers in `range`.
  package func integers(_ key: String, in range: ClosedRange<Int>) throws(CheckpointError) -> [Int] {
    let expected = "a list of integers from \(range.lowerBound) to \(range.upperBound)"
    guard let elements = try list(key) else { throw fault(key, nil, expected: expected) }
    var integers: [Int] = []
    for element in elements {
      guard case .integer(let integer) = element, range.contains(integer) else {
        throw fault(key, element, expected: expected)
      }
      integers.append(integer)
    }
    return integers
  }

  /// A list of strings that are raw values of `Choice`; nil when absent.
  package func choices<Choice: RawRepresentable & CaseIterable>(
    _ key: String, of: Choice.Type
  ) throws(CheckpointError) -> [Choice]? where Choice.RawValue == String {
    guard let elements = try list(key) else { return nil }
    var choices: [Choice] = []
    for element in elements {
      guard case .string(let name) = element, let choice = Choice(rawValue: name) else {
        throw fault(key, element, expected: "a list of values, each \(oneOf(Choice.self))")
      }
      choices.append(choice)
    }
    return choices
  }

  private func oneOf<Choice: RawRepresentable & CaseIterable>(
    _ type: Choice.Type
  ) -> String where Choice.RawValue == String {
    type.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
  }
}

/// Extents that no model reaches; products of two of them do not overflow.
package let largestSize = 1 << 24

/// The largest configuration or index that is read into memory.
private let largestSmallFile = 64 << 20

/// All bytes of a file of moderate size.
package func readSmallFile(_ path: String) throws(CheckpointError) -> [UInt8] {
  do { return try FileContents.read(path: path, limit: largestSmallFile) } catch { throw .unreadable(error) }
}

extension JSONValue {
  /// The JSON document in the file at `path`.
  package init(file path: String) throws(CheckpointError) {
    try self.init(bytes: readSmallFile(path), path: path)
  }

  /// The JSON document `bytes`, which errors call `path`.
  package init(bytes: [UInt8], path: String) throws(CheckpointError) {
    do {
      try self.init(parsing: bytes)
    } catch {
      throw CheckpointError.malformed(path: path, problem: "not valid JSON: \(error)")
    }
  }
}

/// Why a checkpoint or a trace file cannot be used; its description is one sentence that names the file and what in it.
package enum CheckpointError: Error, Hashable, CustomStringConvertible {
  /// The file is missing, unreadable or not a file.
  case unreadable(FileError)
  /// The file is not what its name says, independent of any key or tensor.
  case malformed(path: String, problem: String)
  /// The value of a key, as in `vision_config.hidden_size`, is not usable; `found` is nil when the key is missing.
  case key(path: String, key: String, found: String?, expected: String)
  /// A tensor's entry in a file is not usable.
  case tensor(path: String, name: String, problem: String)

  package var description: String {
    switch self {
    case .unreadable(let error): error.description
    case .malformed(let path, let problem): "\(path): \(problem)"
    case .key(let path, let key, nil, let expected):
      "\(path): the key \(printableName(key)) is missing; expected \(expected)"
    case .key(let path, let key, let found?, let expected):
      "\(path): \(printableName(key)) is \(found); expected \(expected)"
    case .tensor(let path, let name, let problem): "\(path): tensor \(printableName(name)) \(problem)"
    }
  }
}
