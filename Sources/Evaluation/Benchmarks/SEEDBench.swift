import JSON

/// SEED-Bench's image questions: four options, one letter, nine question types.
///
/// Files: `SEED-Bench.json` with `questions` (`question_id`, `question`, `choice_a` … `choice_d`, `answer`, `data_id`,
/// `data_type`, `question_type_id`) and `question_type` from name to number; or LLaVA's `llava-seed-bench.jsonl` with
/// that file as annotations. Questions about videos are left out. An answer is right if it is the letter and nothing
/// else.
/// Source: Li et al., "SEED-Bench"; LLaVA, `scripts/convert_seed_for_submission.py`.
enum SEEDBench {
  /// Where LLaVA puts the pictures, below the images' directory.
  private static let folder = "SEED-Bench-image"

  static func read(_ path: String, annotations: String?) throws(EvaluationError) -> [Question] {
    guard path.hasSuffix(".jsonl") else { return try imageQuestions(path) }
    guard let annotations else {
      throw .annotationsNeeded(benchmark: "SEED-Bench", expected: "SEED-Bench.json")
    }
    let references = Dictionary(
      uniqueKeysWithValues: try imageQuestions(annotations).map { (ExactText($0.id.description), $0) })
    let others = Set(try otherQuestions(annotations).map(ExactText.init))
    var questions: [Question] = []
    for var question in try LLaVAQuestions.read(path) where !others.contains(ExactText(question.id.description)) {
      guard let reference = references[ExactText(question.id.description)] else {
        throw .unannotated(file: annotations, question: question.id.description)
      }
      question.answers = reference.answers
      question.category = reference.category
      question.choices = reference.choices
      questions.append(question)
    }
    return questions
  }

  /// IDs of the questions that are not about an image.
  private static func otherQuestions(_ path: String) throws(EvaluationError) -> [String] {
    var ids: [String] = []
    for record in try readJSONObject(path).records("questions") where try record.string("data_type") != "image" {
      ids.append(try record.questionID("question_id").description)
    }
    return ids
  }

  private static func imageQuestions(_ path: String) throws(EvaluationError) -> [Question] {
    let file = try readJSONObject(path)
    var names: [Int: String] = [:]
    let types = try file.record("question_type")
    for member in types.object.members { names[try types.integer(member.key)] = member.key }
    var questions: [Question] = []
    var seen: Set<ExactText> = []
    for record in try file.records("questions") {
      guard try record.string("data_type") == "image" else { continue }
      let id = try record.questionID("question_id")
      guard seen.insert(ExactText(id.description)).inserted else {
        throw .duplicateQuestion(file: path, line: record.line, question: id.description)
      }
      let type = try record.integer("question_type_id")
      guard let name = names[type] else {
        throw record.wrong("question_type_id", "\(type)", expected: "a number in question_type")
      }
      let choices = try ["choice_a", "choice_b", "choice_c", "choice_d"].map { key throws(EvaluationError) in
        try record.string(key)
      }
      questions.append(
        Question(
          index: questions.count, id: id, image: .file("\(folder)/\(try record.string("data_id"))"),
          text: OptionPrompt.text(question: try record.string("question"), choices: choices),
          answers: [try record.string("answer", oneOf: OptionPrompt.letters(4))], category: name, choices: choices))
    }
    return questions
  }

  static func items(_ answered: [AnsweredQuestion]) -> [ScoredItem] {
    answered.map { ScoredItem($0, score: $0.answer.trimmed == $0.question.answers.first ? 1 : 0) }
  }
}
