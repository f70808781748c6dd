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
  ///   - path: the results file; created, or taken up where it ends.
  ///   - header: provenance; its shard says which questions are asked.
  ///   - progress: called before the first answer and after each.
  ///   - answer: asks the model. An error from it ends the run; what was answered before stays in the file.
  /// - Returns: all answers of the shard, in the order of the questions.
  /// - Throws: `EvaluationError` for the file, and what `answer` throws.
  package func evaluate(
    into path: String, header: ResultsHeader, progress: (EvaluationProgress) -> Void = { _ in },
    answer: (Question) throws -> ModelAnswer
  ) throws -> [ResultRecord] {
    precondition(header.questionCount == questions.count, "the header describes these questions")
    let writer = try ResultsWriter(path: path, header: header)
    for record in writer.resumed where questions[record.index].id != record.id {
      throw EvaluationError.headerMismatch(
        file: path, field: "question \(record.index + 1) called", found: "\"\(record.id)\"",
        expected: "\"\(questions[record.index].id)\"")
    }
    let selected = questions[header.shard.range(of: questions.count)]
    var records = writer.resumed
    func report() {
      progress(EvaluationProgress(done: records.count, total: selected.count, resumed: writer.resumed.count))
    }
    report()
    for question in selected where !writer.has(question.index) {
      let record = ResultRecord(index: question.index, id: question.id, answer: try answer(question))
      try writer.append(record)
      records.append(record)
      report()
    }
    return records.sorted { $0.index < $1.index }
  }
}
