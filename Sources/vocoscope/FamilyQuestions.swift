import Evaluation
import Foundation
import Inspector
import Trace

/// A question of a family, and the right answer where it is known.
struct FamilyQuestion {
  let family: String
  /// May name what earlier answers named: `{object}`, `{other}`.
  let text: String
  let right: String?

  /// The questions for a picture: its own, if it is one of the bundled scenes, else those that fit any picture.
  static func questions(for picture: String) throws -> [FamilyQuestion] {
    guard let own = AssetLocator.process.locate("images/questions.jsonl"),
      let general = AssetLocator.process.locate("images/families.jsonl")
    else {
      throw UsageProblem("the bundled questions were not found beside the program or above it")
    }
    let known = try read(own) { $0 == picture }
    return known.isEmpty ? try read(general) { _ in true } : known
  }

  private static func read(_ path: String, where matches: (String) -> Bool) throws -> [FamilyQuestion] {
    try QuestionSet(.llava, path: path).questions.compactMap { question in
      guard case .file(let image) = question.image, matches(image) else { return nil }
      return FamilyQuestion(
        family: question.category, text: question.text, right: question.answers.first { !$0.isEmpty })
    }
  }
}

/// What answers have named so far, for questions about it.
struct FamilyNames {
  private var names: [String] = []

  /// The question with the names in it; nil while there are too few.
  func filled(_ text: String) -> String? {
    var text = text
    for (place, name) in ["{object}", "{other}"].enumerated() where text.contains(name) {
      guard names.indices.contains(place) else { return nil }
      text = text.replacingOccurrences(of: name, with: names[place])
    }
    return text
  }

  /// Voco's answers to the questions for an object are names.
  mutating func learn(_ question: FamilyQuestion, from columns: [FamilyAnswer.Column]) {
    guard question.family == "which", let answer = columns.first(where: { $0.source == .voco }) ?? columns.first,
      !answer.text.isEmpty, !names.contains(answer.text)
    else { return }
    names.append(answer.text)
  }
}
