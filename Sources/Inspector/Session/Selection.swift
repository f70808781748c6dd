import TerminalUI

extension InspectorState {
  /// The keys between the start of the range and the cursor: a rectangle of patches, or a run of positions.
  package var rangeKeys: Set<KeyReference> {
    guard let start = rangeStart else { return [] }
    if case .patch(let first) = start, case .patch(let last) = cursor.key {
      let grid = links.geometry.patches
      let a = grid.point(first)
      let b = grid.point(last)
      let rows = min(a.row, b.row)...max(a.row, b.row)
      let columns = min(a.column, b.column)...max(a.column, b.column)
      return Set(rows.flatMap { row in columns.map { .patch(grid.index(GridPoint(column: $0, row: row))) } })
    }
    if case .anchor(let first) = start, case .anchor(let last) = cursor.key {
      return Set((min(first, last)...max(first, last)).map(KeyReference.anchor))
    }
    guard let first = links.position(of: start), let last = links.position(of: cursor.key) else { return [start] }
    return Set((min(first, last)...max(first, last)).map(links.reference))
  }

  /// What is selected, and what a range under way would add.
  package var highlightedKeys: Set<KeyReference> { view.selection.union(rangeKeys) }

  /// Keys in words: “A1–A4”, “patch (12,7)”, “3 patches”, “A1, 3 patches”.
  package func label(of positions: [Int]) -> String {
    var anchors: [Int] = []
    var patches: [Int] = []
    var others: [String] = []
    for position in positions {
      switch links.reference(at: position) {
      case .anchor(let index): anchors.append(index)
      case .patch(let index): patches.append(index)
      case .position(let position): others.append(keyName(position))
      }
    }
    var parts: [String] = []
    if let first = anchors.first, let last = anchors.last {
      let isRun = last - first == anchors.count - 1
      parts.append(
        anchors.count == 1
          ? "A\(first + 1)"
          : isRun ? "A\(first + 1)–A\(last + 1)" : anchors.map { "A\($0 + 1)" }.joined(separator: " "))
    }
    if patches.count == 1 {
      let point = links.geometry.patches.point(patches[0])
      parts.append("patch (\(point.row),\(point.column))")
    } else if !patches.isEmpty {
      parts.append(patches.count == links.sequence?.patches.count ? "all patches" : "\(patches.count) patches")
    }
    parts += others.count > 3 ? ["\(others.count) tokens"] : others
    return parts.joined(separator: ", ")
  }
}
