import ColorMaps
import Evidence
import Inspector
import Plots
import Trace

extension PanelExport {
  /// The anchors compared, and the codes of every group.
  func anchorsFigure() throws(PanelExportError) -> Figure {
    let anchors = try required(state.statistics?.anchors, .anchors, state.missingCodes)
    let names = anchors.norms.indices.map { "A\($0 + 1)" }
    let usage = state.statistics?.usage ?? []
    let panels: [(any FigurePanel)?] = [
      bars("length", names, anchors.norms, "‖anchor‖"), shares(names), cosines(anchors, names),
      bars("codes used", usage.indices.map { "g\($0 + 1)" }, usage.map { Double($0.used) }, "of \(codes) codes"),
    ]
    let maps = codeMaps
    let rows = (maps.count + 3) / 4
    let empty = [(any FigurePanel)?](repeating: nil, count: 4 * rows - maps.count)
    var notes = ["n = 1 picture, \(names.count) anchors, \(maps.count) groups of \(codes) codes."]
    if let map = state.map { notes.append("Attention: \(map.view.formula).") }
    notes.append(
      state.codebook == nil
        ? "Code maps: how often this picture chooses the code that stands in a cell."
        : "Code maps: colour is a code's place on its group's main plane, lightness along the first direction and hue along "
          + "the second; codes that look alike are alike, and no colour says more.")
    return Figure(
      title: "Anchors and the codes behind them", columnWidths: [180, 180, 180, 180],
      rowHeights: [190] + [Double](repeating: 200, count: rows), panels: panels + maps + empty, notes: notes)
  }

  private var codes: Int { state.trace?.model.codesPerGroup ?? 0 }

  private func bars(_ title: String, _ names: [String], _ values: [Double], _ measure: String) -> Chart {
    Chart(
      title: title, x: .categories(names), y: valueAxis(measure, values, isLogarithmic: false),
      marks: [.bars(DataSeries(color: .series(0), points: values.enumerated().map { DataPoint(Double($0), $1) }))])
  }

  private func shares(_ names: [String]) -> Chart? {
    guard let map = state.map else { return nil }
    let values = map.view.anchorValues
    let points = values.enumerated().map { DataPoint(Double($0), $1) }
    return Chart(
      title: "attention", x: .categories(names),
      y: valueAxis(map.view.query.metric.rawValue, values + [map.view.uniform], isLogarithmic: false),
      marks: [
        .bars(DataSeries(color: .series(1), points: points)),
        .horizontalRule(map.view.uniform, name: "uniform", color: .ink),
      ])
  }

  private func cosines(_ anchors: AnchorSimilarity, _ names: [String]) -> MatrixPlot {
    let ticks = names.enumerated().map { ScaleTick(Double($0.offset), $0.element) }
    return MatrixPlot(
      title: "cosine", values: anchors.cosines, rowTicks: ticks, columnTicks: ticks, range: -1...1, map: .blueOrange,
      measure: nil, words: names.count <= 8 ? anchors.cosines.map { $0.map { decimalText($0) } } : [], isSquare: true)
  }

  private func decimalText(_ value: Double) -> String { tickText(value, step: 0.01) }

  /// One map per group.
  private var codeMaps: [(any FigurePanel)?] {
    guard let codes = state.trace?.mgvq?.codes else { return [] }
    return (0..<codes.groups).map { group in
      let indices = (0..<codes.height).map { row in (0..<codes.width).map { codes[group, row, $0] } }
      if let all = state.codebook?.colors, all.indices.contains(group) {
        let colors = all[group].map(PlotColor.init)
        return ColorGrid(
          title: "group \(group + 1)",
          colors: indices.map { $0.map { colors.indices.contains($0) ? colors[$0] : nil } })
      }
      let counts = state.statistics?.codes?.counts[group] ?? []
      return MatrixPlot(
        title: "group \(group + 1)",
        values: indices.map { $0.map { Double(counts.indices.contains($0) ? counts[$0] : 0) } }, measure: "times",
        isSquare: true)
    }
  }
}
