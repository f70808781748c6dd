package import Evaluation
import Files
import JSON

extension ResultsFile {
  /// Merges the parts of one evaluation into a file of all answers, in the order of the questions.
  ///
  /// - Parameters:
  ///   - questions: where given, names the questions that are missing by their IDs.
  /// - Throws: `EvaluationError.headerMismatch` if the parts are of different evaluations, `.answeredTwice` or
  ///   `.unanswered` naming questions if they overlap or leave gaps.
  package static func merge(_ paths: [String], to path: String, questions: QuestionSet? = nil) throws(EvaluationError)
    -> ResultsFile
  {
    precondition(!paths.isEmpty, "there is something to merge")
    let parts = try paths.map { path throws(EvaluationError) in try read(path) }
    var header = parts[0].header
    header.shard = .whole
    var sources: [Int: String] = [:]
    for part in parts {
      try part.header.check(against: header, file: part.file, ignoringShard: true)
      for record in part.records {
        if let first = sources.updateValue(part.file, forKey: record.index) {
          throw .answeredTwice(question: record.id.description, files: [first, part.file])
        }
      }
    }
    let missing = (0..<header.questionCount).filter { sources[$0] == nil }
    try checkComplete(missing, of: header.questionCount, questions: questions)
    let records = parts.flatMap(\.records).sorted { $0.index < $1.index }
    let text = ([header.json] + records.map(\.json)).map { $0.line + "\n" }.joined()
    do {
      try FileContents.write(Array(text.utf8), to: path)
    } catch {
      throw .unwritable(file: path, reason: "\(error.reason)")
    }
    return ResultsFile(file: path, header: header, records: records, wholeByteCount: text.utf8.count)
  }

  /// How many missing questions an error names.
  private static let named = 10

  private static func checkComplete(_ missing: [Int], of count: Int, questions: QuestionSet?) throws(EvaluationError) {
    guard !missing.isEmpty else { return }
    let names = missing.prefix(named).map { index in
      if let questions, questions.questions.indices.contains(index) {
        questions.questions[index].id.description
      } else {
        "number \(index + 1)"
      }
    }
    throw .unanswered(count: missing.count, of: count, questions: names)
  }
}
