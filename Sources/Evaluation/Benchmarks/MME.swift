import Files
import Foundation
import JSON

/// MME: two yes-or-no questions about each picture, in ten perception and four cognition categories.
///
/// Files: the release directory, one folder a category, with `<picture>.txt` holding two lines `question<TAB>Yes|No`,
/// either beside the pictures or in `questions_answers_YN` with the pictures in `images`; or LLaVA's `llava_mme.jsonl`
/// with that directory as annotations. There a question's ID is its picture's path, so IDs come in pairs.
/// Source: Fu et al., "MME", `eval_tool/calculation.py`; LLaVA, `convert_answer_to_mme.py`.
enum MME {
  static let perception = [
    "existence", "count", "position", "color", "posters", "celebrity", "scene", "landmark", "artwork", "OCR",
  ]
  static let cognition = ["commonsense_reasoning", "numerical_calculation", "text_translation", "code_reasoning"]

  private static let request = "Please answer yes or no."
  /// Compared without case.
  private static let pictureExtensions = ["jpg", "png", "jpeg"]

  static func read(_ path: String, annotations: String?) throws(EvaluationError) -> [Question] {
    if Directory.exists(path) { return try release(path) }
    guard let annotations else {
      throw .annotationsNeeded(benchmark: "MME", expected: "the directory MME_Benchmark_release_version")
    }
    struct Key: Hashable {
      let category: ExactText
      let picture: ExactText
      let text: ExactText
    }
    func key(_ question: Question) -> Key {
      let picture = URL(fileURLWithPath: question.image.key).deletingPathExtension().lastPathComponent
      return Key(
        category: ExactText(question.category), picture: ExactText(picture), text: ExactText(question.text.words))
    }
    let references = Dictionary(try release(annotations).map { (key($0), $0) }, uniquingKeysWith: { first, _ in first })
    return try LLaVAQuestions.read(path, repeatedIDs: true).map { question throws(EvaluationError) in
      guard let reference = references[key(question)] else {
        throw EvaluationError.unannotated(file: annotations, question: "\(question.id) \"\(question.text.prefix(60))\"")
      }
      var question = question
      question.answers = reference.answers
      question.group = reference.group
      return question
    }
  }

  private static func release(_ directory: String) throws(EvaluationError) -> [Question] {
    var questions: [Question] = []
    for category in perception + cognition where Directory.exists("\(directory)/\(category)") {
      let folder = "\(directory)/\(category)"
      let apart = Directory.exists("\(folder)/questions_answers_YN")
      let texts = try filesInDirectory(apart ? "\(folder)/questions_answers_YN" : folder)
      let pictures = apart ? "\(category)/images" : category
      let names = Directory.exists("\(directory)/\(pictures)") ? try filesInDirectory("\(directory)/\(pictures)") : []
      let pictureOf = pictureNames(names)
      for path in texts where path.lowercased().hasSuffix(".txt") {
        let stem = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        let name = pictureOf[ExactText(stem)] ?? "\(stem).\(pictureExtensions[0])"
        questions += try pair(path, image: "\(pictures)/\(name)", category: category)
      }
    }
    return questions
  }

  /// The picture of each name without its ending; of several the one whose ending comes first in `pictureExtensions`.
  private static func pictureNames(_ paths: [String]) -> [ExactText: String] {
    var found: [ExactText: (rank: Int, name: String)] = [:]
    for path in paths {
      let url = URL(fileURLWithPath: path)
      guard let rank = pictureExtensions.firstIndex(of: url.pathExtension.lowercased()) else { continue }
      let stem = ExactText(url.deletingPathExtension().lastPathComponent)
      if found[stem].map({ rank < $0.rank }) ?? true { found[stem] = (rank, url.lastPathComponent) }
    }
    return found.mapValues(\.name)
  }

  private static func pair(_ path: String, image: String, category: String) throws(EvaluationError) -> [Question] {
    let text = try readText(path)
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    var questions: [Question] = []
    for (number, line) in lines.enumerated() where !line.trimmed.isEmpty {
      let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(\.trimmed)
      guard cells.count == 2, let answer = YesNo(rawValue: cells[1].lowercased()) else {
        throw .malformed(file: path, line: number + 1, reason: "expected a question, a tab, and Yes or No")
      }
      let question = cells[0].replacingOccurrences(of: request, with: "").trimmed
      questions.append(
        Question(
          index: 0, id: .string(image), image: .file(image), text: question + "\n" + PromptSuffix.shortAnswer,
          answers: [answer.rawValue], category: category, group: image))
    }
    guard questions.count == 2 else {
      throw .malformed(file: path, line: 1, reason: "found \(questions.count) questions, expected 2")
    }
    return questions
  }

  static func items(_ answered: [AnsweredQuestion]) -> [ScoredItem] {
    answered.map { answered in
      ScoredItem(
        answered, score: YesNo(mmeAnswer: answered.answer)?.rawValue == answered.question.answers.first ? 1 : 0)
    }
  }

  /// Per category accuracy over questions, accuracy+ over pictures (both questions right), and their sum in points of
  /// 200; then the sums over the perception and the cognition categories.
  static func metrics(_ answered: [AnsweredQuestion]) -> [Metric] {
    var metrics: [Metric] = []
    var points: [String: Double] = [:]
    for (category, group) in answered.grouped(by: \.question.category) {
      let scores = Dictionary(uniqueKeysWithValues: items(group).map { ($0.key, $0.score) })
      let pairs = group.grouped(by: \.question.group).map(\.elements)
      let right = pairs.filter { pair in pair.allSatisfy { scores[$0.question.index] == 1 } }
      let accuracy = scores.values.reduce(0, +) / Double(scores.count)
      let plus = Double(right.count) / Double(pairs.count)
      points[category] = 100 * (accuracy + plus)
      metrics += [
        Metric(family: category, name: "accuracy+", value: plus),
        Metric(family: category, name: "score", value: 100 * (accuracy + plus), maximum: 200),
      ]
    }
    func sum(_ name: String, _ categories: [String], isHeadline: Bool) -> Metric? {
      let known = categories.compactMap { points[$0] }
      guard !known.isEmpty else { return nil }
      return Metric(
        name: name, value: known.reduce(0, +), maximum: 200 * Double(known.count), isHeadline: isHeadline)
    }
    return metrics
      + [sum("perception", perception, isHeadline: true), sum("cognition", cognition, isHeadline: false)]
      .compactMap { $0 }
  }
}

extension String {
  /// The words without MME's request and LLaVA's suffix, single-spaced: some lines have two spaces where LLaVA's file
  /// has one.
  fileprivate var words: String {
    replacingOccurrences(of: "Please answer yes or no.", with: "")
      .replacingOccurrences(of: PromptSuffix.shortAnswer, with: "")
      .split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}
