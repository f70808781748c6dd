extension Comparison {
  /// Tables for a terminal: a row for each family, a column for each model.
  package var text: String {
    var blocks = [title, table(accuracyRows).joined(separator: "\n")]
    // A benchmark's only figure is the accuracy that the first table ends with.
    if models.contains(where: { $0.scorecard.metrics.count > 1 }) {
      blocks.append(table(metricRows).joined(separator: "\n"))
    }
    let retention = retentionRows
    if !retention.isEmpty { blocks.append(table(retention).joined(separator: "\n") + "\n" + retentionNote) }
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
    let means = ["family mean", "\(familyNames.count)"] + models.map { Figures.percent($0.familyMean) }
    return [header] + rows + [row("overall", models.map(\.overall)), means]
  }

  private func row(_ name: String, _ scores: [FamilyScore?]) -> [String] {
    let count = scores.compactMap { $0?.count }.max() ?? 0
    return [name, String(count)]
      + scores.map { score in
        score.map { "\(Figures.percent($0.score)) \(Figures.percent($0.interval))" } ?? Figures.none
      }
  }

  /// The benchmark's own figures; a star marks the one that papers quote.
  private var metricRows: [[String]] {
    let keys = models.flatMap(\.scorecard.metrics).grouped { MetricKey($0) }.map(\.key)
    let rows = keys.map { key in
      [key.label]
        + models.map { model in
          model.scorecard.metrics.first { MetricKey($0) == key }.map(Figures.value) ?? Figures.none
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
      return [family.name, Figures.percent(family.lower), Figures.percent(family.upper)]
        + reports.map { report in
          guard let family = report.retention?.families[place] else { return Figures.none }
          return family.isKept ? Figures.percent(family.retention) : "left out"
        }
    }
    let mean = reports.map { report in
      Figures.percent(report.retention?.mean)
        + (report.retention?.interval.map { " \(Figures.percent($0))" } ?? "")
    }
    return [["retention", "lower", "upper"] + reports.map(\.model)] + rows + [["mean", "", ""] + mean]
  }

  private var retentionNote: String {
    "Families whose bounds lie within \(Figures.decimal(100 * Retention.closest, places: 0)) points of each other are "
      + "left out of the mean."
  }

  /// Lines with the first column on the left and the others on the right, two spaces apart.
  private func table(_ rows: [[String]]) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.compactMap { $0.indices.contains(column) ? $0[column].count : nil }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, text in
        let padding = String(repeating: " ", count: widths[column] - text.count)
        return column == 0 ? text + padding : padding + text
      }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }
}
