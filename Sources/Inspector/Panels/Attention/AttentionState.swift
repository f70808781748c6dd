import ColorMaps
package import Evidence
import Statistics
import TerminalUI
import Trace

/// How the Attention panel shows the row of the inspected token.
package enum AttentionDisplay: String, Sendable, CaseIterable, Codable {
  /// One map with the keys beside it.
  case map
  /// A small map of every head.
  case heads
  /// A curve over the layers.
  case layers
  /// A number of every head.
  case matrix
  /// What states decode to, layer by layer.
  case lens

  var next: AttentionDisplay {
    let all = AttentionDisplay.allCases
    return all[((all.firstIndex(of: self) ?? 0) + 1) % all.count]
  }
}

/// Whose row of attention is looked at.
package enum InspectedRow: Sendable, Hashable, Codable {
  case voco, lastPromptToken
  /// A token of the prompt or the answer, by its number among them.
  case text(Int)
}

/// The row of one inspected token, with what is said of it in a title.
package struct InspectedAttention: Sendable {
  package let attention: VocoAttention
  /// The head that looks at an anchor most compared with a patch, among those that somebody reads.
  package let strongest: (layer: Int, head: Int, lift: Double)?
  /// The layer whose attention nobody reads: text reads voco's keys and values, made from the state that enters a layer,
  /// so what voco attends to in the last one goes nowhere.
  package let deadLayer: Int?
  /// What single heads give single anchors.
  let anchorHeads: AnchorHeads

  init(_ attention: VocoAttention) {
    self.attention = attention
    let dead = attention.liveLayers.upperBound < attention.layers ? attention.liveLayers.upperBound : nil
    deadLayer = dead
    var best: (layer: Int, head: Int, lift: Double)?
    for (layer, heads) in attention.matrix(.lift).enumerated() where layer != dead {
      for (head, lift) in heads.enumerated() {
        if let lift, lift.isFinite, lift > best?.lift ?? 0 { best = (layer, head, lift) }
      }
    }
    strongest = best
    anchorHeads = AnchorHeads(attention, deadLayer: dead)
  }
}

/// Each anchor's share under the heads that look at the anchors most, the first of them first.
struct AnchorHeads: Sendable {
  private static let shown = 48

  /// Head as column and layer as row, of each line.
  let places: [GridPoint]
  /// `nil` without anchors.
  let matrix: ScoreMatrix?

  init(_ attention: VocoAttention, deadLayer: Int?) {
    let anchors = attention.layout.anchors
    let rows = (0..<attention.layers).filter { $0 != deadLayer }.flatMap { layer in
      (0..<attention.heads).map { head -> (place: GridPoint, shares: [Double], sum: Double) in
        let row = attention.row(layer: layer, head: head)
        let shares = anchors.map { row[$0] }
        return (GridPoint(column: head, row: layer), shares, shares.reduce(0, +))
      }
    }
    let most = rows.enumerated().sorted { ($1.element.sum, $0.offset) < ($0.element.sum, $1.offset) }
      .prefix(Self.shown).map(\.element)
    places = most.map(\.place)
    guard !anchors.isEmpty else {
      matrix = nil
      return
    }
    matrix = ScoreMatrix(
      rowNames: places.map { "L\($0.row + 1) h\($0.column + 1)" }, columnNames: anchors.indices.map { "A\($0 + 1)" },
      values: most.map { $0.shares.map { Optional($0) } }, texts: most.map { $0.shares.map(Format.percent) },
      scale: ValueScale(.logarithmic, holding: most.flatMap(\.shares)))
  }
}

/// What one picture says of a token, and what it was made for.
struct InspectedAnecdote: Sendable {
  struct Key: Sendable, Equatable {
    let token: InspectedRow
    let trace: Int
    let isComputed: Bool
  }

  let key: Key
  let verdict: EvidenceVerdict
}

/// A small map of every head, kept while layer, head and cursor change.
struct HeadMaps: Sendable {
  /// What they were made for.
  struct Choice: Sendable, Equatable {
    let metric: AttentionMetric
    let hidesSinks: Bool
    let visualOnly: Bool
    let inspected: InspectedRow

    init(_ view: ViewSettings) {
      // Rollout averages the heads away.
      metric = view.metric == .rollout ? .share : view.metric
      (hidesSinks, visualOnly, inspected) = (view.hidesSinks, view.visualOnly, view.inspected)
    }

    func query(layer: Int, head: Int) -> AttentionQuery {
      AttentionQuery(
        layer: .single(layer), head: .single(head), metric: metric, hidesSinks: hidesSinks, visualOnly: visualOnly)
    }
  }

  let choice: Choice
  /// With the first tile selected.
  private(set) var figure: SmallMultiples
  /// All values on the maps: what a scale must hold.
  private let values: [Double]

  /// The same maps on another scale.
  mutating func rescale(_ kind: ValueScale.Kind) {
    if figure.scale.kind != kind { figure.scale = ValueScale(kind, holding: values) }
  }

  init?(
    _ row: InspectedAttention, _ choice: Choice, scale: ValueScale.Kind, grid: GridSize, lifts: CellStatistics
  ) {
    let attention = row.attention
    guard attention.layout.patches.count == grid.count else { return nil }
    var all: [Double] = []
    var tiles: [SmallMultiples.Tile] = []
    for layer in 0..<attention.layers {
      for head in 0..<attention.heads {
        guard layer != row.deadLayer else {
          tiles.append(.init(values: [], note: "read by nobody"))
          continue
        }
        guard let view = AttentionView(attention, choice.query(layer: layer, head: head)) else { return nil }
        let values = view.layout.patches.map { view.shown[$0] ? view.values[$0] : .nan }
        let anchors = view.anchorValues
        all += values + anchors
        let cell = lifts.matrix[layer][head]
        tiles.append(.init(values: values, strip: anchors, caption: cell.map(lifts.text) ?? Format.none))
      }
    }
    self.choice = choice
    values = all
    figure = SmallMultiples(
      tiles, rowNames: (0..<attention.layers).map { "L\($0 + 1)" },
      columnNames: (0..<attention.heads).map { "head \($0 + 1)" },
      shape: Size(width: grid.columns, height: grid.rows), scale: ValueScale(scale, holding: all),
      selected: GridPoint(column: 0, row: 0))
  }
}

extension InspectorState {
  /// The row that the Attention panel looks at.
  package var inspected: InspectedAttention? {
    switch view.inspected {
    case .voco: statistics?.inspected
    case .lastPromptToken: lastTextRow ?? statistics?.lastToken ?? statistics?.inspected
    case .text(let token): textRow(token) ?? statistics?.inspected
    }
  }

  /// Computes the map again after the view or the trace changed.
  mutating func refreshMap() {
    let (row, looked) = (inspected, map?.view.layout.query)
    if let available = row?.attention.metrics, !available.contains(view.metric) { view.metric = .share }
    map = row.flatMap {
      MapStatistics(
        $0.attention, settings: view, links: links, previous: map,
        knockOut: view.inspected == .voco ? shownKnockOut : nil)
    }
    // Of all layers and heads, so that it changes with the trace, which takes the map away, and with the token alone.
    if map == nil || map?.view.layout.query != looked {
      mostAttended = startingKeys.flatMap { $0.seesPatch ? $0.patch : nil }
    }
    refreshHeads()
    refreshAnecdote()
    refreshPicture()
  }

  /// One picture's claims about the inspected token, made when another one is looked at.
  private mutating func refreshAnecdote() {
    let made = InspectedAnecdote.Key(token: view.inspected, trace: traceCount, isComputed: textAttention != nil)
    guard view.inspected != .voco, let trace, let row = inspected else {
      inspectedAnecdote = nil
      return
    }
    guard inspectedAnecdote?.key != made else { return }
    inspectedAnecdote = InspectedAnecdote(
      key: made, verdict: VerdictEngine().verdict(trace, row.attention, token: inspectedName))
  }

  /// The small maps are made when they are first looked at.
  private mutating func refreshHeads() {
    guard let row = inspected, let map else {
      headMaps = nil
      return
    }
    let choice = HeadMaps.Choice(view)
    guard headMaps?.choice != choice else {
      headMaps?.rescale(view.scale)
      return
    }
    headMaps = HeadMaps(row, choice, scale: view.scale, grid: links.geometry.patches, lifts: map.matrix)
  }

  mutating func turnAttentionDisplay() { change { $0.display = $0.display.next } }

  /// Why there is no other token to look at.
  var inspectedObstacle: String? {
    decoderObstacle ?? (inspectedChoices.count < 2 ? "the trace holds one token's attention" : nil)
  }

  /// Looks at another token's row; one that no trace holds is computed first.
  mutating func inspect(_ row: InspectedRow) -> [Effect] {
    if case .text(let token) = row, textAttention == nil {
      if let obstacle = busyObstacle ?? (codeLab.shownEdits.isEmpty ? nil : "the codes are edited") {
        notice = obstacle
        return []
      }
      (wantedToken, work) = (token, .inspecting)
      return [.inspectText(answer: trace?.generation?.tokenIDs ?? [])]
    }
    change { $0.inspected = row }
    if row != .voco, let query = map?.view.layout.query { notice = "attention of \(keyName(query))" }
    return []
  }

  /// The head that heads and matrix mark: the chosen one, or the one that looks at the anchors most.
  var markedCell: GridPoint {
    let strongest = inspected?.strongest
    return GridPoint(column: view.head ?? strongest?.head ?? 0, row: view.layer ?? strongest?.layer ?? 0)
  }

  /// What Enter does: a head of the small maps becomes the map, a column of the matrix sorts its rows.
  mutating func openAttention() {
    let cell = markedCell
    switch view.display {
    case .heads:
      change {
        ($0.layer, $0.head, $0.display) = (cell.row, cell.column, .map)
      }
    case .matrix: change { $0.sortedHead = $0.sortedHead == cell.column ? nil : cell.column }
    case .map, .layers, .lens: change { $0.isZoomed.toggle() }
    }
  }

  /// In heads and matrix the arrows go from head to head, over the layers from one to the next.
  mutating func moveInAttention(_ command: Command) {
    switch view.display {
    case .map, .lens: moveInMap(command)
    case .layers: moveOverCells(command, rows: false)
    case .heads, .matrix: moveOverCells(command, rows: true)
    }
  }

  private mutating func moveOverCells(_ command: Command, rows: Bool) {
    guard layerCount > 0, headCount > 0 else { return }
    guard view.layer != nil, view.head != nil || !rows else {
      let cell = markedCell
      return change { ($0.layer, $0.head) = (cell.row, rows ? cell.column : $0.head) }
    }
    let (layers, heads) = (layerCount, headCount)
    func clamped(_ value: Int?, _ step: Int, _ count: Int) -> Int { min(max(0, (value ?? 0) + step), count - 1) }
    switch command {
    case .up where rows: change { $0.layer = clamped($0.layer, -1, layers) }
    case .down where rows: change { $0.layer = clamped($0.layer, 1, layers) }
    case .left:
      change { if rows { $0.head = clamped($0.head, -1, heads) } else { $0.layer = clamped($0.layer, -1, layers) } }
    case .right:
      change { if rows { $0.head = clamped($0.head, 1, heads) } else { $0.layer = clamped($0.layer, 1, layers) } }
    case .pageUp: change { $0.layer = clamped($0.layer, -4, layers) }
    case .pageDown: change { $0.layer = clamped($0.layer, 4, layers) }
    case .first: change { ($0.layer, $0.head) = (0, rows ? 0 : $0.head) }
    case .last: change { ($0.layer, $0.head) = (layers - 1, rows ? heads - 1 : $0.head) }
    default: break
    }
  }

  /// Right of the map's last column lie the other keys, one per line.
  private mutating func moveInMap(_ command: Command) {
    let list = keyList
    let grid = links.geometry.patches
    if let line = list.firstIndex(of: cursor.key) {
      switch command {
      case .left: cursor.moveToPatch(cursor.patch, links)
      case .right: break
      default: cursor.move(to: list[movedLine(line, command, count: list.count, page: 8)], links)
      }
    } else if command == .right, cursor.patch.column == grid.columns - 1, !list.isEmpty {
      cursor.move(to: list[min(list.count - 1, cursor.patch.row * list.count / grid.rows)], links)
    } else {
      moveInPatches(command)
    }
  }

  /// The keys beside the map: anchors, then everything else that the inspected token sees.
  package var keyList: [KeyReference] {
    map?.listed.map(\.key) ?? links.listedKeys(upTo: links.sequence?.vocoPosition ?? (links.sequence?.length ?? 0) - 1)
  }

  /// The most attended visual key that is no sink, and the most attended patch of those, whether it is seen at all; never
  /// one of the padding.
  var startingKeys: (key: KeyReference, patch: GridPoint, seesPatch: Bool)? {
    guard let attention = inspected?.attention,
      let row = AttentionView(attention, AttentionQuery(layer: .all, head: .mean))
    else { return nil }
    let sinks = Set(row.sinks)
    let picture = (0..<links.geometry.width, 0..<links.geometry.height)
    var best: (key: KeyReference, value: Double)?
    var bestPatch: (point: GridPoint, value: Double)?
    for position in attention.layout.anchors + attention.layout.patches where !sinks.contains(position) {
      let (key, value) = (links.reference(at: position), row.values[position])
      if case .patch(let index) = key {
        let point = links.geometry.patches.point(index)
        let pixels = links.geometry.pixels(of: point, in: links.geometry.patches)
        guard pixels.x.overlaps(picture.0), pixels.y.overlaps(picture.1) else { continue }
        if value > bestPatch?.value ?? -1 { bestPatch = (point, value) }
      }
      if value > best?.value ?? -1 { best = (key, value) }
    }
    guard let best, let bestPatch else { return nil }
    return (best.key, bestPatch.point, bestPatch.value > 0)
  }

  /// The cursor, as long as nobody moved it, stands where the inspected token looks.
  mutating func placeCursor() {
    guard cursor == LinkedCursor(), let start = startingKeys else { return }
    cursor.moveToPatch(start.patch, links)
    if focus != .image { cursor.move(to: start.key, links) }
  }
}
