package import Evidence
package import Plots
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

  /// Accuracies with their intervals, over what permuted labels give.
  ///
  /// - Parameter source: model and weights, for the caption.
  package func figure(source: String) -> Figure {
    let results = report.results.enumerated()
    let points = results.map {
      DataPoint(
        Double($0.offset), $0.element.accuracy, low: $0.element.interval.low, high: $0.element.interval.high)
    }
    let permuted = results.map {
      DataPoint(
        Double($0.offset) + 0.2, $0.element.permutedMean, low: $0.element.permutedRange.low,
        high: $0.element.permutedRange.high)
    }
    return Figure(
      title: "Which label can be read off what", columnWidths: [max(480, 70 * Double(report.results.count))],
      rowHeights: [340],
      panels: [
        Chart(
          title: "leave-one-out ridge probes",
          x: .categories(report.results.map { $0.read ? $0.name : $0.name + " *" }),
          y: ChartAxis("right", range: 0...1.02),
          marks: [
            .points(DataSeries("right, 95 %", color: .series(0), points: points), radius: 4),
            .points(DataSeries("permuted labels, 95 %", color: .series(5), points: permuted), radius: 3),
            .horizontalRule(report.chance, name: "the commonest label", color: .ink),
          ])
      ],
      notes: [
        "\(report.pictures) pictures, \(report.labels.count) labels, \(report.permutations) permutations, seed "
          + "\(report.seed). * read by nobody. A label that can be read is there; that the model uses it is another question.",
        source,
      ])
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
