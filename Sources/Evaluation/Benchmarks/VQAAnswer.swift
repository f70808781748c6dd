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
    return normalised(String(scalars).trimmed)
  }

  /// The official steps: one line, punctuation, then digits, articles and contractions.
  static func normalised(_ text: String) -> String {
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
