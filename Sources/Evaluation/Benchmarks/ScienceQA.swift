import Files
import Foundation
import JSON

/// ScienceQA's questions with a picture (the image subset).
///
/// Files: the directory of `problems.json` and `pid_splits.json`, or the former with the latter beside it; or LLaVA's
/// `llava_test_CQM-A.json`, which holds prompts and letters. Families are the subjects; LLaVA's file has none.
/// Source: Lu et al., "Learn to Explain"; LLaVA, `llava/eval/eval_science_qa.py` and `model_vqa_science.py`.
enum ScienceQA {
  private static let letters = OptionPrompt.letters(5)

  static func read(_ path: String, annotations: String?, split: String) throws(EvaluationError) -> [Question] {
    let problems = Directory.exists(path) ? "\(path)/problems.json" : path
    let json = try readJSON(problems)
    if case .array(let conversations) = json { return try converted(conversations, file: problems) }
    let folder = URL(fileURLWithPath: problems).deletingLastPathComponent().path
    let splits = try readJSONObject(annotations ?? "\(folder)/pid_splits.json")
    let file = try RecordReader(file: problems, line: 1, value: json)
    let records = Dictionary(
      file.object.members.map { (ExactText($0.key), $0.value) }, uniquingKeysWith: { _, last in last })
    var questions: [Question] = []
    for id in try splits.strings(split) {
      guard let value = records[ExactText(id)] else { throw .missingKey(file: problems, line: 1, key: id) }
      let record = try RecordReader(file: problems, line: 1, value: value)
      guard let image = try record.optionalString("image") else { continue }
      questions.append(try question(record, id: id, image: "\(id)/\(image)"))
    }
    return questions
  }

  /// The prompt is LLaVA's "CQM": context if there is one, question, options.
  private static func question(_ record: RecordReader, id: String, image: String) throws(EvaluationError) -> Question {
    let choices = try record.strings("choices")
    let answer = try record.integer("answer")
    guard (2...letters.count).contains(choices.count) else {
      throw record.wrong("choices", "\(choices.count) choices", expected: "2 to \(letters.count)")
    }
    guard choices.indices.contains(answer) else {
      throw record.wrong("answer", "\(answer)", expected: "0 to \(choices.count - 1)")
    }
    let hint = try record.optionalString("hint") ?? ""
    let text = (hint.isEmpty ? "" : "Context: \(hint)\n") + (try record.string("question"))
    return Question(
      index: 0, id: .string(id), image: .file(image), text: OptionPrompt.text(question: text, choices: choices),
      answers: [letters[answer]], category: try record.optionalString("subject") ?? LLaVAQuestions.defaultCategory,
      choices: choices)
  }

  private static func converted(_ conversations: [JSONValue], file: String) throws(EvaluationError) -> [Question] {
    var questions: [Question] = []
    for value in conversations {
      let record = try RecordReader(file: file, line: 1, value: value)
      guard let image = try record.optionalString("image") else { continue }
      let turns = try record.records("conversations")
      guard turns.count >= 2 else { throw record.wrong("conversations", "\(turns.count) turns", expected: "2") }
      let prompt = try turns[0].string("value").replacingOccurrences(of: "<image>", with: "").trimmed
      questions.append(
        Question(
          index: 0, id: try record.questionID("id"), image: .file(image),
          text: prompt + "\n" + PromptSuffix.optionLetter,
          answers: [try turns[1].string("value", oneOf: letters)], category: LLaVAQuestions.defaultCategory))
    }
    return questions
  }

  /// The letter of an answer: the answer itself, "X. …", or the only "The answer is X" followed by one more character.
  static func letter(_ answer: String) -> String? {
    if letters.contains(answer) { return answer }
    let start = answer.unicodeScalars.prefix(3).map(String.init)
    if start.count == 3, letters.contains(start[0]), start[1] == ".", start[2] == " " { return start[0] }
    let marker = "The answer is "
    var found: [String] = []
    var rest = answer[...]
    while let range = rest.range(of: marker) {
      rest = rest[range.upperBound...]
      guard let letter = rest.first, letter.isASCII, letter.isUppercase,
        let after = rest.dropFirst().first, !after.isNewline
      else { continue }
      found.append(String(letter))
      rest = rest.dropFirst(2)
    }
    return found.count == 1 ? found[0] : nil
  }

  static func items(_ answered: [AnsweredQuestion]) -> [ScoredItem] {
    answered.map { answered in
      let letter = letter(answered.answer.trimmed)
      return ScoredItem(answered, score: letter == answered.question.answers.first ? 1 : 0)
    }
  }
}
