import ColorMaps
import Evidence
import Inspector
import Plots
import Statistics
import Trace

extension PanelExport {
  /// Both maps on one range, their difference, and the keys that changed most.
  func compareFigure() throws(PanelExportError) -> Figure {
    let comparison = try required(state.comparison, .compare, "nothing is compared")
    let name = state.compared?.name ?? ""
    let grid = state.links.geometry.patches
    let measure = state.map?.view.query.metric.rawValue ?? ""
    let hasMaps = comparison.obstacle == nil && comparison.difference.count == grid.count
    func map(_ title: String, _ values: [Double], _ scale: ValueScale?, _ words: String) -> MatrixPlot {
      let limit = max(comparison.limit, .ulpOfOne)
      let cells = rows(values.map { $0.isFinite ? $0 : nil }, columns: grid.columns)
      guard let scale else {
        return MatrixPlot(
          title: title, values: cells, rowTicks: ticks(grid.rows), columnTicks: ticks(grid.columns),
          range: -limit...limit, map: .blueOrange, measure: words, isSquare: true)
      }
      return MatrixPlot(
        title: title, values: cells, rowTicks: ticks(grid.rows), columnTicks: ticks(grid.columns), scale: scale,
        measure: words, isSquare: true)
    }
    let changes = comparison.changes.prefix(8)
    let chart = Chart(
      title: "largest changes", x: .categories(changes.map(\.name)),
      y: ChartAxis("second − first", range: signedRange(changes.map(\.difference))),
      marks: [
        .bars(
          DataSeries(color: .series(1), points: changes.enumerated().map { DataPoint(Double($0), $1.difference) })),
        .horizontalRule(0, name: "", color: .ink),
      ])
    let scale: ValueScale = comparison.scale.kind == .rank ? .linear(comparison.scale.range) : comparison.scale
    let maps: [(any FigurePanel)?] =
      hasMaps
      ? [
        map("first: \(state.imageName)", comparison.first, scale, measure),
        map("second: \(name)", comparison.second, scale, measure),
        map("second − first", comparison.difference, nil, "change"),
      ] : [nil, nil, nil]
    let facts = comparison.facts.map { "\($0.name) \($0.value.text)" }.joined(separator: ", ")
    let settings = comparison.settings.filter { $0.first != $0.second }.map {
      "\($0.name): \($0.first) against \($0.second)"
    }.joined(separator: "; ")
    return Figure(
      title: "Compared with \(name)", columnWidths: [230, 230, 230], rowHeights: [240, 220],
      panels: maps + [chart, nil, nil],
      notes: [settings, facts, state.map.map { "Values: \($0.view.formula)." } ?? ""].filter { !$0.isEmpty })
  }

  /// A range around 0 that holds all values.
  private func signedRange(_ values: [Double]) -> ClosedRange<Double> {
    let limit = max(values.map(abs).max() ?? 1, .ulpOfOne) * 1.05
    return (values.contains { $0 < 0 } ? -limit : 0)...(values.contains { $0 > 0 } ? limit : 0)
  }
}
