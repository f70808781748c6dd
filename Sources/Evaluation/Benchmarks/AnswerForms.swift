/// Exact match as LLaVA's GQA script prepares answers: without surrounding space, without closing full stops, in lower
/// case.
///
/// Source: LLaVA, `scripts/convert_gqa_for_eval.py`; GQA, `eval.py`.
enum ExactMatch {
  static func normalised(_ text: String) -> String {
    var text = text.trimmed[...]
    while text.last == "." { text.removeLast() }
    return text.lowercased()
  }

  static func score(_ answered: AnsweredQuestion) -> Double {
    let answer = normalised(answered.answer)
    return answered.question.answers.contains { normalised($0) == answer } ? 1 : 0
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
