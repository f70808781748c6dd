package import Evaluation
import Reports
import Statistics

extension Comparison {
  /// Tables for a terminal: a row for each family, a column for each model.
  package var text: String {
    var blocks = [title, table(accuracyRows)]
    // A benchmark's only figure is the accuracy that the first table ends with.
    if models.contains(where: { $0.scorecard.metrics.count > 1 }) {
      blocks.append(table(metricRows))
    }
    let retention = retentionRows
    if !retention.isEmpty { blocks.append(table(retention) + "\n" + retentionNote) }
    blocks += models.flatMap(notes)
    return blocks.joined(separator: "\n\n") + "\n"
  }

  /// What a model's scores leave out.
  private func notes(_ model: ModelReport) -> [String] {
    let card = model.scorecard
    return [
      (card.unanswered.count, "questions have no answer"), (card.withoutReference, "answers have no public reference"),
    ]
    .filter { $0.0 > 0 }
    .map { "\(model.model): \($0) of \(questionCount) \($1) and are left out." }
  }

  private var title: String {
    "\(benchmark.title) · \(file) · \(questionCount) questions · per cent, 95 % intervals (\(method.title))"
  }

  private var accuracyRows: [[String]] {
    let header = ["family", "n"] + models.map(\.model)
    let rows = familyNames.map { name in
      row(name, models.map { model in model.families.first { $0.name == name } })
    }
    guard familyNames.count != 1 else { return [header] + rows }
    let means = ["family mean", "\(familyNames.count)"] + models.map { Score.text($0.familyMean) }
    return [header] + rows + [row("overall", models.map(\.overall)), means]
  }

  private func row(_ name: String, _ scores: [FamilyScore?]) -> [String] {
    let count = scores.compactMap { $0?.count }.max() ?? 0
    return [name, String(count)]
      + scores.map { score in
        score.map { "\(Score.text($0.score)) \(Score.text($0.interval))" } ?? Format.none
      }
  }

  /// The benchmark's own figures; a star marks the one that papers quote.
  private var metricRows: [[String]] {
    let keys = models.flatMap(\.scorecard.metrics).grouped { MetricKey($0) }.map(\.key)
    let rows = keys.map { key in
      [key.label]
        + models.map { model in
          model.scorecard.metrics.first { MetricKey($0) == key }.map(Score.text) ?? Format.none
        }
    }
    return [["figure"] + models.map(\.model)] + rows
  }

  private struct MetricKey: Hashable {
    let family: String?
    let name: String
    let isHeadline: Bool

    init(_ metric: Metric) {
      family = metric.family
      name = metric.name
      isHeadline = metric.isHeadline
    }

    var label: String { (family.map { "\($0) " } ?? "") + name + (isHeadline ? " *" : "") }
  }

  private var retentionRows: [[String]] {
    let reports = models.filter { $0.retention != nil }
    guard let first = reports.first?.retention else { return [] }
    let rows = first.families.indices.map { place in
      let family = first.families[place]
      return [family.name, Score.text(family.lower), Score.text(family.upper)]
        + reports.map { report in
          guard let family = report.retention?.families[place] else { return Format.none }
          return family.isKept ? Score.text(family.retention) : "left out"
        }
    }
    let mean = reports.map { report in
      Score.text(report.retention?.mean)
        + (report.retention?.interval.map { " \(Score.text($0))" } ?? "")
    }
    return [["retention", "lower", "upper"] + reports.map(\.model)] + rows + [["mean", "", ""] + mean]
  }

  private var retentionNote: String {
    "Families whose bounds lie within \(Format.rounded(100 * Retention.closest, places: 0)) points of each other are "
      + "left out of the mean."
  }

  private func table(_ rows: [[String]]) -> String {
    TextTable(.trailingButFirst, indent: 0).lines(rows).joined(separator: "\n")
  }
}

/// Shares in per cent, as scores are quoted.
enum Score {
  static func text(_ share: Double?) -> String { Format.rounded(share.map { 100 * $0 }, places: 1) }

  /// With its sign, a plus too.
  static func signed(_ share: Double) -> String {
    let text = text(share)
    return share > 0 && text.contains { "123456789".contains($0) } ? "+" + text : text
  }

  static func text(_ interval: Interval) -> String { "[\(text(interval.low)), \(text(interval.high))]" }

  /// A share in per cent, or points.
  static func text(_ metric: Metric) -> String {
    metric.maximum == 1 ? text(metric.value) : Format.rounded(metric.value, places: 1)
  }
}
