/// A question with the text that a model answered.
struct AnsweredQuestion: Sendable {
  let question: Question
  let answer: String
}

/// What one point is given for: a question, or the questions of one MMBench group.
package struct ScoredItem: Sendable, Equatable {
  /// Index of the (first) question; the same item of another model has the same key.
  package let key: Int
  package let family: String
  /// The picture, as the cluster that a bootstrap resamples.
  package let cluster: String
  /// In 0…1; fractions only in VQAv2.
  package let score: Double

  package init(key: Int, family: String, cluster: String, score: Double) {
    precondition((0...1).contains(score), "a score lies in 0…1")
    self.key = key
    self.family = family
    self.cluster = cluster
    self.score = score
  }

  init(_ answered: AnsweredQuestion, score: Double) {
    self.init(
      key: answered.question.index, family: answered.question.category, cluster: answered.question.image.key,
      score: score)
  }
}

/// A benchmark's own figure beside accuracy, such as F1 or MME's perception.
package struct Metric: Sendable, Equatable {
  /// The family it describes; nil for the whole benchmark.
  package let family: String?
  package let name: String
  /// In 0…`maximum`; nil where it is undefined, as precision is without a "yes".
  package let value: Double?
  /// 1 for a share, which is shown in per cent; else a number of points.
  package let maximum: Double
  /// Whether papers quote this figure for the benchmark.
  package let isHeadline: Bool

  package init(family: String? = nil, name: String, value: Double?, maximum: Double = 1, isHeadline: Bool = false) {
    self.family = family
    self.name = name
    self.value = value
    self.maximum = maximum
    self.isHeadline = isHeadline
  }
}

/// A model's answers under a benchmark's rules.
package struct Scorecard: Sendable, Equatable {
  package let items: [ScoredItem]
  package let metrics: [Metric]
  /// Indices of questions that have no answer; they are left out of every figure.
  package let unanswered: [Int]
  /// How many answered questions have no public right answer; they are left out too.
  package let withoutReference: Int
}

extension QuestionSet {
  /// Scores answers by the benchmark's rules.
  ///
  /// - Parameter answers: the model's text for the question of each index.
  package func score(_ answers: [Int: String]) -> Scorecard {
    let answered = questions.compactMap { question in
      answers[question.index].map { AnsweredQuestion(question: question, answer: $0) }
    }
    let scorable = answered.filter { !$0.question.answers.isEmpty }
    let (items, metrics) = benchmark.score(scorable, of: questions)
    return Scorecard(
      items: items, metrics: metrics, unanswered: questions.map(\.index).filter { answers[$0] == nil },
      withoutReference: answered.count - scorable.count)
  }
}

extension Sequence {
  /// The elements by key, keys in the order of their first element.
  package func grouped<Key: Hashable>(by key: (Element) -> Key) -> [(key: Key, elements: [Element])] {
    var order: [Key: Int] = [:]
    var groups: [(key: Key, elements: [Element])] = []
    for element in self {
      let key = key(element)
      if let place = order[key] {
        groups[place].elements.append(element)
      } else {
        order[key] = groups.count
        groups.append((key, [element]))
      }
    }
    return groups
  }
}

/// Exact match as LLaVA's GQA script prepares answers: without surrounding space, without closing full stops, in lower
/// case.
///
/// Source: LLaVA, `scripts/convert_gqa_for_eval.py`; GQA, `eval.py`.
enum ExactMatch {
  static func normalized(_ text: String) -> String {
    var text = text.trimmed[...]
    while text.last == "." { text.removeLast() }
    return text.lowercased()
  }

  static func score(_ answered: AnsweredQuestion) -> Double {
    let answer = normalized(answered.answer)
    return answered.question.answers.contains { normalized($0) == answer } ? 1 : 0
  }

  static func items(_ answered: [AnsweredQuestion]) -> [ScoredItem] {
    answered.map { ScoredItem($0, score: score($0)) }
  }
}

extension StringProtocol {
  /// The text without whitespace at its ends.
  var trimmed: String {
    let scalars = unicodeScalars
    guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
      let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
    else { return "" }
    return String(String.UnicodeScalarView(scalars[first...last]))
  }
}

/// LLaVA's form of a multiple-choice question: the question, a line for each option, the suffix.
///
/// Source: LLaVA, `docs/Evaluation.md` and `llava/eval/model_vqa_mmbench.py`.
enum OptionPrompt {
  /// A, B, C, … for `count` options.
  static func letters(_ count: Int) -> [String] {
    precondition((0...26).contains(count), "options have the letters A to Z")
    return (0..<count).map { String(UnicodeScalar(UInt8(ascii: "A") + UInt8($0))) }
  }

  static func text(question: String, choices: [String]) -> String {
    let options = zip(letters(choices.count), choices).map { "\($0). \($1)" }
    return ([question] + options + [PromptSuffix.optionLetter]).joined(separator: "\n")
  }
}

/// What LLaVA appends to a question (its `docs/Evaluation.md`).
package enum PromptSuffix {
  package static let shortAnswer = "Answer the question using a single word or phrase."
  package static let optionLetter = "Answer with the option's letter from the given choices directly."
}

/// A yes-or-no answer as a benchmark's own script reads it.
enum YesNo: String, Sendable {
  case yes
  case no

  /// LLaVA's reading for POPE: of the first sentence, without commas and split at spaces, one of the words "No",
  /// "no" or "not" means no; anything else means yes.
  ///
  /// Source: LLaVA, `llava/eval/eval_pope.py`, after POPE's `evaluate.py`.
  init(popeAnswer text: String) {
    let sentence = text.prefix { $0 != "." }
    let words = sentence.filter { $0 != "," }.split(separator: " ", omittingEmptySubsequences: false)
    self = words.contains { $0 == "No" || $0 == "no" || $0 == "not" } ? .no : .yes
  }

  /// MME's reading: "yes", else "no", within the first four letters of the lower-cased answer; otherwise none.
  ///
  /// Source: MME, `eval_tool/calculation.py`.
  init?(mmeAnswer text: String) {
    let start = String(text.lowercased().unicodeScalars.prefix(4).map(Character.init))
    if start.contains("yes") {
      self = .yes
    } else if start.contains("no") {
      self = .no
    } else {
      return nil
    }
  }
}
