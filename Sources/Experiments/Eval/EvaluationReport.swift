package import Evaluation
package import JSON
import Reports

/// A comparison with what its numbers depend on.
package struct EvaluationReport: Sendable, Equatable {
  /// Where one model's answers come from.
  package struct Source: Sendable, Equatable {
    package let header: ResultsHeader
    /// SHA-256 over the pictures' own, in the order of the questions; nil where they were not recorded.
    package let picturesSHA256: String?

    package init(header: ResultsHeader, picturesSHA256: String?) {
      self.header = header
      self.picturesSHA256 = picturesSHA256
    }
  }

  package let comparison: Comparison
  /// By model, in the comparison's order.
  package let sources: [Source]
  /// The program's version that scored.
  package let version: String
  /// What interventions cost, beside the same models without them.
  package let effects: [InterventionEffect]

  package init(_ comparison: Comparison, sources: [Source], version: String) {
    precondition(sources.count == comparison.models.count, "each model has its source")
    self.comparison = comparison
    self.sources = sources
    self.version = version
    effects = InterventionEffect.all(comparison, sources: sources)
  }

  /// The comparison's tables, then a line of provenance for each model.
  package var text: String {
    let lines = zip(comparison.models, sources).map { model, source in
      let pictures = source.picturesSHA256.map { ", pictures \($0)" } ?? ""
      return "\(model.model): \(source.header.modelSHA256), \(source.header.settings)\(pictures)"
    }
    let questions = sources.first.map { ["questions \($0.header.questionsSHA256), scored by vocoscope \(version)"] }
    return comparison.text + "\n" + effects.map { $0.text + "\n" }.joined()
      + (lines + (questions ?? [])).map { $0 + "\n" }.joined()
  }

  /// The comparison's JSON with a member `provenance`.
  package var json: JSONValue {
    let models: [JSONValue] = zip(comparison.models, sources).map { model, source in
      .object([
        "model": .string(model.model), "model_sha256": .string(source.header.modelSHA256),
        "prompt_template": .string(source.header.promptTemplate), "settings": .string(source.header.settings),
        "pictures_sha256": .optional(source.picturesSHA256),
      ])
    }
    let provenance = JSONValue.object([
      "version": .string(version), "questions_sha256": .optional(sources.first?.header.questionsSHA256),
      "models": .array(models),
    ])
    guard case .object(let object) = comparison.json else { preconditionFailure("a comparison is an object") }
    let differences = JSONMember("differences", .array(effects.map(\.json)))
    return .object(object.members + (effects.isEmpty ? [] : [differences]) + [JSONMember("provenance", provenance)])
  }

  /// The comparison's rows, then rows whose figure is one of provenance and whose value is text.
  package var csv: String {
    var rows = effects.flatMap { $0.csv(comparison.benchmark) }
    for (model, source) in zip(comparison.models, sources) {
      let figures = [
        ("model SHA-256", source.header.modelSHA256), ("questions SHA-256", source.header.questionsSHA256),
        ("pictures SHA-256", source.picturesSHA256 ?? ""), ("settings", source.header.settings), ("version", version),
      ]
      rows += figures.map { [comparison.benchmark.rawValue, model.model, "", $0, "", $1, "", ""] }
    }
    return comparison.csv + CSV.text(rows)
  }
}
