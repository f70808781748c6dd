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
