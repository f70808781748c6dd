import ColorMaps
package import Plots
import Statistics

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
    if steps.contains(where: { $0.anchors != nil }) { panels.append(anchors) }
    let source =
      steps[0].usage == .pictures ? "usage over \(series.pictures) pictures" : "usage by the checkpoints' buffers"
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
    return Chart(
      title: "how alike the anchors are", x: axis, y: ChartAxis("mean cosine"),
      marks: [.line(alike), .points(alike), .line(across), .points(across)])
  }
}
