import Foundation
import JSON

/// VQAv2: open questions with ten annotators' answers.
///
/// Files: `v2_OpenEnded_mscoco_*_questions.json` (`data_subtype`, `questions` with `image_id`, `question`,
/// `question_id`) or LLaVA's `llava_vqav2_mscoco_*.jsonl`, both with `v2_mscoco_*_annotations.json` as annotations
/// (`annotations` with `question_id`, `answer_type`, `answers`). Families are the answer types.
/// Source: Goyal et al., "Making the V in VQA Matter"; VQA API, `vqaEval.py`.
enum VQAv2 {
  static func read(_ path: String, annotations: String?) throws(EvaluationError) -> [Question] {
    guard let annotations else {
      throw .annotationsNeeded(benchmark: "VQAv2", expected: "v2_mscoco_<split>_annotations.json")
    }
    let references = try references(annotations)
    let questions = path.hasSuffix(".jsonl") ? try LLaVAQuestions.read(path) : try openEnded(path)
    return try questions.map { question throws(EvaluationError) in
      guard let reference = references[ExactText(question.id.description)] else {
        throw EvaluationError.unannotated(file: annotations, question: question.id.description)
      }
      var question = question
      question.answers = reference.answers
      question.category = reference.type
      return question
    }
  }

  private static func openEnded(_ path: String) throws(EvaluationError) -> [Question] {
    let file = try readJSONObject(path)
    let subset = try file.string("data_subtype")
    // The test-dev questions are about pictures of the test set.
    let pictures = subset == "test-dev2015" ? "test2015" : subset
    var questions: [Question] = []
    var seen: Set<QuestionID> = []
    for record in try file.records("questions") {
      let id = try record.questionID("question_id")
      guard seen.insert(id).inserted else {
        throw .duplicateQuestion(file: path, line: record.line, question: id.description)
      }
      let image = String(try record.integer("image_id"))
      let padded = String(repeating: "0", count: max(0, 12 - image.count)) + image
      questions.append(
        Question(
          index: questions.count, id: id, image: .file("COCO_\(pictures)_\(padded).jpg"),
          text: try record.string("question") + "\n" + PromptSuffix.shortAnswer, answers: [],
          category: LLaVAQuestions.defaultCategory))
    }
    return questions
  }

  private static func references(
    _ path: String
  ) throws(EvaluationError) -> [ExactText: (answers: [String], type: String)] {
    var references: [ExactText: (answers: [String], type: String)] = [:]
    for record in try readJSONObject(path).records("annotations") {
      let answers = try record.records("answers").map { answer throws(EvaluationError) in try answer.string("answer") }
      guard !answers.isEmpty else { throw record.wrong("answers", "empty", expected: "the annotators' answers") }
      references[ExactText(try record.questionID("question_id").description)] = (
        answers, try record.string("answer_type")
      )
    }
    return references
  }

  /// The mean over annotators of min(1, m/3), m being how many of the *other* annotators gave the answer.
  ///
  /// The text goes through LLaVA's normalization for submission first. Unanimous references are compared as they are,
  /// others after the official normalization of both sides, as the challenge does.
  static func score(_ text: String, answers: [String]) -> Double {
    var answer = VQAAnswer.oneLine(VQAAnswer.submitted(text))
    var references = answers.map(VQAAnswer.oneLine)
    if Set(references).count > 1 {
      references = references.map(VQAAnswer.normalised)
      answer = VQAAnswer.normalised(answer)
    }
    let matches = references.count { $0 == answer }
    let scores = references.map { reference in min(1, Double(reference == answer ? matches - 1 : matches) / 3) }
    return scores.reduce(0, +) / Double(scores.count)
  }

  static func items(_ answered: [AnsweredQuestion]) -> [ScoredItem] {
    answered.map { ScoredItem($0, score: score($0.answer, answers: $0.question.answers)) }
  }
}
