import ColorMaps
import Evidence
import Statistics
import TerminalUI

extension Canvas {
  /// Formula, heat map with the keys beside it, legend, layer × head matrix and the curve over layers.
  mutating func drawAttention(_ state: InspectorState, in rect: Rect) {
    guard let map = state.map else {
      let text = state.statistics?.attentionProblem ?? "The decoder has not run yet."
      paragraph(text, in: rect, style: look.theme.dim)
      return
    }
    var room = rect
    if rect.height >= 10 {
      let lines = min(rect.height / 5, 5)
      let used = paragraph(
        state.formulaWords(map), in: Rect(x: rect.x, y: rect.y, width: rect.width, height: lines),
        style: look.theme.dim)
      room = room.dropping(top: used)
    }
    let lower = lowerHeight(state, room)
    drawCells(state, map, in: room.bottom(lower))
    room = room.dropping(bottom: lower)
    let listWidth = listWidth(state, room)
    let mapWidth = room.width - listWidth - 1
    if room.height >= 5 {
      drawMapLegend(map, state, isDouble: showsBothMaps(state, width: mapWidth), in: room.bottom(1))
      room = room.dropping(bottom: 1)
    }
    drawMaps(state, map, in: Rect(x: room.x, y: room.y, width: mapWidth, height: room.height))
    drawKeys(state, map, in: room.dropping(left: room.width - listWidth))
  }

  /// Rows for the matrix: what the map leaves when it has its twelve.
  private func lowerHeight(_ state: InspectorState, _ room: Rect) -> Int {
    let spare = room.height - 13
    let rows = look.drawsHalfBlocks ? (state.layerCount + 1) / 2 : state.layerCount
    return spare < 3 ? 0 : min(spare, max(4, rows + 1), max(4, room.height / 3))
  }

  /// Columns for the list of keys: at most thirty, and fewer where that lets the map's cells be twice as large.
  private func listWidth(_ state: InspectorState, _ room: Rect) -> Int {
    let columns = state.links.geometry.patches.columns
    let doubled = room.width - 2 * columns - 1
    if doubled >= 20 && room.height >= state.links.geometry.patches.rows { return min(30, doubled) }
    return room.width >= columns + 13 ? min(30, room.width - columns - 1) : max(0, min(22, room.width - 12))
  }

  /// The map; with a knock-out the map before and after, or, where there is room for one alone, the difference.
  private mutating func drawMaps(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    let grid = state.links.geometry.patches
    guard !rect.isEmpty, map.positions.count == grid.count else {
      return line("no patch grid", in: rect, style: look.theme.dim)
    }
    guard let cut = map.knockOut else { return drawMap(state, map.positions, in: rect) }
    if showsBothMaps(state, width: rect.width) {
      let halves = Layout(.horizontal, [.fill, .fill], gap: 1).split(rect)
      line("before", in: halves[0], style: look.theme.dim)
      line("after", in: halves[1], style: look.theme.dim)
      drawMap(state, map.positions, in: halves[0].dropping(top: 1))
      drawMap(state, map.positions(of: cut), in: halves[1].dropping(top: 1))
    } else {
      line("after − before", in: rect, style: look.theme.dim)
      let limit = map.differenceLimit
      drawMap(state, map.difference, in: rect.dropping(top: 1), range: -limit...limit, colors: .blueOrange)
    }
  }

  /// Whether the map stands there twice, before and after.
  private func showsBothMaps(_ state: InspectorState, width: Int) -> Bool {
    width >= 2 * state.links.geometry.patches.columns + 1
  }

  private mutating func drawMap(
    _ state: InspectorState, _ values: [Double], in rect: Rect, range: ClosedRange<Double> = 0...1,
    colors: ColorMap = .cividis
  ) {
    guard !rect.isEmpty else { return }
    let grid = state.links.geometry.patches
    let layout = GridLayout(
      columns: grid.columns, rows: grid.rows, in: rect, look, keeping: state.cursor.patch)
    draw(HeatMap(values, layout: layout, range: range, map: colors), in: rect)
    let selection = state.highlightedKeys.compactMap { key in
      if case .patch(let index) = key, index < grid.count { grid.point(index) } else { nil }
    }
    draw(GridMarks(layout: layout, cursor: state.cursor.patch, selection: Set(selection)), in: rect)
    hits.add(layout.area.intersection(rect), .patches(layout))
  }

  /// The values at both ends of the colours, and which part of the map is in sight.
  private mutating func drawMapLegend(
    _ map: MapStatistics, _ state: InspectorState, isDouble: Bool, in rect: Rect
  ) {
    if map.knockOut != nil && !isDouble {
      let limit = Format.number(map.differenceLimit)
      return draw(MapLegend(map: .blueOrange, low: "−\(limit)", high: "+\(limit)"), in: rect)
    }
    let low = map.scale == .logarithmic ? MapStatistics.logarithmicFloor(map.range) : map.range.lowerBound
    let held = state.view.heldRange == nil ? "" : ", held"
    let ends =
      map.scale == .rank
      ? ("last", "first of \(map.view.shownCount)")
      : (Format.number(low), "\(Format.number(map.range.upperBound)) \(map.scale.title)\(held)")
    draw(MapLegend(map: .cividis, low: ends.0, high: ends.1), in: rect)
  }

  /// Anchors, prefix and `<voco>` itself: value, lift and a bar against uniform.
  private mutating func drawKeys(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    guard rect.width >= 8, rect.height >= 1 else { return }
    let summary = rect.height >= 9 ? state.shareLines(map) : []
    let keys = state.keyList.filter { key in
      state.links.position(of: key).map { map.view.layout.roles[$0] != .unseen } ?? false
    }
    let rows = keys.map { keyRow($0, state, map, isNarrow: rect.width < 20) }
    let body = rect.dropping(bottom: summary.count)
    let visible = Scroll().revealing(
      keys.firstIndex(of: state.cursor.key), count: keys.count, height: body.height
    ).range(count: keys.count, height: body.height)
    let largest = max(map.range.upperBound, rows.map(\.value).max() ?? 0)
    // Without bars the line they are held against says nothing.
    let reference = rect.width >= 26 ? map.view.uniform : nil
    draw(Bars(Array(rows[visible]), maximum: largest, reference: reference), in: body)
    for index in visible {
      hits.add(
        Rect(x: body.x, y: body.y + index - visible.lowerBound, width: body.width, height: 1), .key(keys[index]))
    }
    for (row, text) in summary.enumerated() {
      line(text, in: rect.bottom(summary.count), row: row, style: look.theme.dim)
    }
  }

  private func keyRow(
    _ key: KeyReference, _ state: InspectorState, _ map: MapStatistics, isNarrow: Bool
  ) -> Bars.Row {
    let position = state.links.position(of: key) ?? 0
    let pin = state.highlightedKeys.contains(key) ? String(look.glyphs.bullet) : ""
    let isShown = map.view.shown[position]
    let value = map.view.values[position]
    var text = isShown ? state.metricValue(value).text : "left out"
    if isShown, let cut = map.knockOut, cut.shown[position] {
      text += "\(look.glyphs.right)\(state.metricValue(cut.values[position]).text)"
    } else if isShown, state.view.metric != .lift, !isNarrow {
      text += " \(Format.times(map.view.lift(of: position)))"
    }
    return Bars.Row(
      label: pin + state.keyName(position), value: isShown ? value : 0, text: text,
      isMarked: state.cursor.key == key)
  }

  /// The layer × head matrix and the curve over layers, each with its range.
  private mutating func drawCells(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    guard rect.height >= 2, state.layerCount > 0, state.headCount > 0 else { return }
    let cells = map.cells
    let parts = Layout(.horizontal, [.fill, .fill], gap: 1).split(rect)
    let maximum = cells.maximum
    line(matrixTitle(state, cells), in: parts[0], style: look.theme.dim)
    let matrixRect = parts[0].dropping(top: 1)
    let layout = GridLayout(
      columns: state.headCount, rows: state.layerCount, in: matrixRect, look, isSquare: false,
      keeping: GridPoint(column: state.view.head ?? 0, row: state.view.layer ?? 0), largestScale: 4)
    draw(
      HeatMap(cells.matrix.flatMap { $0.map { $0 ?? .nan } }, layout: layout, range: 0...max(maximum, .ulpOfOne)),
      in: matrixRect)
    let mark = state.view.layer.flatMap { layer in state.view.head.map { GridPoint(column: $0, row: layer) } }
    draw(GridMarks(layout: layout, cursor: mark), in: matrixRect)
    hits.add(layout.area.intersection(matrixRect), .cells(layout))
    let uniform = cells.uniform.map { "uniform \(Format.number($0)), " } ?? ""
    line("\(uniform)0–\(Format.number(maximum)) by layer", in: parts[1], style: look.theme.dim)
    let curve = Curve(
      cells.curve.map { $0 ?? .nan }, range: 0...max(maximum, .ulpOfOne), reference: cells.uniform,
      marked: state.view.layer)
    hits.add(curve.draw(in: parts[1].dropping(top: 1), of: &frame, look)) { .layer($0) }
  }

  private func matrixTitle(_ state: InspectorState, _ cells: CellStatistics) -> String {
    guard let layer = state.view.layer, let head = state.view.head, cells.matrix.indices.contains(layer),
      cells.matrix[layer].indices.contains(head)
    else { return "\(cells.statistic.rawValue), layer × head" }
    let value = cells.matrix[layer][head].map(Format.number) ?? "undefined"
    return "L\(layer + 1) H\(head + 1) \(value) \(cells.statistic.rawValue)"
  }
}

extension InspectorState {
  /// The shares of the kinds of keys under the metric on screen.
  func shareLines(_ map: MapStatistics) -> [String] {
    let shares = map.view.shares
    let uniform = view.metric == .lift ? Format.times(map.view.uniform) : Format.percent(map.view.uniform)
    let anchors = "anchors \(Format.percent(shares.anchors)) \(Format.times(shares.lift))"
    return (links.anchors > 0 ? [anchors] : []) + [
      "patches \(Format.percent(shares.patches))", "prefix  \(Format.percent(shares.prefix))",
      "self    \(Format.percent(shares.itself))", "uniform \(uniform) \(glyphs.vertical)",
    ]
  }

  /// The formula of the numbers on the map, and the rule by which keys are left out.
  func formulaWords(_ map: MapStatistics) -> String {
    guard view.hidesSinks else { return map.view.formula }
    return "\(map.view.formula). \(SinkRule().sentence(visible: map.view.layout.visible.count))"
  }
}

extension MapStatistics {
  /// `[P]`, another row's patches on the same colours.
  func positions(of other: AttentionView) -> [Double] {
    MapStatistics.positions(of: other, range: range, scale: scale)
  }

  /// The largest change of a patch; the ends of the difference's colours.
  var differenceLimit: Double { difference.filter(\.isFinite).map(abs).max() ?? 0 }

  /// `[P]`, the knock-out's values minus the run's; not a number where either is not shown.
  var difference: [Double] {
    guard let cut = knockOut else { return [] }
    return view.layout.patches.map { view.shown[$0] && cut.shown[$0] ? cut.values[$0] - view.values[$0] : .nan }
  }
}
