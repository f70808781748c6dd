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
