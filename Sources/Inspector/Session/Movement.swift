import TerminalUI
import Trace

extension InspectorState {
  /// Moves the cursor of the focused panel; every other panel follows.
  mutating func move(_ command: Command) {
    switch focus {
    case .image: moveInPatches(command)
    case .attention: moveInAttention(command)
    case .anchors: moveInAnchors(command)
    case .mask: moveInMask(command)
    case .verdict: scrollLines(of: .verdict, command)
    case .compression: moveInCompression(command)
    case .checkpoint: moveInTensors(command)
    case .compare: moveInComparison(command)
    }
  }

  mutating func moveInPatches(_ command: Command) {
    let grid = links.geometry.patches
    cursor.moveToPatch(moved(cursor.patch, command, in: grid, page: max(1, grid.rows / 4)), links)
  }

  /// The anchors stand above the code grid; PgUp and PgDn leaf through the groups.
  private mutating func moveInAnchors(_ command: Command) {
    if command == .pageUp { return change { $0.group = max(0, $0.group - 1) } }
    if command == .pageDown {
      return change { [count = groupCount] in $0.group = max(0, min(count - 1, $0.group + 1)) }
    }
    if cursor.place == .anchor {
      switch command {
      case .up: cursor.moveToAnchor(cursor.anchor - 1, links)
      case .down where cursor.anchor < links.anchors - 1: cursor.moveToAnchor(cursor.anchor + 1, links)
      case .first: cursor.moveToAnchor(0, links)
      case .down, .right, .last: cursor.moveToCode(cursor.code, links)
      default: break
      }
    } else if command == .up, cursor.code.row == 0, links.anchors > 0 {
      cursor.moveToAnchor(links.anchors - 1, links)
    } else {
      let grid = links.geometry.latent
      cursor.moveToCode(moved(cursor.code, command, in: grid, page: max(1, grid.rows / 4)), links)
    }
  }

  /// By cells, or by segments while blocks are shown.
  private mutating func moveInMask(_ command: Command) {
    guard let sequence = trace?.sequence, let index = links.sequence, index.length > 0,
      let row = cursor.queryPosition(links)
    else { return }
    let key = links.position(of: cursor.key) ?? 0
    let bySegment = !view.showsMaskCells
    func stepped(_ position: Int, _ direction: Int, _ bySegment: Bool) -> Int {
      guard bySegment else { return position + direction }
      let spans = sequence.spans
      guard let span = spans.firstIndex(where: { $0.range.contains(position) }) else { return position }
      let next = min(max(0, span + direction), spans.count - 1)
      return next == span ? position : spans[next].start
    }
    switch command {
    case .up: cursor.moveToEdge(query: stepped(row, -1, bySegment), key: key, links)
    case .down: cursor.moveToEdge(query: stepped(row, 1, bySegment), key: key, links)
    case .left: cursor.moveToEdge(query: row, key: stepped(key, -1, bySegment), links)
    case .right: cursor.moveToEdge(query: row, key: stepped(key, 1, bySegment), links)
    case .pageUp: cursor.moveToEdge(query: stepped(row, -1, true), key: key, links)
    case .pageDown: cursor.moveToEdge(query: stepped(row, 1, true), key: key, links)
    case .first: cursor.moveToEdge(query: 0, key: 0, links)
    case .last: cursor.moveToEdge(query: index.length - 1, key: index.length - 1, links)
    default: break
    }
  }

  /// Over the patches; where the changes are listed, from one to the next.
  private mutating func moveInComparison(_ command: Command) {
    guard let comparison, view.compareDisplay == .changes || comparison.obstacle != nil,
      let here = comparison.changes.firstIndex(where: { $0.key == cursor.key }) ?? comparison.changes.indices.first
    else { return moveInPatches(command) }
    let line = movedLine(here, command, count: comparison.changes.count, page: max(1, size.height / 2))
    cursor.move(to: comparison.changes[line].key, links)
  }

  private mutating func moveInTensors(_ command: Command) {
    let rows = view.showsDiff ? checkpointDiff?.rows.count : checkpoint?.rows.count
    guard let count = rows, count > 0 else { return }
    tensorRow = movedLine(tensorRow, command, count: count, page: max(1, size.height / 2))
  }

  mutating func scrollLines(of panel: Panel, _ command: Command) {
    let count = max(1, reportLineCount(panel))
    scroll[panel] = movedLine(scroll[panel] ?? 0, command, count: count, page: 8)
  }
}

/// The next cell of a grid; `page` rows for PgUp and PgDn.
private func moved(_ point: GridPoint, _ command: Command, in grid: GridSize, page: Int) -> GridPoint {
  var point = point
  switch command {
  case .up: point.row -= 1
  case .down: point.row += 1
  case .left: point.column -= 1
  case .right: point.column += 1
  case .pageUp: point.row -= page
  case .pageDown: point.row += page
  case .first: point = GridPoint(column: 0, row: 0)
  case .last: point = GridPoint(column: grid.columns - 1, row: grid.rows - 1)
  default: break
  }
  return grid.clamp(point)
}

/// The next line of a list of `count` lines.
func movedLine(_ line: Int, _ command: Command, count: Int, page: Int) -> Int {
  let next =
    switch command {
    case .up: line - 1
    case .down: line + 1
    case .pageUp: line - page
    case .pageDown: line + page
    case .first: 0
    case .last: count - 1
    default: line
    }
  return min(max(0, next), max(0, count - 1))
}

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
