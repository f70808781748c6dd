import ColorMaps
import Evidence
import Statistics
import TerminalUI
import Trace

/// The parts of the Attention panel, which other panels show too.
extension Canvas {
  func keysBlock(_ state: InspectorState, _ map: MapStatistics) -> Block {
    let rows = min(map.listed.count, 12)
    return Block(least: Size(width: 18, height: min(rows, 4)), most: rows + 7) { $0.drawKeys(state, map, in: $1) }
  }

  func layersBlock(_ state: InspectorState, _ map: MapStatistics) -> Block {
    Block(least: Size(width: 34, height: 8), most: 18) { $0.drawLayers(state, map.cells, in: $1) }
  }

  /// Which part of each layer's attention goes to anchors, patches, prefix and itself.
  func sharesBlock(_ state: InspectorState, _ map: MapStatistics) -> Block {
    let count = map.profile.layers.rows.count
    return Block(least: Size(width: 34, height: min(count, 4) + 2), most: 2 * count + 2) { canvas, rect in
      var bars = map.profile.layers
      bars.selected = state.view.layer
      canvas.hits.add(bars.draw(in: rect, of: &canvas.frame, canvas.look)) { .layer($0) }
    }
  }

  /// The same of every head.
  func headSharesBlock(_ state: InspectorState, _ map: MapStatistics) -> Block {
    let count = map.profile.heads.rows.count
    return Block(least: Size(width: 34, height: 8), most: 2 * count + 2) { canvas, rect in
      var bars = map.profile.heads
      bars.selected = map.profile.places.firstIndex(of: state.markedCell)
      canvas.hits.add(bars.draw(in: rect, of: &canvas.frame, canvas.look)) { .head(map.profile.places[$0]) }
    }
  }

  /// The keys that each layer looks at most.
  func strongestKeysBlock(_ state: InspectorState, _ map: MapStatistics) -> Block {
    let keys = map.profile.keys
    return Block(least: Size(width: 34, height: min(keys.count, 4) + 2), most: keys.count + 2) { canvas, rect in
      let columns = min(keys.map(\.count).max() ?? 0, max(1, (rect.width - 4) / 19))
      let title = "most attended keys by layer, mean over heads"
      guard columns > 0 else { return canvas.line(title, in: rect, style: canvas.look.theme.title) }
      let shown = keys.map { $0.prefix(columns) }
      func row<T>(
        _ keys: ArraySlice<(position: Int, share: Double)>, _ value: ((position: Int, share: Double)) -> T, _ none: T
      ) -> [T] {
        keys.map(value) + [T](repeating: none, count: columns - keys.count)
      }
      var matrix = ScoreMatrix(
        title: title, rowNames: keys.indices.map { "L\($0 + 1)" }, columnNames: (1...columns).map { "\($0)" },
        values: shown.map { row($0, { Optional($0.share) }, nil) },
        texts: shown.map { row($0, { "\(state.keyName($0.position)) \(Format.percent($0.share))" }, "") },
        scale: ValueScale(.logarithmic, holding: shown.joined().map(\.share)))
      matrix.fillsRoom = true
      matrix.selected = state.view.layer.map { GridPoint(column: -1, row: $0) }
      canvas.hits.add(matrix.draw(in: rect, of: &canvas.frame, canvas.look)) {
        .key(state.links.reference(at: keys[$0.row][min($0.column, keys[$0.row].count - 1)].position))
      }
    }
  }

  /// What each head gives each anchor, the heads that look at them most first.
  func anchorHeadsBlock(_ state: InspectorState) -> Block? {
    guard let heads = state.inspected?.anchorHeads, let matrix = heads.matrix else { return nil }
    return Block(least: Size(width: 34, height: 6), most: heads.places.count + 2) { canvas, rect in
      var matrix = matrix
      matrix.title = "each anchor's share by head"
      matrix.fillsRoom = true
      matrix.selected = heads.places.firstIndex(of: state.markedCell).map {
        GridPoint(column: state.cursor.anchor, row: $0)
      }
      canvas.hits.add(matrix.draw(in: rect, of: &canvas.frame, canvas.look)) {
        .head(heads.places[$0.row])
      }
    }
  }

  func matrixBlock(_ state: InspectorState, _ map: MapStatistics) -> Block {
    Block(least: Size(width: 26, height: 4), most: state.layerCount + 2) { $0.drawMatrix(state, map, in: $1) }
  }

  func headsBlock(_ state: InspectorState) -> Block? {
    guard let figure = state.headMaps?.figure else { return nil }
    return Block(least: Size(width: 30, height: 9)) { canvas, rect in
      var figure = figure
      figure.selected = state.markedCell
      let room = rect.dropping(top: 1)
      let title = titleLine(
        ["heads", figure.scale.kind.rawValue, figure.pageText(in: room, canvas.look)], width: rect.width)
      canvas.line(title, in: rect, style: canvas.look.theme.title)
      canvas.hits.add(figure.draw(in: room, of: &canvas.frame, canvas.look)) { .head($0) }
    }
  }

  /// The map in the largest multiple that leaves a quarter of the room's height to others.
  func mapBlock(_ state: InspectorState, _ map: MapStatistics, in room: Rect) -> Block {
    let grid = state.links.geometry.patches
    let unit = look.drawsHalfBlocks ? 1 : 2
    let rows = (grid.rows * unit + 1) / 2
    let multiple = max(1, min(room.width / (grid.columns * unit), (room.height * 3 / 4 - 1) / rows))
    let least = Size(width: grid.columns * unit * multiple, height: rows * multiple + 1)
    return Block(least: least, most: least.height) { canvas, rect in
      guard map.positions.count == grid.count else { return }
      canvas.line(state.choiceWords, in: rect, style: canvas.look.theme.title)
      canvas.drawMap(state, map.positions, in: rect.dropping(top: 1))
    }
  }

  /// The map; with a knock-out the map before and after, or, where there is room for one alone, the difference.
  mutating func drawMaps(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    guard !rect.isEmpty else { return }
    guard map.knockOut != nil else { return drawMap(state, map.positions, in: rect) }
    if showsBothMaps(state, width: rect.width) {
      let halves = Layout(.horizontal, [.fill, .fill], gap: 1).split(rect)
      line("before", in: halves[0], style: look.theme.dim)
      line("after", in: halves[1], style: look.theme.dim)
      drawMap(state, map.positions, in: halves[0].dropping(top: 1))
      drawMap(state, map.cutPositions, in: halves[1].dropping(top: 1))
    } else {
      line("after − before", in: rect, style: look.theme.dim)
      let limit = map.differenceLimit
      drawMap(state, map.difference, in: rect.dropping(top: 1), range: -limit...limit, colors: .blueOrange)
    }
  }

  /// Whether the map stands there twice, before and after.
  func showsBothMaps(_ state: InspectorState, width: Int) -> Bool {
    width >= 2 * state.links.geometry.patches.columns * (look.drawsHalfBlocks ? 1 : 2) + 1
  }

  mutating func drawMap(
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

  /// What the colours mean, with the cursor's value marked.
  mutating func drawColorBar(_ map: MapStatistics, _ state: InspectorState, in rect: Rect) {
    if map.knockOut != nil && !showsBothMaps(state, width: rect.width) {
      let limit = max(map.differenceLimit, .ulpOfOne)
      return draw(ColorBar(map: .blueOrange, scale: .linear(-limit...limit), name: "change"), in: rect)
    }
    let position = state.links.position(of: state.cursor.key)
    let marked = position.flatMap { map.view.shown[$0] ? map.view.values[$0] : nil }
    let name = state.view.heldRange == nil ? state.view.metric.rawValue : "held"
    draw(
      ColorBar(scale: map.colors, name: name, marked: marked, highText: state.highEnd(of: map.colors)), in: rect)
  }

  /// Anchors, prefix and `<voco>` itself: value, lift and a bar against uniform.
  mutating func drawKeys(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    guard rect.width >= 8, rect.height >= 1 else { return }
    let summary = rect.height >= 9 ? state.shareLines(map) : []
    let keys = map.listed.map(\.key)
    let body = rect.dropping(bottom: summary.count)
    let visible = Scroll().revealing(
      keys.firstIndex(of: state.cursor.key), count: keys.count, height: body.height
    ).range(count: keys.count, height: body.height)
    let rows = visible.map {
      keyRow(map.listed[$0].key, map.listed[$0].position, state, map, isNarrow: rect.width < 20)
    }
    // Without bars the line they are held against says nothing.
    let reference = rect.width >= 26 ? map.view.uniform : nil
    draw(Bars(rows, maximum: max(map.range.upperBound, rows.map(\.value).max() ?? 0), reference: reference), in: body)
    for index in visible {
      hits.add(
        Rect(x: body.x, y: body.y + index - visible.lowerBound, width: body.width, height: 1), .key(keys[index]))
    }
    let foot = Rect(
      x: rect.x, y: body.y + min(body.height, visible.count + 1), width: rect.width, height: summary.count
    ).intersection(rect)
    for (row, text) in summary.enumerated() { line(text, in: foot, row: row, style: look.theme.dim) }
  }

  func keyRow(
    _ key: KeyReference, _ position: Int, _ state: InspectorState, _ map: MapStatistics, isNarrow: Bool
  ) -> Bars.Row {
    let pin = state.highlightedKeys.contains(key) ? String(look.glyphs.bullet) : ""
    let isShown = map.view.shown[position]
    let value = map.view.values[position]
    var text = isShown ? state.metricText(value) : "left out"
    if isShown, let cut = map.knockOut, cut.shown[position] {
      text += "\(look.glyphs.right)\(state.metricText(cut.values[position]))"
    } else if isShown, state.view.metric != .lift, !isNarrow, !map.view.layout.patches.isEmpty {
      text += " \(liftText(map.view.lift(of: position)))"
    }
    return Bars.Row(
      label: pin + state.keyName(position), value: isShown ? value : 0, text: text,
      isMarked: state.cursor.key == key)
  }

  /// The chosen statistic over the layers; where there is room beside it, how far heads spread, and the lift.
  mutating func drawCurves(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    let others = [map.profile.spread, map.matrix].filter { $0.statistic != map.cells.statistic }
    let shown = [map.cells] + others.prefix(max(0, rect.width / 50 - 1))
    let places = Layout(.horizontal, shown.map { _ in .fill }, gap: 2).split(rect)
    for (cells, place) in zip(shown, places) { drawLayers(state, cells, in: place) }
  }

  /// Each head a dot, their mean a line, uniform across; the layer that nobody reads is named.
  mutating func drawLayers(_ state: InspectorState, _ cells: CellStatistics, in rect: Rect) {
    guard rect.height >= 3, state.layerCount > 0 else { return }
    let dead = state.inspected?.deadLayer
    let axis = cells.axis
    func point(_ layer: Int, _ value: Double?) -> ChartPoint? {
      value.map { ChartPoint(Double(layer), max($0, axis.kind == .logarithmic ? axis.range.lowerBound : $0)) }
    }
    let mean = cells.curve.enumerated().compactMap { $0.offset == dead ? nil : point($0.offset, $0.element) }
    let heads = cells.matrix.enumerated().flatMap { layer, heads in
      layer == dead ? [] : heads.compactMap { point(layer, $0) }
    }
    var marks: [ChartMark] = [
      .points(ChartSeries("a head", color: 3, points: heads)), .line(ChartSeries("mean", color: 0, points: mean)),
    ]
    if let uniform = cells.uniform { marks.append(.level(uniform, name: "uniform \(Format.number(uniform))")) }
    // The cursor is told by the first series, which must be the mean.
    marks.swapAt(0, 1)
    // The dead layer is the last one: the axis ends before it.
    let names = (0..<(dead ?? state.layerCount)).map { "L\($0 + 1)" }
    let unread = dead.map { "; L\($0 + 1) is read by nobody" } ?? ""
    let chart = Chart(
      title: "\(cells.statistic.rawValue) by layer\(unread)", x: .categories(names, name: "layer"),
      y: Chart.Axis(cells.unit, axis),
      marks: marks,
      cursor: state.view.layer == dead ? nil : state.view.layer)
    hits.add(chart.draw(in: rect, of: &frame, look)) { .layer($0) }
  }

  /// Layers by heads in numbers, sorted where a head was chosen for that; with what they are on average.
  mutating func drawMatrix(
    _ state: InspectorState, _ map: MapStatistics, in rect: Rect, withMeans: Bool = false
  ) {
    guard rect.height >= 2, state.layerCount > 0, state.headCount > 0 else { return }
    let cells = map.matrix
    let dead = state.inspected?.deadLayer
    let sorted = state.view.sortedHead.flatMap { $0 < state.headCount ? $0 : nil }
    let order = sorted.map { "sorted by head \($0 + 1)" } ?? "layer × head"
    let marked = state.view.inspected == .voco ? state.causalHeads : []
    let mark = String(look.glyphs.bullet)
    let legend = marked.isEmpty ? "" : "; \(mark) moves the answer alone"
    var (rows, columns) = ((0..<state.layerCount).map { "L\($0 + 1)" }, (0..<state.headCount).map { "h\($0 + 1)" })
    var live = cells.matrix.enumerated().map { layer, heads in layer == dead ? heads.map { _ in nil } : heads }
    var texts = cells.matrix.enumerated().map { layer, heads in
      heads.enumerated().map { head, value in
        let isMarked = !marked.isEmpty && marked.contains { $0.layer == layer && $0.head == head }
        return (isMarked ? mark : "") + (value.map(cells.text) ?? Format.none)
      }
    }
    var places = sorted.map { ScoreMatrix.order(of: live, byColumn: $0) } ?? Array(rows.indices)
    if withMeans {
      (rows, columns) = (rows + ["mean"], columns + ["mean"])
      places.append(live.count)
      live = zip(live, cells.curve).enumerated().map { $0.element.0 + [$0.offset == dead ? nil : $0.element.1] }
      live.append(cells.headCurve + [cells.whole])
      func text(_ value: Double?) -> String { value.map(cells.text) ?? Format.none }
      texts = zip(texts, cells.curve).map { $0 + [text($1)] } + [(cells.headCurve + [cells.whole]).map(text)]
    }
    let matrix = ScoreMatrix(
      title: "\(cells.statistic.rawValue), \(order)\(legend)", rowNames: rows, columnNames: columns, values: live,
      texts: texts, scale: cells.axis, order: places, sortedBy: sorted, selected: state.markedCell)
    let (layers, heads) = (state.layerCount, state.headCount)
    let hits = matrix.draw(in: rect, of: &frame, look)
    self.hits.add(hits.filter { $0.part.row < layers && $0.part.column < heads }) { .head($0) }
  }
}
