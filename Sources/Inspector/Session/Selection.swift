import Evidence
import TerminalUI
import Trace

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

/// Tokens whose attention can be looked at.
extension InspectorState {
  /// One token with what stands beside it in the chooser.
  struct InspectedChoice {
    let row: InspectedRow
    let name: String
    let detail: String
  }

  /// `<voco>`, the tokens of the prompt and those of the answer; without weights those that the trace holds.
  var inspectedChoices: [InspectedChoice] {
    guard let trace, let sequence = trace.sequence, trace.language != nil else { return [] }
    let own = InspectedChoice(
      row: .voco, name: trace.model.inspectedToken, detail: "key \(sequence.inspectedPosition)")
    let last = sequence.length - 1
    let held =
      statistics?.lastToken == nil
      ? [] : [InspectedChoice(row: .lastPromptToken, name: keyName(last), detail: "key \(last), last of the prompt")]
    guard capabilities.runsModel || textAttention != nil else { return [own] + held }
    func row(_ token: Int, _ position: Int) -> InspectedRow {
      position == last && !held.isEmpty ? .lastPromptToken : .text(token)
    }
    if let textAttention {
      return [own]
        + textAttention.pieces.enumerated().map { index, piece in
          let position = textAttention.positions[index]
          return InspectedChoice(
            row: row(index, position), name: piece,
            detail: "key \(position), \(position < sequence.length ? "prompt" : "answer")")
        }
    }
    // The same order as the model's: text after voco, then the answer but its last token.
    let start =
      sequence.vocoPosition.map { $0 + 1 } ?? sequence.positions(of: .text).last.map { last in
        (sequence.spans.last { $0.range.contains(last) }?.start) ?? last
      } ?? last
    let prompt = (start..<max(start, sequence.length)).enumerated().map { index, position in
      InspectedChoice(row: row(index, position), name: keyName(position), detail: "key \(position), prompt")
    }
    let answered = max(0, (trace.generation?.tokenIDs.count ?? 0) - 1)
    return [own] + prompt
      + (0..<answered).map { index in
        InspectedChoice(
          row: .text(prompt.count + index), name: "answer token \(index + 1)",
          detail: "key \(sequence.length + index), answer")
      }
  }

  /// The row of a token of prompt or answer; `nil` until it was computed.
  func textRow(_ token: Int) -> InspectedAttention? { textRows.indices.contains(token) ? textRows[token] : nil }

  mutating func take(_ attention: TextAttention) {
    if work == .inspecting { work = nil }
    textAttention = attention
    textRows = attention.positions.indices.map { inspectedRow($0, attention) }
    guard let wantedToken else { return }
    self.wantedToken = nil
    _ = inspect(.text(wantedToken))
  }

  /// What was computed belonged to the prompt and answer before.
  mutating func forgetTextAttention() {
    (textAttention, textRows, wantedToken) = (nil, [], nil)
    if case .text = view.inspected { view.inspected = .voco }
  }

  private func inspectedRow(_ token: Int, _ attention: TextAttention) -> InspectedAttention? {
    guard let trace, let sequence = trace.sequence, trace.model.patchGrid > 0 else { return nil }
    let query = attention.positions[token]
    let length = max(sequence.length, query + 1)
    var roles = [KeyRole](repeating: .unseen, count: length)
    let seen = Set(attention.columns.filter { $0 <= query })
    for key in seen { roles[key] = .prefix }
    for (index, key) in sequence.positions(of: .anchors).enumerated() where seen.contains(key) {
      roles[key] = .anchor(index)
    }
    for (index, key) in sequence.positions(of: .patches).enumerated() where seen.contains(key) {
      roles[key] = .patch(row: index / trace.model.patchGrid, column: index % trace.model.patchGrid)
    }
    for key in sequence.positions(of: .voco) where seen.contains(key) { roles[key] = .earlierVoco }
    roles[query] = .itself
    let layout = KeyLayout(roles: roles, query: query, patchGrid: trace.model.patchGrid, isVoco: false)
    return (try? VocoAttention(layout: layout, attention: attention.rows(of: token, length: length))).map {
      InspectedAttention($0)
    }
  }
}
