import Evaluation
import Evidence
import Foundation
import Trace

/// A question of a family, and the right answer where it is known.
package struct FamilyQuestion: Sendable {
  package let family: String
  /// May name what earlier answers named: `{object}`, `{other}`.
  package let text: String
  package let right: String?

  package init(family: String, text: String, right: String?) {
    self.family = family
    self.text = text
    self.right = right
  }

  /// The questions for the picture called `picture`: those that the file `own` has for it, else those of the file
  /// `general`, which fit any picture.
  package static func questions(for picture: String, own: String, general: String) throws -> [FamilyQuestion] {
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
  /// The family of questions whose answer is a name.
  private static let naming = "which"

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
    guard question.family == Self.naming, let answer = columns.first(where: { $0.source == .voco }) ?? columns.first,
      !answer.text.isEmpty, !names.contains(answer.text)
    else { return }
    names.append(answer.text)
  }
}
