package import Evaluation
package import JSON
import Reports
import Statistics

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

extension Comparison {
  /// The comparison as JSON; shares are in 0…1, undefined figures null.
  package var json: JSONValue {
    .object([
      "benchmark": .string(benchmark.rawValue), "questions": .string(file), "question_count": .integer(questionCount),
      "interval_method": .string(method.title), "models": .array(models.map(Self.json)),
    ])
  }

  private static func json(_ model: ModelReport) -> JSONValue {
    .object([
      "model": .string(model.model), "families": .array(model.families.map(json)),
      "overall": model.overall.map(json) ?? .null, "family_mean": .optional(model.familyMean),
      "figures": .array(model.scorecard.metrics.map(json)),
      "retention": model.retention.map(json) ?? .null,
      "unanswered": .array(model.scorecard.unanswered.map { .integer($0) }),
      "without_reference": .integer(model.scorecard.withoutReference),
    ])
  }

  private static func json(_ score: FamilyScore) -> JSONValue {
    .object([
      "family": .string(score.name), "n": .integer(score.count), "score": .number(score.score),
      "interval": json(score.interval),
    ])
  }

  private static func json(_ interval: Interval) -> JSONValue {
    .array([.number(interval.low), .number(interval.high)])
  }

  private static func json(_ metric: Metric) -> JSONValue {
    .object([
      "family": .optional(metric.family), "name": .string(metric.name), "value": .optional(metric.value),
      "maximum": .number(metric.maximum), "headline": .bool(metric.isHeadline),
    ])
  }

  private static func json(_ retention: Retention) -> JSONValue {
    let families: [JSONValue] = retention.families.map { family in
      .object([
        "family": .string(family.name), "n": .integer(family.count), "result": .number(family.result),
        "lower": .number(family.lower), "upper": .number(family.upper), "retention": .optional(family.retention),
        "kept": .bool(family.isKept),
      ])
    }
    return .object([
      "mean": .optional(retention.mean), "interval": retention.interval.map(json) ?? .null,
      "families": .array(families),
    ])
  }
}

extension Comparison {
  /// One row for each figure (RFC 4180 quoting, line feeds): benchmark, model, family, figure, n, value and interval.
  package var csv: String {
    let rows = models.flatMap { model in
      accuracyRows(model) + metricRows(model) + retentionRows(model)
    }
    let header = ["benchmark", "model", "family", "figure", "n", "value", "lower", "upper"]
    return CSV.text([header] + rows)
  }

  private func accuracyRows(_ model: ModelReport) -> [[String]] {
    let scores = (model.families + [model.overall].compactMap { $0 }).map { score in
      [
        benchmark.rawValue, model.model, score.name, "score", "\(score.count)", "\(score.score)",
        "\(score.interval.low)", "\(score.interval.high)",
      ]
    }
    let mean = model.familyMean.map {
      [benchmark.rawValue, model.model, "overall", "family mean", "\(model.families.count)", "\($0)", "", ""]
    }
    return scores + [mean].compactMap { $0 }
  }

  private func metricRows(_ model: ModelReport) -> [[String]] {
    model.scorecard.metrics.map { metric in
      [
        benchmark.rawValue, model.model, metric.family ?? "overall", metric.name, "",
        metric.value.map { "\($0)" } ?? "", "", "",
      ]
    }
  }

  private func retentionRows(_ model: ModelReport) -> [[String]] {
    guard let retention = model.retention else { return [] }
    let families = retention.families.map { family in
      [
        benchmark.rawValue, model.model, family.name, family.isKept ? "retention" : "retention (left out)",
        "\(family.count)", family.retention.map { "\($0)" } ?? "", "", "",
      ]
    }
    let mean = [
      benchmark.rawValue, model.model, "overall", "retention", "", retention.mean.map { "\($0)" } ?? "",
      retention.interval.map { "\($0.low)" } ?? "", retention.interval.map { "\($0.high)" } ?? "",
    ]
    return families + [mean]
  }
}

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
