package import Evaluation
import Reports
import Statistics

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
