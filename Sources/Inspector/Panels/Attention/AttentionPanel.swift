import ColorMaps
import Evidence
import Statistics
import TerminalUI
import Trace

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
        ColorBar(
          scale: figure.scale, name: page.isEmpty ? state.view.metric.rawValue : page,
          highText: state.highEnd(of: figure.scale)),
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

  /// Curves over the layers; under them the heads with what each layer looks at, and numbers and map at the right.
  private mutating func drawLayersView(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    let isWide = rect.width >= 84
    let left = isWide ? rect.left(rect.width * 3 / 5) : rect
    let side = isWide ? rect.dropping(left: left.width + 2) : rect
    let (keys, matrix, shares) = (keysBlock(state, map), matrixBlock(state, map), sharesBlock(state, map))
    let strongest = strongestKeysBlock(state, map)
    let rows =
      left.height >= 24
      ? max(11, left.height * 3 / 10) : isWide ? left.height : max(min(left.height, 9), left.height / 2)
    drawCurves(state, map, in: left.top(rows))
    let below = left.dropping(top: rows + 1)
    guard isWide else {
      return fill(
        below, with: [shares, matrix, keys, mapBlock(state, map, in: side)] + [headsBlock(state)].compactMap { $0 })
    }
    let patches = mapBlock(state, map, in: Rect(x: 0, y: 0, width: side.width, height: side.height * 3 / 4))
    guard below.height >= 9, let heads = headsBlock(state), let figure = state.headMaps?.figure else {
      return fill(side, with: [matrix, shares, keys, strongest, patches])
    }
    // What each layer looks at stands beside the heads where that hides none of them.
    func page(_ room: Rect) -> String { figure.pageText(in: room.dropping(top: 1), look) }
    let narrow = below.dropping(right: 42)
    let room = narrow.width >= 40 && (page(narrow).isEmpty || page(below) == page(narrow)) ? narrow : below
    heads.draw(&self, room)
    let rest = below.dropping(left: max(30, figure.size(in: room.dropping(top: 1), look).width) + 2)
    guard rest.width >= 34 else { return fill(side, with: [matrix, shares, keys, strongest, patches]) }
    fill(rest, with: [keys, shares, strongest])
    let top = min(state.layerCount + 2, side.height / 3)
    drawMatrix(state, map, in: side.top(top))
    let under = side.dropping(top: top + 1)
    fill(under, with: [mapBlock(state, map, in: Rect(x: 0, y: 0, width: under.width, height: under.height * 4 / 3))])
  }

  /// The numbers with their means over where each head looks; the map at the right with keys beside and curves below it.
  private mutating func drawMatrixView(_ state: InspectorState, _ map: MapStatistics, in rect: Rect) {
    let rows = min(rect.height, state.layerCount + 3)
    let least = min(rect.width, 9 + (state.headCount + 1) * 9)
    let isBeside = rect.width - least >= 42
    // What heads look at takes more room than their numbers.
    let width = rect.width >= 150 ? max(least, rect.width * 2 / 5) : least
    let left = isBeside ? rect.left(width) : rect
    drawMatrix(state, map, in: left.top(rows), withMeans: true)
    let below = left.dropping(top: rows + 1)
    let side = isBeside ? rect.dropping(left: width + 2) : below
    let (keys, layers, patches) = (keysBlock(state, map), layersBlock(state, map), mapBlock(state, map, in: side))
    let heads = [headSharesBlock(state, map), anchorHeadsBlock(state)].compactMap { $0 }
    guard isBeside else { return fill(below, with: heads + [keys, layers, patches]) }
    fill(below, with: heads)
    let beside = side.dropping(left: patches.least.width + 2).top(patches.least.height)
    // The map is worth more of a tall column than the curve, which the layers' view draws large.
    guard beside.width >= 24, map.positions.count == state.links.geometry.patches.count else {
      return fill(side, with: [keys, patches, layers])
    }
    patches.draw(&self, side.left(patches.least.width).top(patches.least.height))
    fill(beside, with: [keys, strongestKeysBlock(state, map)])
    drawCurves(state, map, in: side.dropping(top: patches.least.height + 1))
  }
}

extension InspectorState {
  var attentionReport: PanelReport {
    var report = PanelReport(.attention, title: "Attention of \(inspectedToken)")
    guard let map else {
      report.notes = [statistics?.attentionProblem ?? "The decoder has not run yet."]
      return report
    }
    report.add("formula", map.view.formula)
    report.add("layer", layerWords)
    report.add("heads", headWords)
    let ends = [map.range.lowerBound, map.range.upperBound].map { mapValue($0).text }
    report.add("scale", "\(view.scale.rawValue) from \(ends[0]) to \(ends[1])")
    report.facts += shareFacts(map.view)
    if let best = inspected?.strongest {
      report.add("most", "layer \(best.layer + 1) head \(best.head + 1), \(liftText(best.lift))")
    }
    report.tables = [
      keyTable(map), patchTable(map), matrixTable(map.cells), curveTable(map.cells),
    ]
    if map.matrix.statistic != map.cells.statistic { report.tables.append(matrixTable(map.matrix)) }
    report.tables += profileTables(map) + lensTables
    if let cut = map.knockOut, let result = shownKnockOut {
      report.tables.append(knockOutTable(map.view, cut, label: result.request.label))
    }
    if let dead = inspected?.deadLayer {
      report.notes.append("What \(inspectedToken) attends to in layer \(dead + 1), the last, is read by nobody.")
    }
    report.notes += [causalHeadWords].compactMap { $0 }
    report.notes += [SinkRule().sentence(visible: map.view.layout.visible.count)]
    return report
  }

  private func shareFacts(_ view: AttentionView) -> [PanelReport.Fact] {
    let shares = view.shares
    let hasAnchors = links.anchors > 0
    let anchors: [PanelReport.Fact] = [.init(name: "anchor share", value: .share(shares.anchors))]
    let lifts: [PanelReport.Fact] = [
      .init(name: "lift", value: .init(lift: shares.lift)),
      .init(name: "lift over uniform", value: .init(lift: shares.liftOverUniform)),
    ]
    let vocos: [PanelReport.Fact] =
      view.layout.earlierVocos.isEmpty ? [] : [.init(name: "voco share", value: .share(shares.earlierVocos))]
    return (hasAnchors ? anchors : []) + [
      .init(name: "patch share", value: .share(shares.patches)),
      .init(name: "\(view.layout.prefixName) share", value: .share(shares.prefix)),
    ] + vocos + [.init(name: "self share", value: .share(shares.itself))] + (hasAnchors ? lifts : []) + [
      .init(name: "keys counted", value: .integer(shares.visibleCount)),
      .init(name: "entropy (nat)", value: .number(view.entropy)),
      .init(name: "effective keys", value: .number(view.effectiveKeys)),
    ]
  }

  /// `3/6`; of the mean `1–5, live` where nobody reads the last, else `all 6`.
  var layerWords: String {
    view.layer.map { "\($0 + 1)/\(layerCount)" } ?? inspected?.attention.shortLiveWords ?? "all \(layerCount)"
  }

  /// `mean of 8`, `max of 8`, `2/8`; rollout has no heads to choose.
  var headWords: String {
    if view.metric == .rollout { return "averaged in the rollout" }
    return view.head.map { "\($0 + 1)/\(headCount)" } ?? "\(view.takesMaximum ? "max" : "mean") of \(headCount)"
  }

  private func keyTable(_ map: MapStatistics) -> PanelReport.Table {
    let rows = map.listed.map { _, position -> [ReportValue] in
      let isShown = map.view.shown[position]
      return [
        .text(keyName(position)), .integer(position), isShown ? mapValue(map.view.values[position]) : .missing,
        .init(integer: map.view.rank(of: position)), .init(lift: map.view.lift(of: position)),
      ]
    }
    return .init(
      "keys beside the patches", columns: ["key", "position", view.metric.rawValue, "rank", "lift"], rows: rows)
  }

  /// A value of the metric on the map, lifts in their own words.
  private func mapValue(_ value: Double) -> ReportValue { view.metric == .lift ? .lift(value) : .number(value) }

  private func patchTable(_ map: MapStatistics) -> PanelReport.Table {
    let grid = links.geometry.patches
    let values = map.view.patchValues
    let rows = (0..<(values.count == grid.count ? grid.rows : 0)).map { row in
      [.integer(row)] + (0..<grid.columns).map { mapValue(values[row * grid.columns + $0]) }
    }
    return .init("patches, \(view.metric.rawValue)", columns: ["row"] + (0..<grid.columns).map(String.init), rows: rows)
  }

  private func matrixTable(_ cells: CellStatistics) -> PanelReport.Table {
    let rows = cells.matrix.enumerated().map { layer, heads in
      [ReportValue.integer(layer + 1)] + heads.map { cells.value($0) }
    }
    return .init(
      "layer × head, \(cells.formula)", columns: ["layer"] + (0..<headCount).map { "head \($0 + 1)" }, rows: rows)
  }

  private func curveTable(_ cells: CellStatistics) -> PanelReport.Table {
    let rows = cells.curve.enumerated().map { layer, value in
      [ReportValue.integer(layer + 1), cells.value(value), cells.value(cells.uniform)]
    }
    return .init("over layers, \(cells.statistic.rawValue)", columns: ["layer", "value", "uniform"], rows: rows)
  }

  /// Where each layer looks, over how many keys its heads spread, and the keys that it looks at most.
  private func profileTables(_ map: MapStatistics) -> [PanelReport.Table] {
    let profile = map.profile
    let keys = profile.keys.enumerated().flatMap { layer, keys in
      keys.map {
        [ReportValue.integer(layer + 1), .text(keyName($0.position)), .integer($0.position), .share($0.share)]
      }
    }
    return [
      .init(
        "where each layer looks, mean over heads", columns: ["layer"] + profile.layers.parts.map(\.name),
        rows: profile.layers.rows.enumerated().map { [.integer($0.offset + 1)] + $0.element.values.map { .share($0) } }),
      .init(
        "most attended keys by layer, mean over heads", columns: ["layer", "key", "position", "share"], rows: keys),
      matrixTable(profile.spread),
    ]
  }

  private func knockOutTable(_ run: AttentionView, _ cut: AttentionView, label: String) -> PanelReport.Table {
    let parts: [(String, (AttentionShares) -> Double)] =
      [
        ("anchors", { $0.anchors }), ("patches", { $0.patches }), (run.layout.prefixName, { $0.prefix }),
        ("self", { $0.itself }),
      ] + (run.layout.earlierVocos.isEmpty ? [] : [("voco", { $0.earlierVocos })])
    return .init(
      "with \(label) cut", columns: ["keys", "before", "after"],
      rows: parts.map { [.text($0.0), .share($0.1(run.shares)), .share($0.1(cut.shares))] })
  }
}
