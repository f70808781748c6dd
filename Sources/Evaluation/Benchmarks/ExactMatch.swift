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
