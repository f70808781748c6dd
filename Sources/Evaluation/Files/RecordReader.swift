import Foundation
package import JSON

/// A JSON object of a benchmark's file, read key by key with errors that name file, line and key.
package struct RecordReader {
  package let file: String
  package let object: JSONObject

  package var line: Int { object.line }

  package init(file: String, object: JSONObject) {
    self.file = file
    self.object = object
  }

  package init(file: String, line: Int, value: JSONValue) throws(EvaluationError) {
    guard case .object(let object) = value else {
      throw .malformed(file: file, line: line, reason: "found \(value.summary), expected an object")
    }
    self.init(file: file, object: object)
  }

  package func wrong(_ key: String, _ found: String, expected: String) -> EvaluationError {
    .wrongValue(file: file, line: line, key: key, found: found, expected: expected)
  }

  package func value(_ key: String) throws(EvaluationError) -> JSONValue {
    guard let value = object[key] else { throw .missingKey(file: file, line: line, key: key) }
    return value
  }

  package func string(_ key: String) throws(EvaluationError) -> String {
    let value = try value(key)
    guard case .string(let text) = value else { throw wrong(key, value.summary, expected: "a string") }
    return text
  }

  /// The string of `key`; nil where the key is absent or null.
  package func optionalString(_ key: String) throws(EvaluationError) -> String? {
    switch object[key] {
    case nil, .null?: nil
    default: try string(key)
    }
  }

  package func integer(_ key: String) throws(EvaluationError) -> Int {
    let value = try value(key)
    guard case .integer(let number) = value else { throw wrong(key, value.summary, expected: "an integer") }
    return number
  }

  package func array(_ key: String) throws(EvaluationError) -> [JSONValue] {
    let value = try value(key)
    guard case .array(let values) = value else { throw wrong(key, value.summary, expected: "an array") }
    return values
  }

  package func strings(_ key: String) throws(EvaluationError) -> [String] {
    var texts: [String] = []
    for value in try array(key) {
      guard case .string(let text) = value else { throw wrong(key, value.summary, expected: "an array of strings") }
      texts.append(text)
    }
    return texts
  }

  package func record(_ key: String) throws(EvaluationError) -> RecordReader {
    let value = try value(key)
    guard case .object(let object) = value else { throw wrong(key, value.summary, expected: "an object") }
    return RecordReader(file: file, object: object)
  }

  package func records(_ key: String) throws(EvaluationError) -> [RecordReader] {
    var records: [RecordReader] = []
    for value in try array(key) {
      guard case .object(let object) = value else { throw wrong(key, value.summary, expected: "an array of objects") }
      records.append(RecordReader(file: file, object: object))
    }
    return records
  }

  /// A question's ID: a string or an integer.
  package func questionID(_ key: String) throws(EvaluationError) -> QuestionID {
    let value = try value(key)
    switch value {
    case .integer(let number): return .integer(number)
    case .string(let text): return .string(text)
    default: throw wrong(key, value.summary, expected: "a string or an integer")
    }
  }

  /// One of `allowed`, compared without case.
  package func string(_ key: String, oneOf allowed: [String]) throws(EvaluationError) -> String {
    let text = try string(key)
    guard let match = allowed.first(where: { $0.lowercased() == text.lowercased() }) else {
      throw wrong(key, "\"\(text.prefix(40))\"", expected: allowed.joined(separator: " or "))
    }
    return match
  }
}

/// What can be wrong with a benchmark's files, a results file or a command's selection of questions.
///
/// Each case says which file, which line and key where there is one, what was found and what was expected.
package enum EvaluationError: Error, Equatable, Sendable {
  case unreadable(file: String, reason: String)
  case unwritable(file: String, reason: String)
  case malformed(file: String, line: Int, reason: String)
  case missingKey(file: String, line: Int, key: String)
  case wrongValue(file: String, line: Int, key: String, found: String, expected: String)
  case duplicateQuestion(file: String, line: Int, question: String)
  case annotationsNeeded(benchmark: String, expected: String)
  case unannotated(file: String, question: String)
  case noQuestions(file: String)
  case notAShard(text: String)
  case headerMismatch(file: String, field: String, found: String, expected: String)
  case resultsInUse(file: String)
  case answeredTwice(question: String, files: [String])
  case unanswered(count: Int, of: Int, questions: [String])
}

extension EvaluationError: CustomStringConvertible, LocalizedError {
  package var description: String {
    switch self {
    case .unreadable(let file, let reason):
      "\(file): cannot be read: \(reason)"
    case .unwritable(let file, let reason):
      "\(file): cannot be written: \(reason)"
    case .malformed(let file, let line, let reason):
      "\(file), line \(line): \(reason)"
    case .missingKey(let file, let line, let key):
      "\(file), line \(line): the key \"\(key)\" is missing"
    case .wrongValue(let file, let line, let key, let found, let expected):
      "\(file), line \(line): \"\(key)\" is \(found), expected \(expected)"
    case .duplicateQuestion(let file, let line, let question):
      "\(file), line \(line): question \(question) was already asked"
    case .annotationsNeeded(let benchmark, let expected):
      "\(benchmark) keeps its answers apart from its questions: expected \(expected)"
    case .unannotated(let file, let question):
      "\(file): holds no answer to question \(question)"
    case .noQuestions(let file):
      "\(file): holds no question about an image"
    case .notAShard(let text):
      "\"\(text)\" is not a shard: expected i/n with 1 ≤ i ≤ n, such as 2/8"
    case .headerMismatch(let file, let field, let found, let expected):
      "\(file): was made with \(field) \(found), expected \(expected)"
    case .resultsInUse(let file):
      "\(file): another process is writing it"
    case .answeredTwice(let question, let files):
      "question \(question) is answered twice, in \(files.joined(separator: " and "))"
    case .unanswered(let count, let total, let questions):
      "\(count) of \(total) questions have no answer: \(questions.joined(separator: ", "))"
        + (count > questions.count ? ", …" : "")
    }
  }

  package var errorDescription: String? { description }
}
