import ColorMaps
import Evidence
import Inspector
import Plots
import Statistics
import Tensor
import Trace

extension PanelExport {
  /// The square that the model sees, the attention over it and what its codes decode to.
  func pictureFigure() throws(PanelExportError) -> Figure {
    let base = state.decodedCodes?.picture ?? state.square
    let square = try required(base, .image, "the picture is not decoded")
    let grid = state.links.geometry.patches
    var tiles = [TileGrid.Tile(square, caption: "what the model sees")]
    var notes = ["\(grid.rows)×\(grid.columns) patches. n = 1 picture."]
    var bar: TileGrid.Bar?
    if let over = attentionOverlay {
      tiles.append(.init(over, caption: "attention of \(state.inspectedToken)"))
      if let map = state.map, map.scale != .rank { bar = .init(scale: map.colors, measure: "attention") }
      if let map = state.map { notes.append("Overlay: \(map.view.formula), \(map.scale.rawValue) scale, cividis.") }
    }
    if let decoded = state.decodedCodes {
      tiles.append(
        .init(decoded.reconstruction, caption: "from its codes, \(decimal(decoded.decibels, digits: 1)) dB"))
    }
    return Figure(
      title: state.imageName, columnWidths: [Double(tiles.count) * 220 + (bar == nil ? 0 : 66)], rowHeights: [240],
      panels: [TileGrid(tiles: tiles, columns: tiles.count, bar: bar)], notes: notes)
  }

  /// The picture as the Image panel shows it with attention over it.
  private var attentionOverlay: Picture? {
    var state = state
    for _ in PictureOverlay.allCases where state.view.overlay != .attention {
      _ = update(&state, .command(.overlay))
    }
    guard state.view.overlay == .attention, state.map != nil else { return nil }
    return state.shownPicture
  }
}

extension PanelExport {
  /// The whole mask with its segments, and how much of each pair of segments is allowed.
  func maskFigure() throws(PanelExportError) -> Figure {
    let sequence = try required(state.trace?.sequence, .mask, "the sequence is not laid out")
    let mask = try required(state.statistics?.mask, .mask, "the sequence is not laid out")
    let allowed = mask.allowed.joined().reduce(0, +)
    let total = sequence.length * sequence.length
    var notes = [
      "A query in rows may attend to a key in columns where the cell is dark: \(Format.integer(allowed)) of "
        + "\(Format.integer(total)) edges. n = \(Format.integer(sequence.length)) positions; "
        + "short segments are drawn wider."
    ]
    if let blocked = mask.blocked {
      notes.append(
        blocked.holds
          ? "Measured: the \(Format.integer(blocked.count)) blocked edges of \(blocked.rowWords) of "
            + "\(Format.integer(blocked.positions)) carry 0."
          : "Measured: a blocked edge carries \(Format.number(Double(blocked.largest))).")
    }
    return Figure(
      title: "The \(state.trace?.model.visualMask.rawValue ?? "") mask", columnWidths: [380, 330], rowHeights: [430],
      panels: [edges(sequence), blocks(mask)], notes: notes)
  }

  private func edges(_ sequence: SequenceTrace) -> ColorGrid {
    let blocked = PlotColor(hex: 0xF4F1EA)
    let places = Self.places(sequence)
    let colors = places.map { row in
      places.map { sequence.allows(row: row, column: $0) ? PlotColor.series(0) : blocked }
    }
    let bands = sequence.spans.compactMap { span -> ColorGrid.Band? in
      guard let first = places.firstIndex(where: span.range.contains),
        let last = places.lastIndex(where: span.range.contains)
      else { return nil }
      return .init(start: first, count: last - first + 1, name: span.kind.rawValue)
    }
    let ticks = bands.map { ScaleTick(Double($0.start) + Double($0.count - 1) / 2, $0.name) }
    return ColorGrid(
      title: "\(sequence.length)×\(sequence.length) edges", colors: colors, rowLabel: "query", columnLabel: "key",
      rowTicks: ticks, columnTicks: ticks, bands: bands, legend: [("allowed", .series(0)), ("blocked", blocked)])
  }

  /// The positions in order, those of short segments several times: each segment has a twenty-fifth of the side at
  /// least, so that the rows and columns of single tokens are seen and can be named.
  private static func places(_ sequence: SequenceTrace) -> [Int] {
    let least = Double(sequence.length) / 25
    return sequence.spans.flatMap { span in
      let times = max(1, Int((least / Double(max(1, span.count))).rounded(.up)))
      return span.range.flatMap { Array(repeating: $0, count: times) }
    }
  }

  private func blocks(_ mask: MaskStatistics) -> MatrixPlot {
    let names = mask.spans.map { "\($0.kind.rawValue) \($0.count)" }
    let ticks = names.enumerated().map { ScaleTick(Double($0.offset), $0.element) }
    let shares = mask.spans.indices.map { row in
      mask.spans.indices.map { column -> Double in
        Double(mask.allowed[row][column]) / Double(max(1, mask.total(row: row, column: column)))
      }
    }
    return MatrixPlot(
      title: "allowed by segment", values: shares, rowTicks: ticks, columnTicks: ticks, rowLabel: "query",
      columnLabel: "key", range: 0...1, measure: "share of the edges",
      words: shares.map { $0.map { $0 == 1 ? "all" : $0 == 0 ? "none" : Format.percent($0) } }, isSquare: true)
  }
}

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
    // Orange grew, blue shrank, as on the map.
    let bars: [ChartMark] = [(PlotColor.series(1), 1.0), (.series(0), -1)].map { color, sign in
      let points = changes.enumerated().filter { $1.difference * sign > 0 }
      return .bars(DataSeries(color: color, points: points.map { DataPoint(Double($0.offset), $0.element.difference) }))
    }
    let chart = Chart(
      title: "largest changes", x: .categories(changes.map(\.name)),
      y: ChartAxis("second − first", range: signedRange(changes.map(\.difference))),
      marks: bars + [.horizontalRule(0, name: "", color: .ink)])
    let scale: ValueScale = comparison.scale.kind == .rank ? .linear(comparison.scale.range) : comparison.scale
    let maps: [(any FigurePanel)?] =
      hasMaps
      ? [
        map("first: \(state.imageName)", comparison.first, scale, measure),
        map("second: \(name)", comparison.second, scale, measure),
        map("second − first", comparison.difference, nil, "change"),
      ] : [nil, nil, nil]
    let last: (any FigurePanel)? =
      if let masks = masksPanel(comparison) { masks } else { picturesPanel(comparison, name) }
    let facts = comparison.facts.map { "\($0.name) \($0.value.text)" }.joined(separator: ", ")
    let settings = comparison.settings.filter { $0.first != $0.second }.map {
      "\($0.name): \($0.first) against \($0.second)"
    }.joined(separator: "; ")
    return Figure(
      title: "Compared with \(name)", columnWidths: [230, 230, 230], rowHeights: [240, 220],
      panels: maps + [chart, headsPanel(comparison), last],
      notes: [settings, facts, state.map.map { "Values: \($0.view.formula)." } ?? ""].filter { !$0.isEmpty })
  }

  /// What each head gives the anchors more or less.
  private func headsPanel(_ comparison: Comparison) -> MatrixPlot? {
    guard let heads = comparison.heads.first?.count, heads > 0 else { return nil }
    let limit = max(comparison.headLimit, .ulpOfOne)
    return MatrixPlot(
      title: "anchors' share, change by head", values: comparison.heads,
      rowTicks: comparison.heads.indices.map { ScaleTick(Double($0), "\($0 + 1)") },
      columnTicks: (0..<heads).map { ScaleTick(Double($0), "\($0 + 1)") }, rowLabel: "layer", columnLabel: "head",
      range: -limit...limit, map: .blueOrange, measure: "change")
  }

  /// The share of the edges between two segments that one mask alone allows, and their number.
  private func masksPanel(_ comparison: Comparison) -> MatrixPlot? {
    guard let masks = comparison.masks else { return nil }
    let kinds = SegmentKind.allCases.filter { kind in masks.blocks.contains { $0.query == kind || $0.key == kind } }
    let blocks = kinds.map { query in
      kinds.map { key in masks.blocks.first { $0.query == query && $0.key == key } }
    }
    let ticks = kinds.enumerated().map { ScaleTick(Double($0.offset), $0.element.rawValue) }
    return MatrixPlot(
      title: "edges of one mask alone",
      values: blocks.map { $0.map { block in block.map { Double($0.onlySecond - $0.onlyFirst) / Double($0.total) } } },
      rowTicks: ticks, columnTicks: ticks, rowLabel: "query", columnLabel: "key", range: -1...1, map: .blueOrange,
      measure: "share, second − first",
      words: blocks.map { $0.map { block in block.map { Format.integer($0.onlyFirst + $0.onlySecond) } ?? "" } })
  }

  private func picturesPanel(_ comparison: Comparison, _ name: String) -> TileGrid? {
    guard let first = state.square, let second = comparison.picture, first != second else { return nil }
    return TileGrid(tiles: [.init(first, caption: state.imageName), .init(second, caption: name)], columns: 2)
  }

  /// A range around 0 that holds all values.
  private func signedRange(_ values: [Double]) -> ClosedRange<Double> {
    let limit = max(values.map(abs).max() ?? 1, .ulpOfOne) * 1.05
    return (values.contains { $0 < 0 } ? -limit : 0)...(values.contains { $0 > 0 } ? limit : 0)
  }
}
