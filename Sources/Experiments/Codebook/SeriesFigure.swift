import ColorMaps
import Evidence
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
