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
