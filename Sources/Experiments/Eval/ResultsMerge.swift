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
    try checkComplete(sources, of: header.questionCount, questions: questions)
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

  private static func checkComplete(
    _ answered: [Int: String], of count: Int, questions: QuestionSet?
  ) throws(EvaluationError) {
    guard answered.count < count else { return }
    var names: [String] = []
    // The count is the file's word, which may be any: no more is looked at than is named.
    for index in 0..<count where answered[index] == nil {
      if let questions, questions.questions.indices.contains(index) {
        names.append(questions.questions[index].id.description)
      } else {
        names.append("number \(index + 1)")
      }
      if names.count == named { break }
    }
    throw .unanswered(count: count - answered.count, of: count, questions: names)
  }
}
