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
  /// `[L + 1][P]`, probabilities of each patch's likeliest token.
  let patches: [[Double]]
  /// `[L + 1]`, the tokens that are likeliest at most patches.
  let commonest: [[(guess: Lens.Guess, count: Int, probability: Double)]]
  /// Rows by their position in the sequence.
  private let byPosition: [Int: Lens.Row]

  init(_ lens: Lens) {
    self.lens = lens
    named = lens.rows.filter { $0.place.kind != .patches && $0.place.kind != .cls }
    let ofPatches = lens.rows.filter { $0.place.kind == .patches }
    patches = (0...lens.layers).map { layer in ofPatches.map { $0.states[layer].first?.probability ?? .nan } }
    commonest = (0...lens.layers).map { layer in
      Dictionary(grouping: ofPatches.compactMap { $0.states[layer].first }, by: \.id).values
        .sorted { ($1.count, $0[0].id) < ($0.count, $1[0].id) }.prefix(Lens.count)
        .map { ($0[0], $0.count, mean($0.map(\.probability)) ?? 0) }
    }
    byPosition = Dictionary(lens.rows.map { ($0.place.position, $0) }) { first, _ in first }
  }

  package subscript(position position: Int) -> Lens.Row? { byPosition[position] }

  /// `into L3`, or `after` the last.
  func stateName(_ state: Int) -> String { state < lens.layers ? "into L\(state + 1)" : "after" }

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
    guard !guesses.isEmpty else { return [missingWords(.lens)] }
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
    var blocks = [namedBlock(state, lens), cursorBlock(state, lens)].compactMap { $0 }
    if let patches = patchesBlock(state, lens, in: rect) { blocks.append(patches) }
    fill(rect, with: blocks)
  }

  private func namedBlock(_ state: InspectorState, _ lens: LensStatistics) -> Block {
    Block(least: Size(width: 30, height: 4), most: lens.lens.layers + 3) { canvas, rect in
      canvas.line("likeliest token of each state; grey: read by nobody", in: rect, style: canvas.look.theme.title)
      let rows = (0...lens.lens.layers).map { layer in lens.named.map { (row: $0, guess: $0.states[layer].first) } }
      let selected = state.lensRow.flatMap { row in lens.named.firstIndex { $0.place == row.place } }
      let matrix = ScoreMatrix(
        rowNames: (0...lens.lens.layers).map(lens.stateName), columnNames: lens.named.map(\.place.name),
        values: rows.enumerated().map { layer, cells in
          cells.map { layer < lens.lens.liveStates(of: $0.row.place.kind) ? $0.guess?.probability : .nan }
        },
        texts: rows.map { $0.map { $0.guess?.words ?? "" } }, scale: .linear(0...1),
        selected: selected.map { GridPoint(column: $0, row: state.lensState) })
      canvas.hits.add(matrix.draw(in: rect.dropping(top: 1), of: &canvas.frame, canvas.look)) {
        .key(state.links.reference(at: lens.named[$0.column].place.position))
      }
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
      let matrix = ScoreMatrix(
        rowNames: row.states.indices.map(lens.stateName), columnNames: ranks.map { "\($0 + 1)" },
        values: row.states.indices.map { layer in
          ranks.map { layer < live ? guess(layer, $0)?.probability : .nan }
        },
        texts: row.states.indices.map { layer in ranks.map { guess(layer, $0)?.words ?? "" } }, scale: .linear(0...1))
      canvas.draw(matrix, in: rect.dropping(top: 1))
    }
  }

  /// How sure the patches are of their likeliest token, and which tokens these are.
  private func patchesBlock(_ state: InspectorState, _ lens: LensStatistics, in rect: Rect) -> Block? {
    let (grid, shown) = (state.links.geometry.patches, state.lensState)
    guard lens.patches[shown].count == grid.count, grid.count > 0 else { return nil }
    let unit = look.drawsHalfBlocks ? 1 : 2
    let least = Size(width: max(30, grid.columns * unit), height: (grid.rows * unit + 1) / 2 + 2)
    let words = lens.commonest[shown].map { "“\($0.guess.text)” \($0.count)×" }.joined(separator: ", ")
    let unread = shown < lens.lens.liveStates(of: .patches) ? "" : ", read by nobody"
    return Block(least: least, most: rect.height) { canvas, rect in
      canvas.line(
        "patches \(lens.stateName(shown))\(unread): \(words)", in: rect, style: canvas.look.theme.title)
      let room = rect.dropping(top: 1).dropping(bottom: 1)
      let layout = GridLayout(
        columns: grid.columns, rows: grid.rows, in: room, canvas.look, keeping: state.cursor.patch)
      canvas.draw(HeatMap(lens.patches[shown], layout: layout, range: 0...1), in: room)
      canvas.draw(GridMarks(layout: layout, cursor: state.cursor.patch, selection: []), in: room)
      canvas.hits.add(layout.area.intersection(room), .patches(layout))
      canvas.draw(
        ColorBar(map: .cividis, scale: .linear(0...1), name: "probability of the likeliest"), in: rect.bottom(1))
    }
  }
}
