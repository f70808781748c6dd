import TerminalUI
import Trace

extension InspectorState {
  /// A mouse event: what it means depends on what was drawn there.
  mutating func handle(_ event: MouseEvent) -> [Effect] {
    if failure != nil {
      if event.kind == .press { failure = nil }
      return []
    }
    guard let region = hits.region(at: event.position) else { return [] }
    switch event.kind {
    case .press:
      notice = nil
      return press(region, at: event.position)
    case .doubleClick: return doubleClick(region, hits.panel(at: event.position))
    case .drag: drag(region, at: event.position)
    case .release: release()
    case .scrollUp: wheel(.up, region, hits.panel(at: event.position))
    case .scrollDown: wheel(.down, region, hits.panel(at: event.position))
    }
    return []
  }

  private mutating func press(_ region: HitMap<HitTarget>.Region, at point: Point) -> [Effect] {
    if let panel = hits.panel(at: point), panel != focus { focus(panel) }
    rangeStart = nil
    switch region.target {
    case .command(let command): return perform(command)
    case .choice(let row):
      selectChoice(row)
      return accept()
    case .layer(let layer): change { $0.layer = $0.layer == layer ? nil : layer }
    case .head(let cell): change { ($0.layer, $0.head) = (cell.row, cell.column) }
    case .tensor(let row): tensorRow = row
    case .panel, .dialog: break
    default: place(region, at: point)
    }
    return []
  }

  /// Puts the cursor where the mouse points.
  private mutating func place(_ region: HitMap<HitTarget>.Region, at point: Point) {
    switch region.target {
    case .patches(let layout):
      if let patch = layout.gridPoint(at: point, current: cursor.patch) { cursor.moveToPatch(patch, links) }
    case .picture:
      let grid = links.geometry.patches
      let column = (point.x - region.rect.x) * grid.columns / max(1, region.rect.width)
      let row = (point.y - region.rect.y) * grid.rows / max(1, region.rect.height)
      cursor.moveToPatch(GridPoint(column: column, row: row), links)
    case .codes(let layout):
      if let cell = layout.gridPoint(at: point, current: cursor.code) { cursor.moveToCode(cell, links) }
    case .codesOf(let group, let layout):
      change { $0.group = group }
      if let cell = layout.gridPoint(at: point, current: cursor.code) { cursor.moveToCode(cell, links) }
    case .maskEdge(let row, let column): cursor.moveToEdge(query: row, key: column, links)
    case .maskBlock(let row, let column):
      if let spans = trace?.sequence?.spans, spans.indices.contains(row), spans.indices.contains(column) {
        cursor.moveToEdge(query: spans[row].start, key: spans[column].start, links)
      }
    case .key(let key): cursor.move(to: key, links)
    default: break
    }
  }

  /// Dragging over patches selects the rectangle that they span.
  private mutating func drag(_ region: HitMap<HitTarget>.Region, at point: Point) {
    guard mode == .normal else { return }
    switch region.target {
    case .patches, .picture:
      if rangeStart == nil { rangeStart = cursor.key }
      place(region, at: point)
    default: break
    }
  }

  private mutating func release() {
    guard rangeStart != nil else { return }
    let keys = rangeKeys
    rangeStart = nil
    if keys.count > 1 { change { $0.selection.formUnion(keys) } }
  }

  private mutating func doubleClick(_ region: HitMap<HitTarget>.Region, _ panel: Panel?) -> [Effect] {
    switch region.target {
    case .choice, .command, .dialog: return []
    default: break
    }
    if let panel {
      focus(panel)
      change { $0.isZoomed.toggle() }
    }
    return []
  }

  /// The wheel scrolls the panel under the pointer, without focusing it.
  private mutating func wheel(_ command: Command, _ region: HitMap<HitTarget>.Region, _ panel: Panel?) {
    if mode != .normal { return moveChoice(by: command == .up ? -1 : 1) }
    let step = command == .up ? -1 : 1
    switch panel {
    case .verdict?: scrollLines(of: .verdict, command)
    case .compression?: moveInCompression(command)
    case .checkpoint?: tensorRow = min(max(0, tensorRow + step), max(0, (checkpoint?.rows.count ?? 1) - 1))
    case .anchors?: change { [count = groupCount] in $0.group = min(max(0, $0.group + step), max(0, count - 1)) }
    case .attention?: change { [count = layerCount] in $0.layer = stepped($0.layer, by: step, count: count) }
    case .image?, .mask?, .compare?:
      let held = focus
      focus = panel ?? focus
      move(command)
      focus = held
    case nil: break
    }
  }
}

extension HitMap<HitTarget> {
  /// The panel under a position, whatever lies over it.
  func panel(at point: Point) -> Panel? {
    for region in regions.reversed() where region.rect.contains(point) {
      if case .panel(let panel) = region.target { return panel }
      if case .dialog = region.target { return nil }
    }
    return nil
  }
}
