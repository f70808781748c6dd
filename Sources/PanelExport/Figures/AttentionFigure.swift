import ColorMaps
import Evidence
import Inspector
import Plots
import Statistics
import Trace

/// Keys of one kind and the colour of their bars.
private typealias KeyGroup = (name: String, color: Int, keys: [(name: String, value: Double)])

extension PanelExport {
  /// The map of patches and the keys beside them, the layer × head matrix and the curve over layers.
  func attentionFigure() throws(PanelExportError) -> Figure {
    if state.view.display == .lens {
      return LensFigure(try required(state.lens, .attention, "no lens: it takes weights and a run")).figure
    }
    let reason = state.statistics?.attentionProblem ?? "the decoder has not run"
    let map = try required(state.map, .attention, reason)
    let view = map.view
    let lift = view.shares.lift.map { ": an anchor gets \(liftText($0)) a patch's" } ?? ""
    let layers = state.trace?.model.layers ?? map.cells.matrix.count
    let heads = state.trace?.model.heads ?? 0
    var notes = ["\(title(view.query.metric)): \(view.formula)."]
    notes.append(
      "Matrix and curve: \(map.cells.formula). n = 1 picture, \(Format.integer(view.shownCount)) keys counted, "
        + "\(layers) layers × \(heads) heads.")
    if let dead = state.inspected?.deadLayer { notes.append("Grey, layer \(dead + 1): nobody reads it.") }
    if map.knockOut != nil, let cut = state.shownKnockOut {
      notes.append(
        "Below, the run with \(cut.request.words), on the same colours: it answers “\(cut.answer)”, KL "
          + "\(Format.number(cut.kl)) nat over the first token; the uncut run answers "
          + "“\(state.trace?.generation?.text ?? "")”.")
    }
    if view.query.hidesSinks { notes.append(SinkRule().sentence(visible: view.layout.visible.count)) }
    let heading = "Attention of \(state.inspectedToken)\(lift)"
    guard patchMap(map) != nil else {
      // A token that sees no patches has no map: what there is stands side by side.
      let cut = map.knockOut == nil ? nil : keyChart(map, isCut: true)
      let parts: [(any FigurePanel)?] = [keyChart(map), cut, matrix(map.cells), curve(map.cells)]
      let drawn = parts.compactMap { $0 }
      return Figure(
        title: heading, columns: drawn.count == 4 ? 2 : drawn.count, panelWidth: 310, panelHeight: 280, panels: drawn,
        notes: notes)
    }
    return Figure(
      title: heading, columnWidths: [330, 290],
      rowHeights: [322, 220] + (map.knockOut == nil ? [] : [322]),
      panels: [patchMap(map), keyChart(map), matrix(map.cells), curve(map.cells)]
        + (map.knockOut == nil ? [] : [patchMap(map, isCut: true), keyChart(map, isCut: true)]), notes: notes)
  }

  private func title(_ metric: AttentionMetric) -> String { metric == .share ? "share of attention" : metric.rawValue }

  /// Patches in the panel's colours.
  private func patchMap(_ map: MapStatistics, isCut: Bool = false) -> MatrixPlot? {
    let view = isCut ? map.knockOut ?? map.view : map.view
    let grid = state.links.geometry.patches
    guard view.layout.patches.count == grid.count, grid.count > 0 else { return nil }
    let isRank = map.scale == .rank
    let values = zip(view.layout.patches, isCut ? map.cutPositions : map.positions).map { key, position -> Double? in
      view.shown[key] ? (isRank ? position : view.values[key]) : nil
    }
    let scale: ValueScale = isRank ? .linear(0...1) : map.colors
    return MatrixPlot(
      title: "\(grid.rows)×\(grid.columns) patches\(isCut ? ", \(changed)" : "")",
      values: rows(values, columns: grid.columns),
      rowTicks: ticks(grid.rows), columnTicks: ticks(grid.columns), rowLabel: "patch row", columnLabel: "patch column",
      scale: scale, measure: isRank ? "rank, 1 is first of \(view.shownCount)" : title(view.query.metric),
      isSquare: true)
  }

  /// What was done to the run below.
  private var changed: String { state.shownKnockOut?.request.donor == nil ? "cut" : "swapped" }

  /// Anchors and the other keys that are no patches, beside what patches have; of a text token `<voco>` comes first, all
  /// that it knows of the picture.
  private func keyChart(_ map: MapStatistics, isCut: Bool = false) -> Chart {
    let view = isCut ? map.knockOut ?? map.view : map.view
    let layout = view.layout
    func named(_ keys: [Int]) -> [(name: String, value: Double)] {
      keys.filter { view.shown[$0] }.map { (state.keyName($0), view.values[$0]) }
    }
    let patches = layout.patches.filter { view.shown[$0] }.map { view.values[$0] }
    let mean = patches.reduce(0, +) / Double(max(1, patches.count))
    let typical: [(name: String, value: Double)] = [("mean patch", mean), ("top patch", patches.max() ?? 0)]
    let vocos: KeyGroup = (layout.isVoco ? "earlier <voco>" : "<voco>", 2, named(layout.earlierVocos))
    let visual: [KeyGroup] = [
      ("anchors", 1, named(layout.anchors)),
      ("patches", 0, patches.isEmpty ? [] : typical),
    ]
    let others: KeyGroup = ("prefix and self", 5, named(layout.prefix + [layout.query]))
    let groups = ((layout.isVoco ? visual + [vocos] : [vocos] + visual) + [others]).filter { !$0.keys.isEmpty }
    var start = 0
    var bars: [ChartMark] = []
    for group in groups {
      let points = group.keys.enumerated().map { DataPoint(Double($0.offset + start), $0.element.value) }
      bars.append(.bars(DataSeries(group.name, color: .series(group.color), points: points)))
      start += group.keys.count
    }
    let keys = groups.flatMap(\.keys)
    return Chart(
      title: (layout.anchors.isEmpty ? "keys" : "anchors and other keys") + (isCut ? ", \(changed)" : ""),
      x: .categories(keys.map(\.name)),
      y: valueAxis(
        title(view.query.metric), keys.map(\.value) + [view.uniform], isLogarithmic: map.scale != .linear),
      marks: bars + [.horizontalRule(view.uniform, name: "uniform", color: .ink)])
  }

  /// Layers by heads; the one that nobody reads has no value, as on screen.
  private func matrix(_ cells: CellStatistics) -> MatrixPlot? {
    guard let first = cells.matrix.first, !first.isEmpty else { return nil }
    let isSmall = first.count <= 8 && cells.matrix.count <= 12
    let dead = state.inspected?.deadLayer
    let values = cells.matrix.enumerated().map { layer, row -> [Double?] in
      layer == dead ? row.map { _ in nil } : row
    }
    return MatrixPlot(
      title: "layer × head", values: values, rowTicks: ticks(cells.matrix.count, from: 1),
      columnTicks: ticks(first.count, from: 1), rowLabel: "layer", columnLabel: "head",
      scale: ValueScale(cells.statistic == .lift ? .logarithmic : .linear, holding: values.joined().compactMap { $0 }),
      measure: cells.statistic.rawValue, words: isSmall ? values.map { $0.map(word) } : [])
  }

  /// Over the layers that somebody reads; the other is the last, and the axis ends before it.
  private func curve(_ cells: CellStatistics) -> Chart {
    let live = state.inspected?.deadLayer ?? cells.curve.count
    let heads = cells.matrix.prefix(live).enumerated().flatMap { layer, row in
      row.compactMap { $0.map { DataPoint(Double(layer + 1), $0) } }
    }
    let mean = cells.curve.prefix(live).enumerated().compactMap { layer, value in
      value.map { DataPoint(Double(layer + 1), $0) }
    }
    let all = (heads + mean).map(\.y) + [cells.uniform].compactMap { $0 }
    let marks: [ChartMark] = [
      .points(DataSeries("a head", color: .series(5), points: heads), radius: 2.5),
      .line(DataSeries("the layer", color: .series(0), points: mean)),
    ]
    return Chart(
      title: "over layers",
      x: ChartAxis(
        "layer", range: 0.5...(Double(max(1, live)) + 0.5),
        ticks: ticks(live, from: 1).map { ScaleTick($0.value + 1, $0.label) }),
      y: valueAxis(cells.statistic.rawValue, all, isLogarithmic: cells.statistic == .lift),
      marks: marks + (cells.uniform.map { [.horizontalRule($0, name: "uniform", color: .ink)] } ?? []))
  }

  /// As much of a number as a small cell has room for.
  private func word(_ value: Double?) -> String {
    guard let value else { return "" }
    if value >= 100 { return decimal(value, digits: 0) }
    if value >= 10 { return decimal(value, digits: 1) }
    return value == 0 || value >= 0.001 ? decimal(value, digits: value >= 0.1 ? 2 : 3) : "<.001"
  }
}

/// An axis for these values, logarithmic where that is asked for and some are positive.
func valueAxis(_ label: String, _ values: [Double], isLogarithmic: Bool) -> ChartAxis {
  let positive = values.filter { $0 > 0 && $0.isFinite }
  guard isLogarithmic, let low = positive.min(), let high = positive.max() else {
    return ChartAxis(label, range: 0...max((values.filter(\.isFinite).max() ?? 1) * 1.05, 1e-12))
  }
  return ChartAxis("\(label), log", scale: .logarithmic, range: (low / 2)...(high * 1.5))
}

/// About six whole ticks of `count` cells, named from `first` on.
func ticks(_ count: Int, from first: Int = 0) -> [ScaleTick] {
  let step = [1, 2, 4, 5, 8, 10, 20, 50, 100].first { count <= 8 * $0 } ?? max(1, count / 8)
  return stride(from: 0, to: count, by: step).map { ScaleTick(Double($0), String($0 + first)) }
}

/// Row-major values as rows.
func rows<T>(_ values: [T], columns: Int) -> [[T]] {
  stride(from: 0, to: values.count, by: columns).map { Array(values[$0..<min($0 + columns, values.count)]) }
}
