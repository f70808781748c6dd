import ColorMaps
import Evidence
import Statistics
import TerminalUI

extension Canvas {
  /// The view that was chosen, and in the room that it leaves the others.
  mutating func drawAttention(_ state: InspectorState, in rect: Rect) {
    guard let map = state.map else {
      let text = state.statistics?.attentionProblem ?? "The decoder has not run yet."
      paragraph(text, in: rect, style: look.theme.dim)
      return
    }
    if state.view.display == .lens { return drawLens(state, in: rect) }
    var room = rect
    if rect.height >= 12 {
      let place = rect.top(min(rect.height / 6, 3))
      room = room.dropping(top: paragraph(state.formulaWords(map), in: place, style: look.theme.dim))
    }
    switch state.view.display {
    case .map: drawMapView(state, map, in: room)
    case .heads where state.headMaps != nil: drawHeadsView(state, map, in: room)
    case .heads, .matrix: drawMatrixView(state, map, in: room)
    case .layers: drawLayersView(state, map, in: room)
    case .lens: break
    }
  }

  /// The map in whole multiples with its colour bar; keys beside it, curve, matrix and heads where room is left.
  private mutating func drawMapView(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    let grid = state.links.geometry.patches
    guard map.positions.count == grid.count else {
      return fill(rect, with: [keysBlock(state, map), layersBlock(state, map)])
    }
    let size = mapSize(grid, in: rect, copies: map.knockOut == nil ? 1 : 2)
    let main = Rect(x: rect.x, y: rect.y, width: size.width, height: size.height)
    drawMaps(state, map, in: main.dropping(bottom: 1))
    drawColorBar(map, state, in: main.bottom(1))
    let side = rect.dropping(left: size.width + 2)
    let below = Rect(x: rect.x, y: main.maxY + 1, width: rect.width, height: rect.maxY - main.maxY - 1)
    let others = [layersBlock(state, map), matrixBlock(state, map), headsBlock(state)].compactMap { $0 }
    if side.width >= 84 && side.height >= 30 {
      let top = side.top(min(18, side.height * 2 / 5))
      fill(top, with: [keysBlock(state, map), layersBlock(state, map)])
      return drawHeadsOverMatrix(state, map, in: side.dropping(top: top.height + 1))
    }
    if below.height >= 7 {
      fill(below, with: others)
      fill(Rect(x: side.x, y: side.y, width: side.width, height: main.height), with: [keysBlock(state, map)])
    } else {
      fill(side, with: [keysBlock(state, map)] + others)
    }
  }

  /// The heads as wide as there is room, the matrix under them.
  private mutating func drawHeadsOverMatrix(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    let matrix = min(state.layerCount + 2, rect.height / 3)
    let room = rect.dropping(bottom: matrix + 1)
    guard let heads = headsBlock(state), room.height >= heads.least.height else {
      return drawMatrix(state, map, in: rect)
    }
    let used = state.headMaps.map { $0.figure.size(in: room.dropping(top: 1), look).height + 1 } ?? 0
    heads.draw(&self, room)
    drawMatrix(state, map, in: rect.dropping(top: used + 1).top(state.layerCount + 2))
  }

  /// Characters for the map and its colour bar: the largest multiple that leaves room for the keys beside it.
  private func mapSize(_ grid: GridSize, in rect: Rect, copies: Int) -> Size {
    let unit = look.drawsHalfBlocks ? 1 : 2
    let keys = rect.width >= grid.columns * unit + 22 ? 22 : 0
    let room = Rect(x: 0, y: 0, width: max(1, (rect.width - keys - 2) / copies), height: max(1, rect.height - 1))
    let layout = GridLayout(columns: grid.columns, rows: grid.rows, in: room, look)
    let width = layout.showsAll ? layout.area.width : min(room.width, max(1, rect.width - min(24, rect.width / 3)))
    // Maps before and after the cut are named.
    let names = copies == 1 ? 0 : 1
    return Size(
      width: min(rect.width, width * copies + copies - 1), height: min(rect.height, layout.area.height + 1 + names))
  }

  private mutating func drawHeadsView(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    guard var figure = state.headMaps?.figure else { return }
    figure.selected = state.markedCell
    let bar = rect.height >= 8 ? 1 : 0
    let beside = rect.width >= 110 ? 44 : rect.width >= 84 ? 26 : 0
    var size = figure.size(in: rect.dropping(right: beside).dropping(bottom: bar), look)
    // Without room beside it the figure has the whole panel.
    if beside > 0 && size.height >= rect.height - bar
      && !figure.pageText(in: rect.dropping(right: beside), look).isEmpty
    {
      size = figure.size(in: rect.dropping(bottom: bar), look)
    }
    let main = Rect(x: rect.x, y: rect.y, width: max(size.width, min(40, rect.width)), height: size.height)
    let hits = figure.draw(in: main, of: &frame, look)
    self.hits.add(hits) { .head($0) }
    let page = figure.pageText(in: main, look)
    if bar > 0 {
      let line = Rect(x: rect.x, y: main.maxY, width: main.width, height: 1)
      draw(
        ColorBar(scale: figure.scale, name: page.isEmpty ? state.view.metric.rawValue : page),
        in: line)
    }
    let side = rect.dropping(left: main.width + 2)
    let below = Rect(x: rect.x, y: main.maxY + bar + 1, width: rect.width, height: rect.maxY - main.maxY - bar - 1)
    let (looks, numbers) = (
      [mapBlock(state, map, in: side), keysBlock(state, map)], [layersBlock(state, map), matrixBlock(state, map)]
    )
    guard side.width >= 24 else { return fill(below, with: numbers + [keysBlock(state, map)]) }
    let hasRoom = below.height >= 9
    fill(side, with: hasRoom ? looks : looks + numbers)
    if hasRoom { fill(below.left(main.width), with: numbers) }
  }

  /// The curve over the heads with the keys beside them; matrix and map at the right.
  private mutating func drawLayersView(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    let isWide = rect.width >= 84
    let left = isWide ? rect.left(rect.width * 3 / 5) : rect
    let side = isWide ? rect.dropping(left: left.width + 2) : rect
    let (keys, matrix) = (keysBlock(state, map), matrixBlock(state, map))
    let heads = [headsBlock(state)].compactMap { $0 }
    let rows =
      left.height >= 40
      ? left.height * 3 / 10 : isWide ? left.height : max(min(left.height, 12), left.height * 3 / 5)
    drawLayers(state, map, in: left.top(rows))
    let below = left.dropping(top: rows + 1)
    guard isWide else { return fill(below, with: [matrix, keys, mapBlock(state, map, in: side)] + heads) }
    guard below.height >= 9, let figure = state.headMaps?.figure else {
      return fill(side, with: [matrix, keys, mapBlock(state, map, in: side)] + heads)
    }
    let width = max(30, figure.size(in: below.dropping(top: 1), look).width)
    heads.first?.draw(&self, below.left(width))
    let rest = below.dropping(left: width + 2)
    fill(rest, with: [keys])
    // The map is as high as numbers of the heads leave it.
    let top = min(state.layerCount + 2, side.height / 3)
    drawMatrix(state, map, in: side.top(top))
    let room = side.dropping(top: top + 1)
    let patches = mapBlock(state, map, in: Rect(x: room.x, y: room.y, width: room.width, height: room.height * 4 / 3))
    fill(room, with: rest.width >= 18 ? [patches] : [patches, keys])
  }

  /// The numbers over all heads' maps; the map at the right with keys beside and the curve below it.
  private mutating func drawMatrixView(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    let rows = min(rect.height, state.layerCount + 2)
    let least = min(rect.width, 9 + state.headCount * 9)
    let isBeside = rect.width - least >= 42
    // Maps of all heads are wider than their numbers.
    let width = rect.width >= 150 ? max(least, rect.width * 2 / 5) : least
    let left = isBeside ? rect.left(width) : rect
    drawMatrix(state, map, in: left.top(rows))
    let below = left.dropping(top: rows + 1)
    let side = isBeside ? rect.dropping(left: width + 2) : below
    let (keys, layers, patches) = (keysBlock(state, map), layersBlock(state, map), mapBlock(state, map, in: side))
    let heads = [headsBlock(state)].compactMap { $0 }
    guard isBeside else { return fill(below, with: [keys, layers, patches] + heads) }
    fill(below, with: heads)
    let beside = side.dropping(left: patches.least.width + 2).top(patches.least.height)
    // The map is worth more of a tall column than the curve, which the layers' view draws large.
    guard beside.width >= 24, map.positions.count == state.links.geometry.patches.count else {
      return fill(side, with: [keys, patches, layers])
    }
    patches.draw(&self, side.left(patches.least.width).top(patches.least.height))
    fill(beside, with: [keys])
    fill(side.dropping(top: patches.least.height + 1), with: [layers])
  }
}

/// The parts of the panel.
extension Canvas {
  private func keysBlock(_ state: InspectorState, _ map: MapStatistics) -> Block {
    let rows = min(map.listed.count, 12)
    return Block(least: Size(width: 18, height: min(rows, 4)), most: rows + 7) { $0.drawKeys(state, map, in: $1) }
  }

  private func layersBlock(_ state: InspectorState, _ map: MapStatistics) -> Block {
    Block(least: Size(width: 34, height: 8), most: 18) { $0.drawLayers(state, map, in: $1) }
  }

  private func matrixBlock(_ state: InspectorState, _ map: MapStatistics) -> Block {
    Block(least: Size(width: 26, height: 4), most: state.layerCount + 2) { $0.drawMatrix(state, map, in: $1) }
  }

  private func headsBlock(_ state: InspectorState) -> Block? {
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
  private mutating func drawMaps(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
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
  private func showsBothMaps(_ state: InspectorState, width: Int) -> Bool {
    width >= 2 * state.links.geometry.patches.columns * (look.drawsHalfBlocks ? 1 : 2) + 1
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

  /// What the colours mean, with the cursor's value marked.
  private mutating func drawColorBar(_ map: MapStatistics, _ state: InspectorState, in rect: Rect) {
    if map.knockOut != nil && !showsBothMaps(state, width: rect.width) {
      let limit = max(map.differenceLimit, .ulpOfOne)
      return draw(ColorBar(map: .blueOrange, scale: .linear(-limit...limit), name: "change"), in: rect)
    }
    let position = state.links.position(of: state.cursor.key)
    let marked = position.flatMap { map.view.shown[$0] ? map.view.values[$0] : nil }
    let name = state.view.heldRange == nil ? state.view.metric.rawValue : "held"
    draw(ColorBar(scale: map.colors, name: name, marked: marked), in: rect)
  }

  /// Anchors, prefix and `<voco>` itself: value, lift and a bar against uniform.
  private mutating func drawKeys(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
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

  private func keyRow(
    _ key: KeyReference, _ position: Int, _ state: InspectorState, _ map: MapStatistics, isNarrow: Bool
  ) -> Bars.Row {
    let pin = state.highlightedKeys.contains(key) ? String(look.glyphs.bullet) : ""
    let isShown = map.view.shown[position]
    let value = map.view.values[position]
    var text = isShown ? state.metricValue(value).text : "left out"
    if isShown, let cut = map.knockOut, cut.shown[position] {
      text += "\(look.glyphs.right)\(state.metricValue(cut.values[position]).text)"
    } else if isShown, state.view.metric != .lift, !isNarrow, !map.view.layout.patches.isEmpty {
      text += " \(liftText(map.view.lift(of: position)))"
    }
    return Bars.Row(
      label: pin + state.keyName(position), value: isShown ? value : 0, text: text,
      isMarked: state.cursor.key == key)
  }

  /// Each head a dot, their mean a line, uniform across; the layer that nobody reads is named.
  private mutating func drawLayers(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    guard rect.height >= 3, state.layerCount > 0 else { return }
    let cells = map.cells
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
      title: "\(cells.statistic.rawValue) by layer\(unread)", x: .categories(names), y: Chart.Axis("", axis),
      marks: marks,
      cursor: state.view.layer == dead ? nil : state.view.layer)
    hits.add(chart.draw(in: rect, of: &frame, look)) { .layer($0) }
  }

  /// Layers by heads in numbers, sorted where a head was chosen for that.
  private mutating func drawMatrix(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    guard rect.height >= 2, state.layerCount > 0, state.headCount > 0 else { return }
    let cells = map.matrix
    let dead = state.inspected?.deadLayer
    let sorted = state.view.sortedHead.flatMap { $0 < state.headCount ? $0 : nil }
    let order = sorted.map { "sorted by head \($0 + 1)" } ?? "layer × head"
    let marked = state.view.inspected == .voco ? state.causalHeads : []
    let mark = String(look.glyphs.bullet)
    let legend = marked.isEmpty ? "" : "; \(mark) moves the answer alone"
    line("\(cells.statistic.rawValue), \(order)\(legend)", in: rect, style: look.theme.title)
    let names = (0..<state.layerCount).map { "L\($0 + 1)" }
    let live = cells.matrix.enumerated().map { layer, heads in layer == dead ? heads.map { _ in nil } : heads }
    let matrix = ScoreMatrix(
      rowNames: names, columnNames: (0..<state.headCount).map { "h\($0 + 1)" }, values: live,
      texts: cells.matrix.enumerated().map { layer, heads in
        heads.enumerated().map { head, value in
          let isMarked = !marked.isEmpty && marked.contains { $0.layer == layer && $0.head == head }
          return (isMarked ? mark : "") + (value.map(cells.text) ?? Format.none)
        }
      }, scale: cells.axis,
      order: sorted.map { ScoreMatrix.order(of: live, byColumn: $0) }, sortedBy: sorted, selected: state.markedCell)
    hits.add(matrix.draw(in: rect.dropping(top: 1), of: &frame, look)) { .head($0) }
  }
}
