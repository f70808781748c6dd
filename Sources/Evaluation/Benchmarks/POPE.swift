import Files
import Foundation
import JSON

/// POPE: "Is there a … in the image?", in the subsets random, popular and adversarial.
///
/// Files: the benchmark's `coco_pope_<subset>.json` (one object per line: `question_id`, `image`, `text`, `label`), alone
/// or as a directory of them; or LLaVA's `llava_pope_test.jsonl`, whose labels are those files.
/// Source: Li et al., "Evaluating Object Hallucination in Large Vision-Language Models"; LLaVA, `eval_pope.py`.
enum POPE {
  static func read(_ path: String, annotations: String?) throws(EvaluationError) -> [Question] {
    let isReleased = Directory.exists(path) ? true : isLabelled(try readJSONLines(path))
    if isReleased { return try released(path) }
    guard let annotations else {
      throw .annotationsNeeded(benchmark: "POPE", expected: "the directory of its coco_pope_*.json files")
    }
    return try joined(try LLaVAQuestions.read(path), annotations: annotations)
  }

  private static func isLabelled(_ records: [RecordReader]) -> Bool {
    records.contains { $0.object["label"] != nil }
  }

  /// The label files at `path`, in the order of their names.
  private static func subsets(_ path: String) throws(EvaluationError) -> [String] {
    guard Directory.exists(path) else { return [path] }
    return try filesInDirectory(path).filter { $0.hasSuffix(".json") && subset(of: $0) != nil }
  }

  /// `random` of `…/coco_pope_random.json`.
  private static func subset(of path: String) -> String? {
    let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    guard let marker = name.range(of: "_pope_") else { return nil }
    return String(name[marker.upperBound...])
  }

  private static func released(_ path: String) throws(EvaluationError) -> [Question] {
    var questions: [Question] = []
    for subset in try subsets(path) { questions += try labelled(subset) }
    return questions
  }

  private static func labelled(_ path: String) throws(EvaluationError) -> [Question] {
    let subset = subset(of: path) ?? LLaVAQuestions.defaultCategory
    var questions: [Question] = []
    for record in try readJSONLines(path) {
      questions.append(
        Question(
          index: questions.count, id: .string("\(subset)/\(try record.questionID("question_id"))"),
          image: .file(try record.string("image")),
          text: try record.string("text") + "\n" + PromptSuffix.shortAnswer,
          answers: [try record.string("label", oneOf: ["yes", "no"])], category: subset))
    }
    return questions
  }

  /// LLaVA numbers its questions anew, so a question is found again by its subset, picture and text.
  private static func joined(_ questions: [Question], annotations: String) throws(EvaluationError) -> [Question] {
    struct Key: Hashable {
      let subset: ExactText
      let image: ImageReference
      let text: ExactText
    }
    var labels: [Key: [String]] = [:]
    for question in try released(annotations) {
      labels[Key(subset: ExactText(question.category), image: question.image, text: ExactText(question.text))] =
        question.answers
    }
    return try questions.map { question throws(EvaluationError) in
      var question = question
      let key = Key(subset: ExactText(question.category), image: question.image, text: ExactText(question.text))
      guard let answers = labels[key] else {
        throw EvaluationError.unannotated(file: annotations, question: question.id.description)
      }
      question.answers = answers
      return question
    }
  }

  static func items(_ answered: [AnsweredQuestion]) -> [ScoredItem] {
    answered.map { answered in
      ScoredItem(
        answered, score: YesNo(popeAnswer: answered.answer).rawValue == answered.question.answers.first ? 1 : 0)
    }
  }

  /// Precision, recall and F1 of "yes", and the share of "yes", per subset; then the subsets' mean F1, which is what
  /// LLaVA's table calls POPE.
  static func metrics(_ answered: [AnsweredQuestion]) -> [Metric] {
    var metrics: [Metric] = []
    var f1Scores: [Double?] = []
    for (subset, group) in answered.grouped(by: \.question.category) {
      let confusion = Confusion(group)
      f1Scores.append(confusion.f1)
      metrics += [
        Metric(family: subset, name: "precision", value: confusion.precision),
        Metric(family: subset, name: "recall", value: confusion.recall),
        Metric(family: subset, name: "F1", value: confusion.f1),
        Metric(family: subset, name: "yes ratio", value: confusion.yesRatio),
      ]
    }
    let known = f1Scores.compactMap { $0 }
    let mean = known.count == f1Scores.count && !known.isEmpty ? known.reduce(0, +) / Double(known.count) : nil
    return metrics + [Metric(name: "mean F1", value: mean, isHeadline: true)]
  }

  /// Counts of answers against labels; "yes" is positive.
  private struct Confusion {
    var truePositives = 0
    var falsePositives = 0
    var falseNegatives = 0
    var count = 0

    init(_ answered: [AnsweredQuestion]) {
      for item in answered {
        count += 1
        let isYes = YesNo(popeAnswer: item.answer) == .yes
        let shouldBeYes = item.question.answers.first == YesNo.yes.rawValue
        truePositives += isYes && shouldBeYes ? 1 : 0
        falsePositives += isYes && !shouldBeYes ? 1 : 0
        falseNegatives += !isYes && shouldBeYes ? 1 : 0
      }
    }

    var precision: Double? { ratio(truePositives, truePositives + falsePositives) }
    var recall: Double? { ratio(truePositives, truePositives + falseNegatives) }
    /// 2PR / (P + R) = 2TP / (2TP + FP + FN).
    var f1: Double? { ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives) }
    var yesRatio: Double? { ratio(truePositives + falsePositives, count) }

    private func ratio(_ part: Int, _ whole: Int) -> Double? {
      whole > 0 ? Double(part) / Double(whole) : nil
    }
  }
}
