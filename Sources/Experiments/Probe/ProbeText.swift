package import Evidence
import Reports
import Statistics

/// Probes in words and as rows of a table.
package struct ProbeText: Sendable {
  private let report: ProbeReport

  package init(_ report: ProbeReport) { self.report = report }

  package var lines: [String] {
    let labels = report.labels.map { "\($0.name) \($0.pictures)" }.joined(separator: ", ")
    let head = ["", "values", "right", "95 %", "permuted", "95 %", "p", ""]
    let rows = report.results.map { result in
      [
        result.name, "\(result.dimension)", Format.percent(result.accuracy), range(result.interval),
        Format.percent(result.permutedMean), range(result.permutedRange), significant(result.pValue),
        result.read ? "" : "read by nobody",
      ]
    }
    return [
      "\(report.pictures) pictures: \(labels)", "which label, from a linear map that was fitted to the other pictures",
    ]
      + TextTable(.trailingButFirst).lines([head] + rows)
      + [
        "",
        "Who always says the commonest label is right in \(Format.percent(report.chance)); \(report.permutations) permutations of the labels, "
          + "seed \(report.seed).",
        "A label that can be read is there; that the model uses it is another question (vocoscope verify).",
      ]
  }

  private func range(_ interval: Interval) -> String {
    "\(Format.percent(interval.low))–\(Format.percent(interval.high))"
  }

  /// A row for each kind of feature, under its heading.
  package var rows: [[String]] {
    [
      [
        "features", "read", "dimension", "n", "accuracy", "lower", "upper", "permuted_mean", "permuted_lower",
        "permuted_upper", "p", "chance",
      ]
    ]
      + report.results.map { result in
        [
          result.name, "\(result.read)", "\(result.dimension)", "\(report.pictures)", "\(result.accuracy)",
          "\(result.interval.low)", "\(result.interval.high)", "\(result.permutedMean)",
          "\(result.permutedRange.low)", "\(result.permutedRange.high)", "\(result.pValue)", "\(report.chance)",
        ]
      }
  }
}
