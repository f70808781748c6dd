import JSON

/// GQA: compositional questions about Visual Genome scenes.
///
/// Files: `testdev_balanced_questions.json`, an object from question ID to `imageId`, `question`, `answer`,
/// `isBalanced` and `types`; or LLaVA's `llava_gqa_testdev_balanced.jsonl` with that file as annotations. Families
/// are the structural types; `query` questions are open, the others binary.
/// Source: Hudson and Manning, "GQA"; its `eval.py`.
enum GQA {
  static func read(_ path: String, annotations: String?) throws(EvaluationError) -> [Question] {
    guard path.hasSuffix(".jsonl") else { return try balanced(path) }
    guard let annotations else {
      throw .annotationsNeeded(benchmark: "GQA", expected: "testdev_balanced_questions.json")
    }
    let references = Dictionary(
      uniqueKeysWithValues: try balanced(annotations).map { (ExactText($0.id.description), $0) })
    return try LLaVAQuestions.read(path).annotated(by: references, in: annotations) { question, reference in
      question.answers = reference.answers
      question.category = reference.category
    }
  }

  /// The balanced questions, the only ones that count.
  private static func balanced(_ path: String) throws(EvaluationError) -> [Question] {
    var questions: [Question] = []
    for member in try readJSONObject(path).object.members {
      guard case .object(let object) = member.value else {
        throw .malformed(file: path, line: 1, reason: "question \(member.key.prefix(40)) is not an object")
      }
      let record = RecordReader(file: path, object: object)
      if object["isBalanced"] == .bool(false) { continue }
      questions.append(
        Question(
          index: questions.count, id: .string(member.key), image: .file(try record.string("imageId") + ".jpg"),
          text: try record.string("question") + "\n" + PromptSuffix.shortAnswer,
          answers: [try record.string("answer")], category: try record.record("types").string("structural")))
    }
    return questions
  }

  static func metrics(_ items: [ScoredItem]) -> [Metric] {
    let open = items.filter { $0.family == "query" }
    let binary = items.filter { $0.family != "query" }
    return [
      Metric(name: "accuracy", value: items.meanScore, isHeadline: true),
      Metric(name: "binary", value: binary.meanScore),
      Metric(name: "open", value: open.meanScore),
    ]
  }
}
