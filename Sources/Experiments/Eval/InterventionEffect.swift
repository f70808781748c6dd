package import Evaluation
import JSON
import Reports
import Statistics

/// What an intervention costs a model in right answers: a run with it beside the run without.
package struct InterventionEffect: Sendable, Equatable {
  /// Models' names as reports have them.
  package let model: String
  package let uncut: String
  package let difference: PairedDifference

  /// Every run with an intervention beside the first run of the same weights, questions and settings without it.
  static func all(_ comparison: Comparison, sources: [EvaluationReport.Source]) -> [InterventionEffect] {
    sources.indices.compactMap { place in
      let header = sources[place].header
      guard let plain = EvalIntervention.plain(header.settings),
        let base = sources.indices.first(where: {
          let other = sources[$0].header
          return other.modelSHA256.isExactly(header.modelSHA256) && other.settings.isExactly(plain)
            && other.promptTemplate.isExactly(header.promptTemplate)
        })
      else { return nil }
      let (model, uncut) = (comparison.models[place], comparison.models[base])
      return InterventionEffect(
        model: model.model, uncut: uncut.model,
        difference: PairedDifference(
          before: uncut.scorecard.items, after: model.scorecard.items, method: comparison.method))
    }
  }

  private var rows: [PairedDifference.Family] {
    difference.families.count == 1 ? difference.families : difference.families + [difference.overall].compactMap { $0 }
  }

  var text: String {
    let head = ["points", "n", "before", "after", "difference", "lost", "gained"]
    let lines = rows.map { family in
      [
        family.name, "\(family.count)", Score.text(family.before), Score.text(family.after),
        "\(Score.signed(family.difference)) [\(Score.signed(family.interval.low)), \(Score.signed(family.interval.high))]",
        "\(family.lost)", "\(family.gained)",
      ]
    }
    let table = TextTable(.trailingButFirst, indent: 0).lines([head] + lines).joined(separator: "\n")
    return "\(model) beside \(uncut), question by question\n\(table)\n"
  }

  var json: JSONValue {
    let families: [JSONValue] = rows.map { family in
      .object([
        "family": .string(family.name), "n": .integer(family.count), "before": .number(family.before),
        "after": .number(family.after), "difference": .number(family.difference),
        "interval": .array([.number(family.interval.low), .number(family.interval.high)]),
        "lost": .integer(family.lost), "gained": .integer(family.gained),
      ])
    }
    return .object(["model": .string(model), "uncut": .string(uncut), "families": .array(families)])
  }

  /// Rows in the comparison's columns.
  func csv(_ benchmark: Benchmark) -> [[String]] {
    rows.flatMap { family -> [[String]] in
      let head = [benchmark.rawValue, model, family.name]
      return [
        head + [
          "difference from \(uncut)", "\(family.count)", "\(family.difference)", "\(family.interval.low)",
          "\(family.interval.high)",
        ],
        head + ["lost", "\(family.count)", "\(family.lost)", "", ""],
        head + ["gained", "\(family.count)", "\(family.gained)", "", ""],
      ]
    }
  }
}
