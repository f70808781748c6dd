import ColorMaps
import Evidence
import Files
import Foundation
package import Plots
import Reports
import Safetensors
import Statistics

extension CodebookSeries {
  /// The table of the checkpoints, what changed between them, and what was passed over.
  package var text: String {
    let over = pictures > 0 ? "usage over \(pictures) picture\(pictures == 1 ? "" : "s")" : usageWords
    let head = [
      "checkpoint", "dead", "perplexity", "near-dupl.", "unreach.", "rank", "moved", "alike", "across", "norm",
      "directions", "flat", "findings",
    ]
    let title = "\(printableName(directory)): \(steps.count) checkpoints, \(over)"
    let table = TextTable().lines([head] + steps.map(row))
    let left = passedOver.map { "passed over \(printableName($0.name)): \(printable($0.reason))" }
    let lines = [title] + table + Self.legend + anchorNote + changes + left
    return lines.map { $0 + "\n" }.joined()
  }

  /// The document that `codebook --series --format json` prints.
  package var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
  }

  private static let legend = [
    "dead, near-duplicate and unreachable codes of all groups; perplexity and rank: means over groups; moved = 1 − mean",
    "cosine with the code of the same index in the checkpoint before; alike = mean cosine of different anchors of a",
    "picture, across = of an anchor with itself in other pictures (near 1, anchors hold one vector, or see no picture);",
    "norm = mean length of the anchors; directions = effective rank of what differs between pictures' anchors (below 2 the",
    "projector has collapsed); flat = part of the projector's last pre-activations at which GELU is flat",
  ]

  private var usageWords: String {
    switch steps.map(\.usage).contains(.buffers) {
    case true: "usage by the checkpoints' own buffers, a running record of training (name pictures to count codes)"
    case false: "usage not known: name pictures"
    }
  }

  private var anchorNote: [String] {
    steps.contains { $0.anchors?.source == .randomCodes } ? ["anchors are those of 8 draws of random codes"] : []
  }

  private func row(_ step: Step) -> [String] {
    func number(_ value: Double?) -> String { value.map(significant) ?? "" }
    let findings = Set(step.findings.map(\.what.rawValue)).sorted().joined(separator: " ")
    let health = step.anchors?.health
    return [
      printableName(step.name), step.dead.map { "\($0) of \(step.codes)" } ?? "", number(step.mean(\.perplexity)),
      "\(step.groups.reduce(0) { $0 + $1.nearDuplicates })", "\(step.groups.reduce(0) { $0 + $1.unreachable })",
      number(step.mean { $0.effectiveRank }), step.mean(\.moved).map { decimal($0, digits: 4) } ?? "",
      step.anchors?.alike.map { decimal($0, digits: 3) } ?? "",
      step.anchors?.acrossPictures.map { decimal($0, digits: 3) } ?? "", number(health?.norms.mean),
      number(health?.rank), health?.saturated.last.map { Format.percent($0) } ?? "", findings,
    ]
  }

  /// When each warning first and last stood.
  package var changes: [String] {
    CodebookFinding.What.allCases.compactMap { what in
      let places = steps.indices.filter { index in steps[index].findings.contains { $0.what == what } }
      guard let first = places.first, let last = places.last else { return nil }
      let start = first == 0 ? "from the first checkpoint" : "from \(printableName(steps[first].name))"
      let end = last == steps.count - 1 ? " on" : " to \(printableName(steps[last].name))"
      return "\(what.rawValue): \(start)\(end), in \(places.count) of \(steps.count) checkpoints"
    }
  }

  /// Rows of `checkpoint,group,name,value`; group is empty for what concerns all.
  package var csv: String {
    var rows = [["checkpoint", "group", "name", "value"]]
    func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
    for step in steps {
      for (index, group) in step.groups.enumerated() {
        let values: [(String, String)] = [
          ("dead", group.dead.map(String.init) ?? ""), ("perplexity", number(group.perplexity)),
          ("near_duplicates", "\(group.nearDuplicates)"), ("unreachable", "\(group.unreachable)"),
          ("effective_rank", number(group.effectiveRank)), ("moved", number(group.moved)),
        ]
        rows += values.map { [step.name, "\(index + 1)", $0.0, $0.1] }
      }
      if let anchors = step.anchors {
        rows.append([step.name, "", "anchors_alike", number(anchors.alike)])
        rows.append([step.name, "", "anchors_across_pictures", number(anchors.acrossPictures)])
        rows += healthRows(anchors.health).map { [step.name, "", $0.0, $0.1] }
      }
      rows += step.findings.map {
        [step.name, $0.group.map { "\($0 + 1)" } ?? "", "finding", "\($0.what.rawValue): \($0.sentence)"]
      }
      rows.append([step.name, "", "weights_sha256", step.weightsSHA256])
    }
    return CSV.text(rows)
  }

  private func healthRows(_ health: AnchorHealth) -> [(String, String)] {
    func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
    var rows: [(String, String)] = [
      ("anchors_norm_mean", number(health.norms.mean)), ("anchors_norm_min", number(health.normRange?.lowerBound)),
      ("anchors_norm_max", number(health.normRange?.upperBound)), ("anchors_rank", number(health.rank)),
    ]
    for (layer, (saturated, dead)) in zip(health.saturated, health.dead).enumerated() {
      rows += [("projector_saturated_\(layer + 1)", "\(saturated)"), ("projector_dead_\(layer + 1)", "\(dead)")]
    }
    return rows + [("projector_collapsed", "\(health.isCollapsed)")]
  }
}

/// A codebook over the checkpoints of a training run, as one figure.
package struct CodebookSeriesFigure {
  let series: CodebookSeries
  /// The program's, for the note.
  let version: String

  package init(_ series: CodebookSeries, version: String) {
    self.series = series
    self.version = version
  }

  /// Tick labels that an axis has room for.
  private static let mostTicks = 12

  package var figure: Figure {
    let steps = series.steps
    var panels: [any FigurePanel] = []
    if steps.contains(where: { $0.dead != nil }) {
      panels.append(byGroup("perplexity", "codes used alike") { $0.perplexity })
      panels.append(
        byGroup("dead codes", "part of the codes") { group in
          group.dead.map { Double($0) / Double(max(1, group.codes)) }
        })
    }
    panels.append(byGroup("effective rank of the codes", "dimensions") { $0.effectiveRank })
    panels.append(byGroup("moved since the checkpoint before", "1 − mean cosine") { $0.moved })
    if steps.contains(where: { $0.anchors != nil }) { panels += [anchors, norms] + projector }
    let source =
      switch steps[0].usage {
      case .pictures: "usage over \(series.pictures) pictures"
      case .buffers: "usage by the checkpoints' buffers"
      case .none: "usage not known"
      }
    var figure = Figure(
      title: "The codebook over \(steps.count) checkpoints", columns: 2, panelWidth: 420, panelHeight: 260,
      panels: panels,
      notes: [
        "\(series.directory): \(steps[0].name) to \(steps[steps.count - 1].name); \(source); a thin line per group, the mean over "
          + "groups dark. vocoscope \(version)"
      ])
    figure.metadata = FigureMetadata(
      creator: "vocoscope \(version)",
      entries: steps.map { .init($0.name, "weights SHA-256 \($0.weightsSHA256)") })
    return figure
  }

  private var axis: ChartAxis {
    let stride = max(1, (series.steps.count + Self.mostTicks - 1) / Self.mostTicks)
    let ticks = series.steps.enumerated().filter { $0.offset % stride == 0 }
      .map { ScaleTick(Double($0.offset), $0.element.name) }
    return ChartAxis("", range: -0.5...(Double(series.steps.count) - 0.5), ticks: ticks)
  }

  private func byGroup(
    _ title: String, _ label: String, _ value: (CodebookSeries.Group) -> Double?
  ) -> Chart {
    let groups = series.steps.map(\.groups.count).min() ?? 0
    let lines = (0..<groups).map { group in
      ChartMark.line(DataSeries(color: .faint, values: series.steps.map { value($0.groups[group]) }))
    }
    let mean = DataSeries("mean over groups", color: .series(0), values: series.steps.map { $0.mean(value) })
    return Chart(title: title, x: axis, y: ChartAxis(label), marks: lines + [.line(mean), .points(mean)])
  }

  private var anchors: Chart {
    let alike = DataSeries("anchors of a picture", color: .series(0), values: series.steps.map { $0.anchors?.alike })
    let across = DataSeries(
      "an anchor in other pictures", color: .series(1), values: series.steps.map { $0.anchors?.acrossPictures })
    return chart("how alike the anchors are", "mean cosine", [alike, across])
  }

  private var norms: Chart {
    let health = series.steps.map(\.anchors?.health)
    let mean = DataSeries("mean", color: .series(0), values: health.map { $0?.norms.mean })
    let shortest = DataSeries("shortest", color: .series(1), values: health.map { $0?.normRange?.lowerBound })
    let longest = DataSeries("longest", color: .series(2), values: health.map { $0?.normRange?.upperBound })
    return chart("length of the anchors", "norm", [mean, shortest, longest])
  }

  /// The rank of its anchors and its saturation, where they could be measured.
  private var projector: [Chart] {
    let health = series.steps.map(\.anchors?.health)
    var charts: [Chart] = []
    if health.contains(where: { $0?.rank != nil }) {
      charts.append(
        chart(
          "directions that tell pictures' anchors apart", "effective rank",
          [DataSeries("anchors", color: .series(0), values: health.map { $0?.rank })]))
    }
    let layers = health.compactMap { $0?.saturated.count }.min() ?? 0
    if layers > 0 {
      charts.append(
        chart(
          "where the projector's GELU is flat", "part of the pre-activations",
          (0..<layers).map { layer in
            DataSeries("layer \(layer + 1)", color: .series(layer), values: health.map { $0?.saturated[layer] })
          }))
    }
    return charts
  }

  private func chart(_ title: String, _ label: String, _ lines: [DataSeries]) -> Chart {
    Chart(title: title, x: axis, y: ChartAxis(label), marks: lines.flatMap { [.line($0), .points($0)] })
  }
}
