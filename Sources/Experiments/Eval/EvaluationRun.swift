package import Evaluation

/// How far an evaluation is.
package struct EvaluationProgress: Sendable, Equatable {
  /// Questions answered, the resumed ones included.
  package let done: Int
  package let total: Int
  /// Questions whose answers the results file already held.
  package let resumed: Int

  package init(done: Int, total: Int, resumed: Int) {
    self.done = done
    self.total = total
    self.resumed = resumed
  }
}

extension QuestionSet {
  /// Asks the questions of a shard that a results file does not yet answer, one by one, and appends each answer.
  ///
  /// - Parameters:
  ///   - path: the results file; created, or taken up where it ends. nil keeps the answers in memory only.
  ///   - header: provenance; its shard says which questions are asked.
  ///   - progress: called before the first answer and after each.
  ///   - picture: SHA-256 of a question's picture as it is now, asked for the questions that are answered already; nil where
  ///     it is not known.
  ///   - answer: asks the model. An error from it ends the run; what was answered before stays in the file.
  /// - Returns: all answers of the shard, in the order of the questions.
  /// - Throws: `EvaluationError` for the file, and what `answer` throws.
  package func evaluate(
    into path: String?, header: ResultsHeader, progress: (EvaluationProgress) -> Void = { _ in },
    picture: (Question) throws -> String? = { _ in nil }, answer: (Question) throws -> ModelAnswer
  ) throws -> [ResultRecord] {
    precondition(header.questionCount == questions.count, "the header describes these questions")
    let writer = try path.map { try ResultsWriter(path: $0, header: header) }
    let resumed = writer?.resumed ?? []
    if let path {
      try check(resumed, file: path)
      try check(resumed, file: path, picture: picture)
    }
    let selected = questions[header.shard.range(of: questions.count)]
    var records = resumed
    func report() {
      progress(EvaluationProgress(done: records.count, total: selected.count, resumed: resumed.count))
    }
    report()
    for question in selected where writer?.has(question.index) != true {
      let record = ResultRecord(index: question.index, id: question.id, answer: try answer(question))
      try writer?.append(record)
      records.append(record)
      report()
    }
    return records.sorted { $0.index < $1.index }
  }

  /// Throws unless `records` of `file` answer these questions, by their IDs.
  private func check(_ records: [ResultRecord], file: String) throws(EvaluationError) {
    for record in records where questions[record.index].id != record.id {
      throw EvaluationError.headerMismatch(
        file: file, field: "question \(record.index + 1) called", found: "\"\(record.id)\"",
        expected: "\"\(questions[record.index].id)\"")
    }
  }

  /// Throws where a picture is another than the one that was answered about: two runs would pass for one.
  private func check(_ records: [ResultRecord], file: String, picture: (Question) throws -> String?) throws {
    for record in records {
      guard let found = record.answer.imageSHA256, let now = try picture(questions[record.index]), found != now else {
        continue
      }
      throw EvaluationError.headerMismatch(
        file: file, field: "a picture of question \(record.id) whose SHA-256 is", found: "\"\(found)\"",
        expected: "\"\(now)\", which its picture \(questions[record.index].image.key) has now")
    }
  }

  /// Reads answers to these questions that an earlier run left, whatever model gave them and how.
  ///
  /// - Parameter sha256: of `identity`, as the header has it.
  /// - Throws: `EvaluationError.headerMismatch` if the file answers other questions.
  package func results(_ path: String, sha256: String) throws(EvaluationError) -> ResultsFile {
    let results = try ResultsFile.read(path)
    var expected = results.header
    expected.benchmark = benchmark
    expected.questionsSHA256 = sha256
    expected.questionCount = questions.count
    try results.header.check(against: expected, file: path)
    try check(results.records, file: path)
    return results
  }
}
