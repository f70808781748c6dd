import ColorMaps
package import Evidence
import Statistics
import TerminalUI
import Trace

/// A lens with what its view draws, counted once when it arrives.
package struct LensStatistics: Sendable {
  package let lens: Lens
  /// Every voco, the anchors and the last prompt token.
  package let named: [Lens.Row]
  private static let colors = 6

  /// `[L + 1][P]`, probabilities of each patch's likeliest token.
  let patches: [[Double]]
  /// `[L + 1]`, the largest of them.
  let largest: [Double]
  /// `[L + 1]`, the tokens that are likeliest at most patches.
  let commonest: [[(guess: TokenProbability, count: Int, probability: Double)]]
  /// Which of the colours for series a token has, the same in every state: as many as there are, for the commonest.
  let tokenColors: [Int: Int]
  /// `[L + 1][P]`, the colour of each patch's likeliest token; `nil` for those without.
  let patchColors: [[Int?]]
  /// How sure each named state is, and the patches on average, of the likeliest token.
  let sureness: Chart
  /// The commonest tokens of the patches, a state a row.
  let patchTokens: ScoreMatrix?
  /// Rows by their position in the sequence.
  private let byPosition: [Int: Lens.Row]

  init(_ lens: Lens) {
    self.lens = lens
    let kinds: [SegmentKind] = [.voco, .anchors, .text]
    named = kinds.flatMap { kind in lens.rows.filter { $0.place.kind == kind } }
    let ofPatches = lens.rows.filter { $0.place.kind == .patches }
    patches = (0...lens.layers).map { layer in ofPatches.map { $0.states[layer].first?.probability ?? .nan } }
    largest = patches.map { max($0.max() ?? 0, 1e-6) }
    commonest = (0...lens.layers).map { layer in
      Dictionary(grouping: ofPatches.compactMap { $0.states[layer].first }, by: \.id).values
        .sorted { ($1.count, $0[0].id) < ($0.count, $1[0].id) }.prefix(Lens.count)
        .map { ($0[0], $0.count, mean($0.map(\.probability)) ?? 0) }
    }
    let totals = commonest.joined().reduce(into: [Int: Int]()) { $0[$1.guess.id, default: 0] += $1.count }
    let tokens = totals.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(Self.colors).map(\.key)
    let colors = Dictionary(uniqueKeysWithValues: tokens.enumerated().map { ($0.element, $0.offset) })
    tokenColors = colors
    patchColors = (0...lens.layers).map { layer in
      ofPatches.map { row in row.states[layer].first.flatMap { colors[$0.id] } }
    }
    sureness = Self.sureness(lens, named, patches)
    patchTokens = Self.patchTokens(lens, commonest, of: ofPatches.count)
    byPosition = Dictionary(lens.rows.map { ($0.place.position, $0) }) { first, _ in first }
  }

  private static func stateName(_ state: Int, of layers: Int) -> String {
    state < layers ? "into L\(state + 1)" : "after"
  }

  /// Lines end with the last state that anything reads.
  private static func sureness(_ lens: Lens, _ named: [Lens.Row], _ patches: [[Double]]) -> Chart {
    func points(_ kind: SegmentKind, _ value: (Int) -> Double?) -> [ChartPoint] {
      (0..<max(1, lens.liveStates(of: kind))).compactMap { state in
        value(state).flatMap { $0.isFinite ? ChartPoint(Double(state), $0) : nil }
      }
    }
    var series = named.map { row in
      ChartSeries(row.place.name, points: points(row.place.kind) { row.states[$0].first?.probability })
    }
    if patches.contains(where: { !$0.isEmpty }) {
      series.append(ChartSeries("patches, mean", points: points(.patches) { mean(patches[$0].filter(\.isFinite)) }))
    }
    for index in series.indices { series[index].color = index }
    return Chart(
      title: "how sure each state is: probability of its likeliest token",
      x: .categories((0...lens.layers).map { stateName($0, of: lens.layers) }),
      y: Chart.Axis("", .linear(0...1)), marks: series.flatMap { [ChartMark.line($0)] })
  }

  private static func patchTokens(
    _ lens: Lens, _ commonest: [[(guess: TokenProbability, count: Int, probability: Double)]], of patches: Int
  ) -> ScoreMatrix? {
    let columns = commonest.map(\.count).max() ?? 0
    guard columns > 0, patches > 0 else { return nil }
    let live = lens.liveStates(of: .patches)
    return ScoreMatrix(
      rowNames: commonest.indices.map { stateName($0, of: lens.layers) }, columnNames: (1...columns).map { "\($0)" },
      values: commonest.enumerated().map { state, all in
        (0..<columns).map { rank in
          state < live && all.indices.contains(rank) ? Double(all[rank].count) / Double(patches) : nil
        }
      },
      texts: commonest.map { all in
        (0..<columns).map { all.indices.contains($0) ? "“\(all[$0].guess.text)” \(all[$0].count)×" : "" }
      }, scale: .linear(0...1))
  }

  package subscript(position position: Int) -> Lens.Row? { byPosition[position] }

  /// `into L3`, or `after` the last.
  func stateName(_ state: Int) -> String { Self.stateName(state, of: lens.layers) }

  /// The last state of `kind` that anything reads.
  func lastLive(_ kind: SegmentKind) -> Int { max(0, min(lens.layers, lens.liveStates(of: kind) - 1)) }
}

extension InspectorState {
  /// The row of the lens that the cursor stands on; of others the last voco's.
  var lensRow: Lens.Row? {
    guard let lens else { return nil }
    return links.position(of: cursor.key).flatMap { lens[position: $0] } ?? lens.named.last { $0.place.kind == .voco }
      ?? lens.lens.rows.first
  }

  /// The state that the patches' map is of.
  var lensState: Int { lens.map { min(view.layer ?? $0.lastLive(.patches), $0.lens.layers) } ?? 0 }

  /// `<voco> into L4: “red” 45 %`, the last state of it that anything reads.
  var lensFinding: String? {
    guard let lens, let row = lens.named.last(where: { $0.place.kind == .voco }) ?? lens.named.last else { return nil }
    let state = lens.lastLive(row.place.kind)
    return row.states[state].first.map { "\(row.place.name) \(lens.stateName(state)): \($0.words)" }
  }

  /// Why there is no lens, and what the trace holds of one: the last state's logits.
  var lensWords: [String] {
    let guesses = statistics?.firstGuesses ?? []
    guard !guesses.isEmpty, !capabilities.runsModel else { return [missingWords(.lens)] }
    let answer = trace?.generation.map { " (the answer is “\($0.text)”)" } ?? ""
    let list = guesses.map { "\($0.piece) \(Format.percent($0.probability))" }.joined(separator: ", ")
    return [missingWords(.lens), "After the last layer the last prompt token decodes to \(list)\(answer)."]
  }

  /// Tables of the lens for the panel's report; `report --lens` has every patch.
  var lensTables: [PanelReport.Table] {
    guard let lens else { return [] }
    let columns = ["place", "state", "read"] + (1...Lens.count).flatMap { ["token \($0)", "probability \($0)"] }
    let rows = lens.named.flatMap { row in
      row.states.enumerated().map { state, guesses -> [ReportValue] in
        let all = (0..<Lens.count).flatMap { rank -> [ReportValue] in
          guesses.indices.contains(rank)
            ? [.text(guesses[rank].text), .share(guesses[rank].probability)] : [.missing, .missing]
        }
        return [
          .text(row.place.name), .text(lens.stateName(state)), .flag(state < lens.lens.liveStates(of: row.place.kind)),
        ] + all
      }
    }
    let patches = lens.commonest.enumerated().flatMap { state, all in
      all.map { one -> [ReportValue] in
        [
          .text(lens.stateName(state)), .flag(state < lens.lens.liveStates(of: .patches)), .text(one.guess.text),
          .integer(one.count), .share(one.probability),
        ]
      }
    }
    return [
      PanelReport.Table(
        "lens: what states decode to through the final norm and the head", columns: columns, rows: rows),
      PanelReport.Table(
        "lens of the patches: their likeliest tokens",
        columns: ["state", "read", "token", "patches", "mean probability"],
        rows: patches),
    ]
  }
}

extension Canvas {
  /// What voco, anchors and the last prompt token decode to, layer by layer; the place under the cursor with five guesses
  /// a layer; and the patches.
  mutating func drawLens(_ state: InspectorState, in rect: Rect) {
    guard let lens = state.lens else {
      var room = rect
      for words in state.lensWords { room = room.dropping(top: paragraph(words, in: room, style: look.theme.dim) + 1) }
      return
    }
    if rect.width >= 150 && rect.height >= 36 { return drawLensBoard(state, lens, in: rect) }
    // All layers where there is room for that, else half of the panel, scrolled to the layer that is looked at.
    let rows = lens.lens.layers + 3
    let top = rect.top(rows + 8 <= rect.height ? rows : min(rows, max(4, rect.height / 2)))
    drawNamed(state, lens, in: top)
    let below = rect.dropping(top: top.height + 1)
    // With the patches' map beside them the tables stand under each other.
    let patches = patchesBlock(state, lens, in: below)
    guard below.width >= 84, below.height >= 14, let patches else {
      return fill(
        below, with: [cursorBlock(state, lens), patchTokensBlock(state, lens), patches].compactMap { $0 })
    }
    let map = below.right(max(patches.least.width, below.width * 2 / 5))
    let upper = map.height - patches.least.height >= 8 ? patches.least.height : map.height
    patches.draw(&self, map.top(upper))
    fill(map.dropping(top: upper + 1), with: guessBlocks(state, lens))
    fill(
      below.dropping(right: map.width + 2),
      with: [cursorBlock(state, lens), patchTokensBlock(state, lens), surenessBlock(lens)].compactMap { $0 })
  }

  /// The named states over all; the patches' tokens as large as they go, and beside them the patches of every state, the
  /// place under the cursor, the commonest tokens and how sure the states are.
  private mutating func drawLensBoard(_ state: InspectorState, _ lens: LensStatistics, in rect: Rect) {
    let top = rect.top(min(lens.lens.layers + 3, rect.height / 4))
    drawNamed(state, lens, in: top)
    let below = rect.dropping(top: top.height + 1)
    let tables =
      [cursorBlock(state, lens), patchTokensBlock(state, lens), surenessBlock(lens)].compactMap { $0 }
      + guessBlocks(state, lens)
    guard let patches = patchesBlock(state, lens, in: below) else { return fill(below, with: tables) }
    let map = below.left(min(max(patches.least.width, 2 * below.height - 4), below.width / 2))
    patches.draw(&self, map)
    let side = below.dropping(left: map.width + 2)
    let used = drawStateMaps(state, lens, in: side.top(side.height / 3))
    fill(side.dropping(top: used), with: tables)
  }

  /// The patches of each state, the shown one marked; returns the rows that they took.
  private mutating func drawStateMaps(_ state: InspectorState, _ lens: LensStatistics, in rect: Rect) -> Int {
    let grid = state.links.geometry.patches
    let unit = look.drawsHalfBlocks ? 1 : 2
    let tile = Size(width: max(16, grid.columns * unit), height: (grid.rows * unit + 1) / 2 + 1)
    let columns = (rect.width + 1) / (tile.width + 1)
    let (count, fitting) = (lens.lens.layers + 1, (rect.height + 1) / (tile.height + 1))
    guard columns > 0, fitting > 0 else { return 0 }
    let rows = (count + columns - 1) / columns
    let shown = Scroll().revealing(state.lensState / columns, count: rows, height: fitting)
      .range(count: rows, height: fitting)
    for index in shown.lowerBound * columns..<min(count, shown.upperBound * columns) {
      let place = Rect(
        x: rect.x + index % columns * (tile.width + 1),
        y: rect.y + (index / columns - shown.lowerBound) * (tile.height + 1), width: tile.width, height: tile.height)
      let token = lens.commonest[index].first.map { "“\($0.guess.text)”" } ?? ""
      line(
        "\(lens.stateName(index)) \(token)", in: place,
        style: index == state.lensState ? look.theme.cursor : look.theme.dim)
      drawPatchTokens(state, lens, of: index, in: place.dropping(top: 1))
      if index < lens.lens.layers { hits.add(place, .layer(index)) }
    }
    return shown.count * (tile.height + 1)
  }

  /// Which token is likeliest at each patch: the commonest ones in colours of their own; without colour how sure it is.
  @discardableResult
  private mutating func drawPatchTokens(
    _ state: InspectorState, _ lens: LensStatistics, of shown: Int, in rect: Rect
  ) -> GridLayout? {
    let grid = state.links.geometry.patches
    guard lens.patches[shown].count == grid.count, !rect.isEmpty else { return nil }
    let layout = GridLayout(columns: grid.columns, rows: grid.rows, in: rect, look, keeping: state.cursor.patch)
    var map = HeatMap(lens.patches[shown], layout: layout, range: 0...lens.largest[shown])
    let colors = look.theme.seriesColors
    if look.mapsHaveColor, !colors.isEmpty {
      map.colors = lens.patchColors[shown].map { $0.map { colors[$0 % colors.count] } ?? look.theme.noDataColor }
    }
    draw(map, in: rect)
    draw(GridMarks(layout: layout, cursor: state.cursor.patch, selection: []), in: rect)
    return layout
  }

  private mutating func drawNamed(_ state: InspectorState, _ lens: LensStatistics, in rect: Rect) {
    line("likeliest token of each state; grey: read by nobody", in: rect, style: look.theme.title)
    let rows = (0...lens.lens.layers).map { layer in lens.named.map { (row: $0, guess: $0.states[layer].first) } }
    let selected = state.lensRow.flatMap { row in lens.named.firstIndex { $0.place == row.place } }
    var matrix = ScoreMatrix(
      rowNames: (0...lens.lens.layers).map(lens.stateName), columnNames: lens.named.map(\.place.name),
      values: rows.enumerated().map { layer, cells in
        cells.map { layer < lens.lens.liveStates(of: $0.row.place.kind) ? $0.guess?.probability : .nan }
      },
      texts: rows.map { $0.map { $0.guess?.words ?? "" } }, scale: .linear(0...1),
      selected: selected.map { GridPoint(column: $0, row: state.lensState) })
    matrix.fillsRoom = true
    hits.add(matrix.draw(in: rect.dropping(top: 1), of: &frame, look)) {
      .key(state.links.reference(at: lens.named[$0.column].place.position))
    }
  }

  private func cursorBlock(_ state: InspectorState, _ lens: LensStatistics) -> Block? {
    guard let row = state.lensRow else { return nil }
    return Block(least: Size(width: 30, height: 4), most: lens.lens.layers + 3) { canvas, rect in
      canvas.line("\(row.place.name): the five likeliest of each state", in: rect, style: canvas.look.theme.title)
      let live = lens.lens.liveStates(of: row.place.kind)
      let ranks = 0..<Lens.count
      let guess = { (layer: Int, rank: Int) in
        row.states[layer].indices.contains(rank) ? row.states[layer][rank] : nil
      }
      var matrix = ScoreMatrix(
        rowNames: row.states.indices.map(lens.stateName), columnNames: ranks.map { "\($0 + 1)" },
        values: row.states.indices.map { layer in
          ranks.map { layer < live ? guess(layer, $0)?.probability : .nan }
        },
        texts: row.states.indices.map { layer in ranks.map { guess(layer, $0)?.words ?? "" } }, scale: .linear(0...1))
      matrix.fillsRoom = true
      canvas.draw(matrix, in: rect.dropping(top: 1))
    }
  }

  /// The tokens that are likeliest at most patches, state by state.
  private func patchTokensBlock(_ state: InspectorState, _ lens: LensStatistics) -> Block? {
    guard let tokens = lens.patchTokens else { return nil }
    return Block(least: Size(width: 30, height: 4), most: lens.lens.layers + 3) { canvas, rect in
      canvas.line("the patches' commonest tokens, by patches", in: rect, style: canvas.look.theme.title)
      var matrix = tokens
      matrix.fillsRoom = true
      matrix.selected = GridPoint(column: -1, row: state.lensState)
      canvas.draw(matrix, in: rect.dropping(top: 1))
    }
  }

  /// The five likeliest tokens of the place under the cursor as bars, a state each, the shown one first.
  private func guessBlocks(_ state: InspectorState, _ lens: LensStatistics) -> [Block] {
    guard let row = state.lensRow else { return [] }
    let states = lens.lens.layers + 1
    return (0..<min(states, 4)).map { (state.lensState + $0) % states }.map { layer in
      let rows = row.states[layer].map {
        Bars.Row(label: "“\($0.text)”", value: $0.probability, text: Format.percent($0.probability))
      }
      let unread = layer < lens.lens.liveStates(of: row.place.kind) ? "" : ", read by nobody"
      let bars = Bars(
        title: "\(row.place.name) \(lens.stateName(layer))\(unread)", rows, scale: .linear(0...1), hasAxis: false)
      return Block(least: Size(width: 30, height: rows.count + 1), most: rows.count + 1) { canvas, rect in
        canvas.draw(bars, in: rect)
      }
    }
  }

  private func surenessBlock(_ lens: LensStatistics) -> Block {
    Block(least: Size(width: 40, height: 8)) { canvas, rect in canvas.draw(lens.sureness, in: rect) }
  }

  /// Which tokens the patches of the shown state decode to.
  private func patchesBlock(_ state: InspectorState, _ lens: LensStatistics, in rect: Rect) -> Block? {
    let (grid, shown) = (state.links.geometry.patches, state.lensState)
    guard lens.patches[shown].count == grid.count, grid.count > 0 else { return nil }
    let unit = look.drawsHalfBlocks ? 1 : 2
    let least = Size(width: max(30, grid.columns * unit), height: (grid.rows * unit + 1) / 2 + 3)
    let unread = shown < lens.lens.liveStates(of: .patches) ? "" : ", read by nobody"
    return Block(least: least, most: rect.height) { canvas, rect in
      canvas.line(
        "likeliest token of each patch \(lens.stateName(shown))\(unread)", in: rect, style: canvas.look.theme.title)
      let room = rect.dropping(top: 1).dropping(bottom: 2)
      guard let layout = canvas.drawPatchTokens(state, lens, of: shown, in: room) else { return }
      canvas.hits.add(layout.area.intersection(room), .patches(layout))
      let foot = Rect(x: rect.x, y: layout.area.maxY, width: rect.width, height: 2).intersection(rect)
      canvas.drawTokenLegend(lens, of: shown, in: foot)
    }
  }

  private mutating func drawTokenLegend(_ lens: LensStatistics, of shown: Int, in rect: Rect) {
    guard look.mapsHaveColor else {
      let bar = ColorBar(
        map: .cividis, scale: .linear(0...lens.largest[shown]), name: "probability of the likeliest")
      return draw(bar, in: rect.top(1))
    }
    let spans = lens.commonest[shown].flatMap { token in
      [
        Span(String(look.glyphs.full), lens.tokenColors[token.guess.id].map(look.seriesStyle) ?? look.theme.dim),
        Span(" “\(token.guess.text)” \(token.count)×, \(Format.percent(token.probability))  ", look.theme.dim),
      ]
    }
    line(spans, in: rect)
  }
}
