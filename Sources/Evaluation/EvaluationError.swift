import Foundation

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
