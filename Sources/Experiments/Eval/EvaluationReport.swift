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

  package init(_ comparison: Comparison, sources: [Source], version: String) {
    precondition(sources.count == comparison.models.count, "each model has its source")
    self.comparison = comparison
    self.sources = sources
    self.version = version
  }

  /// The comparison's tables, then a line of provenance for each model.
  package var text: String {
    let lines = zip(comparison.models, sources).map { model, source in
      let pictures = source.picturesSHA256.map { ", pictures \($0)" } ?? ""
      return "\(model.model): \(source.header.modelSHA256), \(source.header.settings)\(pictures)"
    }
    let questions = sources.first.map { ["questions \($0.header.questionsSHA256), scored by vocoscope \(version)"] }
    return comparison.text + "\n" + (lines + (questions ?? [])).map { $0 + "\n" }.joined()
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
    return .object(object.members + [JSONMember("provenance", provenance)])
  }

  /// The comparison's rows, then rows whose figure is one of provenance and whose value is text.
  package var csv: String {
    var rows: [[String]] = []
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
