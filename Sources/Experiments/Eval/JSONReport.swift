package import Evaluation
package import JSON
import Statistics

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
