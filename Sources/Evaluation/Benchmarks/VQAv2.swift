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
    return try questions.annotated(by: references, in: annotations) { question, reference in
      question.answers = reference.answers
      question.category = reference.type
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
      references = references.map(VQAAnswer.normalized)
      answer = VQAAnswer.normalized(answer)
    }
    let matches = references.count { $0 == answer }
    let scores = references.map { reference in min(1, Double(reference == answer ? matches - 1 : matches) / 3) }
    return scores.reduce(0, +) / Double(scores.count)
  }

  static func items(_ answered: [AnsweredQuestion]) -> [ScoredItem] {
    answered.map { ScoredItem($0, score: score($0.answer, answers: $0.question.answers)) }
  }
}

/// The answer normalization of the VQA challenge, in the two forms that LLaVA's numbers have gone through.
///
/// Text is handled as Unicode scalars, as the scripts do. Source: VQA API, `vqaEval.py`; LLaVA,
/// `llava/eval/m4c_evaluator.py` (`EvalAIAnswerProcessor`).
enum VQAAnswer {
  private typealias Scalars = [Unicode.Scalar]

  /// What LLaVA submits for a model's text: lower case, commas and question marks dropped, "'s" split off, then the
  /// official steps.
  static func submitted(_ text: String) -> String {
    var scalars: Scalars = []
    for scalar in text.lowercased().unicodeScalars where scalar != "," && scalar != "?" {
      if scalar == "s", scalars.last == "'" {
        scalars[scalars.count - 1] = " "
        scalars += ["'", "s"]
      } else {
        scalars.append(scalar)
      }
    }
    return normalized(String(scalars).trimmed)
  }

  /// The official steps: one line, punctuation, then digits, articles and contractions.
  static func normalized(_ text: String) -> String {
    words(withoutPunctuation(Array(oneLine(text).unicodeScalars)))
  }

  /// Line breaks and tabs become spaces; the ends are trimmed.
  static func oneLine(_ text: String) -> String {
    String(text.unicodeScalars.map { $0 == "\n" || $0 == "\t" ? " " : $0 }).trimmed
  }

  private static let punctuation: Scalars = [
    ";", "/", "[", "]", "\"", "{", "}", "(", ")", "=", "+", "\\", "_", "-", ">", "<", "@", "`", ",", "?", "!",
  ]
  /// The script passes a regular expression's flag where its substitution takes a count, so no more full stops go.
  private static let mostFullStops = 32

  /// Removes each mark that stands beside a space, or every mark if a comma separates digits; another mark becomes a
  /// space. Then removes full stops that no digit follows.
  private static func withoutPunctuation(_ text: Scalars) -> Scalars {
    let hasDigitComma = text.indices.dropFirst().dropLast().contains {
      text[$0] == "," && text[$0 - 1].isDigit && text[$0 + 1].isDigit
    }
    let besideSpace = Set(
      text.indices.filter { index in
        (index > 0 && text[index - 1] == " ") || (index + 1 < text.count && text[index + 1] == " ")
      }.map { text[$0] })
    let spaced: Scalars = text.compactMap { scalar in
      guard punctuation.contains(scalar) else { return scalar }
      return hasDigitComma || besideSpace.contains(scalar) ? nil : " "
    }
    var removed = 0
    return spaced.indices.compactMap { index in
      let isLast = index + 1 == spaced.count
      guard spaced[index] == ".", isLast || !spaced[index + 1].isDigit, removed < mostFullStops else {
        return spaced[index]
      }
      removed += 1
      return nil
    }
  }

  private static let digits = [
    "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10",
  ]
  private static let articles: Set<String> = ["a", "an", "the"]

  private static func words(_ text: Scalars) -> String {
    let words = String(text).lowercased().unicodeScalars.split { $0.isSeparator }
    return words.map { digits[String($0)] ?? String($0) }
      .filter { !articles.contains($0) }
      .map { VQAContractions.restored[$0] ?? $0 }
      .joined(separator: " ")
  }
}

extension String {
  fileprivate init(_ scalars: [Unicode.Scalar]) {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    self.init(view)
  }
}

extension Unicode.Scalar {
  fileprivate var isDigit: Bool { properties.generalCategory == .decimalNumber }
  /// What splits words: Unicode's white space and the information separators U+001C to U+001F.
  fileprivate var isSeparator: Bool { properties.isWhitespace || (0x1C...0x1F).contains(value) }
}

/// The VQA challenge's contractions: a word that has lost one apostrophe gets it back.
enum VQAContractions {
  /// The words with their apostrophes. "she's" and "let's" are absent: the challenge leaves "shes" and "lets" alone.
  private static let words = """
    ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've
    he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've
    o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's
    someone'd someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've
    there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's
    what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've
    wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
    """

  /// From the word without one of its apostrophes to the word.
  static let restored: [String: String] = {
    // The challenge's table has this one the wrong way round.
    var table = ["somebody'd": "somebodyd"]
    for word in words.split(whereSeparator: \.isWhitespace).map(String.init) {
      for index in word.indices where word[index] == "'" {
        var lost = word
        lost.remove(at: index)
        table[lost] = word
      }
    }
    return table
  }()
}
