import JSON

/// LLaVA's question files: one object per line with `question_id`, `image` and `text`, and, where the answers are
/// at hand, `answer` and `category`. Other keys are ignored.
///
/// Source: LLaVA, `llava/eval/model_vqa_loader.py`.
enum LLaVAQuestions {
  /// The category of a line that has none, as LLaVA's own files write it.
  static let defaultCategory = "default"

  /// Reads a question file.
  ///
  /// - Parameter repeatedIDs: whether two questions may share an ID, as MME's do.
  /// - Throws: `EvaluationError` that names file, line and key.
  static func read(_ path: String, repeatedIDs: Bool = false) throws(EvaluationError) -> [Question] {
    var questions: [Question] = []
    var seen: Set<QuestionID> = []
    for record in try readJSONLines(path) {
      let question = try question(record, index: questions.count)
      if !repeatedIDs, !seen.insert(question.id).inserted {
        throw .duplicateQuestion(file: path, line: record.line, question: question.id.description)
      }
      questions.append(question)
    }
    return questions
  }

  /// Reads a question file whose every line has an `answer`.
  static func readAnswered(_ path: String) throws(EvaluationError) -> [Question] {
    for record in try readJSONLines(path) where try answers(record).isEmpty {
      throw .missingKey(file: path, line: record.line, key: "answer")
    }
    return try read(path)
  }

  private static func question(_ record: RecordReader, index: Int) throws(EvaluationError) -> Question {
    let image = try record.string("image")
    guard !image.isEmpty else { throw record.wrong("image", "empty", expected: "a path in the images' directory") }
    return Question(
      index: index, id: try record.questionID("question_id"), image: .file(image),
      text: try record.string("text"), answers: try answers(record),
      category: try record.optionalString("category") ?? defaultCategory)
  }

  /// `answer`: a string, a number, or an array of strings any of which is right.
  private static func answers(_ record: RecordReader) throws(EvaluationError) -> [String] {
    switch record.object["answer"] {
    case nil, .null?: return []
    case .string(let text)?: return [text]
    case .integer(let number)?: return [String(number)]
    case .array?: return try record.strings("answer")
    case let value?: throw record.wrong("answer", value.summary, expected: "a string, an integer or strings")
    }
  }
}
