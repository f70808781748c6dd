import Evidence
package import TerminalUI
package import Trace

/// A place in the data that a cursor can stand on, or that a person can select.
package enum KeyReference: Sendable, Hashable, Comparable, Codable {
  /// An anchor by its number, from 0.
  case anchor(Int)
  /// A patch by its row-major index.
  case patch(Int)
  /// Any other key by its position in the sequence: bos, newline, voco or text.
  case position(Int)
}

/// The one cursor that all panels share: it stands in one place, and its shadows lie in every other panel.
///
/// Moving it anywhere moves the patch, the latent cell, the key and the mask cell together. A key that lies nowhere in
/// the picture (an anchor, a token) leaves the patch where it was.
package struct LinkedCursor: Sendable, Hashable, Codable {
  /// What the cursor was moved on last: what the status line reads out.
  package enum Place: String, Sendable, Hashable, Codable {
    case patch
    case anchor
    case code
    case token
    case edge
  }

  package var place: Place
  package var patch: GridPoint
  /// The cell of the latent grid.
  package var code: GridPoint
  /// The anchor, from 0.
  package var anchor: Int
  /// The key under the cursor.
  package var key: KeyReference
  /// The mask row as a position; `nil` is the voco row.
  package var query: Int?

  package init() {
    place = .patch
    patch = GridPoint(column: 0, row: 0)
    code = GridPoint(column: 0, row: 0)
    anchor = 0
    key = .patch(0)
    query = nil
  }
}

/// What links the cursor's shadows: the grids, and the sequence once it is known.
package struct CursorLinks: Sendable, Hashable {
  package let geometry: PictureGeometry
  package let anchors: Int
  package let sequence: SequenceIndex?

  package init(geometry: PictureGeometry, anchors: Int, sequence: SequenceIndex?) {
    self.geometry = geometry
    self.anchors = anchors
    self.sequence = sequence
  }

  package static func == (left: CursorLinks, right: CursorLinks) -> Bool {
    left.geometry == right.geometry && left.anchors == right.anchors && left.sequence == right.sequence
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(geometry)
    hasher.combine(anchors)
    hasher.combine(sequence?.length)
  }

  /// The position of a key in the sequence; `nil` before the sequence is known or when there is no such key.
  package func position(of key: KeyReference) -> Int? {
    guard let sequence else { return nil }
    switch key {
    case .anchor(let index): return sequence.anchors.indices.contains(index) ? sequence.anchors[index] : nil
    case .patch(let index): return sequence.patches.indices.contains(index) ? sequence.patches[index] : nil
    case .position(let position): return (0..<sequence.length).contains(position) ? position : nil
    }
  }

  /// What stands at a position of the sequence.
  package func reference(at position: Int) -> KeyReference {
    guard let sequence, (0..<sequence.length).contains(position) else { return .position(position) }
    switch sequence.kinds[position] {
    case .anchors: return .anchor(sequence.ordinals[position])
    case .patches: return .patch(sequence.ordinals[position])
    default: return .position(position)
    }
  }
}

extension LinkedCursor {
  /// The mask row as a position, once the sequence is known.
  package func queryPosition(_ links: CursorLinks) -> Int? {
    guard let sequence = links.sequence, sequence.length > 0 else { return nil }
    if let query { return min(max(0, query), sequence.length - 1) }
    return sequence.vocoPosition ?? sequence.length - 1
  }

  package mutating func moveToPatch(_ point: GridPoint, _ links: CursorLinks) {
    place = .patch
    setPatch(links.geometry.patches.clamp(point), links)
    key = .patch(links.geometry.patches.index(patch))
  }

  /// The patch is the one over the latent cell, and the key that patch's.
  package mutating func moveToCode(_ point: GridPoint, _ links: CursorLinks) {
    place = .code
    code = links.geometry.latent.clamp(point)
    patch = links.geometry.patch(ofLatent: code)
    key = .patch(links.geometry.patches.index(patch))
  }

  package mutating func moveToAnchor(_ index: Int, _ links: CursorLinks) {
    guard links.anchors > 0 else { return }
    place = .anchor
    anchor = min(max(0, index), links.anchors - 1)
    key = .anchor(anchor)
  }

  /// Any key by its reference; the place follows what it is.
  package mutating func move(to reference: KeyReference, _ links: CursorLinks) {
    switch reference {
    case .anchor(let index): moveToAnchor(index, links)
    case .patch(let index): moveToPatch(links.geometry.patches.point(max(0, index)), links)
    case .position(let position):
      let actual = links.reference(at: position)
      guard actual == reference else { return move(to: actual, links) }
      place = .token
      key = reference
    }
  }

  /// A cell of the mask: its column is the key, and the shadows follow the key.
  package mutating func moveToEdge(query row: Int, key column: Int, _ links: CursorLinks) {
    guard let sequence = links.sequence, sequence.length > 0 else { return }
    let last = sequence.length - 1
    move(to: links.reference(at: min(max(0, column), last)), links)
    query = min(max(0, row), last)
    place = .edge
  }

  /// The same cursor after the grids or the sequence changed: every shadow lies inside again.
  package mutating func relink(_ links: CursorLinks) {
    patch = links.geometry.patches.clamp(patch)
    code = links.geometry.latent.clamp(code)
    anchor = min(max(0, anchor), max(0, links.anchors - 1))
    query = query.map { row in links.sequence.map { min(max(0, row), max(0, $0.length - 1)) } ?? row }
    switch key {
    case .patch: key = .patch(links.geometry.patches.index(patch))
    case .anchor: key = .anchor(anchor)
    case .position(let position):
      guard let sequence = links.sequence, position < sequence.length else {
        return moveToPatch(patch, links)
      }
      key = links.reference(at: position)
    }
  }

  private mutating func setPatch(_ point: GridPoint, _ links: CursorLinks) {
    patch = point
    code = links.geometry.latent(ofPatch: point)
  }
}

/// The sequence turned around: from a patch or an anchor to its position, and from a position to what it is.
package struct SequenceIndex: Sendable, Equatable {
  package let length: Int
  /// Positions of the anchors, patches and voco tokens, ascending.
  package let anchors: [Int]
  package let patches: [Int]
  package let voco: [Int]
  /// Positions that are neither anchor nor patch, ascending.
  package let others: [Int]
  /// The segment kind of each position, and how many of its kind come before it.
  package let kinds: [SegmentKind]
  package let ordinals: [Int]

  package init(_ sequence: SequenceTrace) {
    let length = sequence.length
    var kinds = [SegmentKind](repeating: .text, count: length)
    var ordinals = [Int](repeating: 0, count: length)
    var counts: [SegmentKind: Int] = [:]
    for span in sequence.spans {
      for position in span.range where position < length {
        kinds[position] = span.kind
        ordinals[position] = counts[span.kind, default: 0]
        counts[span.kind, default: 0] += 1
      }
    }
    self.length = length
    self.kinds = kinds
    self.ordinals = ordinals
    anchors = (0..<length).filter { kinds[$0] == .anchors }
    patches = (0..<length).filter { kinds[$0] == .patches }
    voco = (0..<length).filter { kinds[$0] == .voco }
    others = (0..<length).filter { kinds[$0] != .anchors && kinds[$0] != .patches }
  }

  /// The query that `attention.voco` belongs to.
  package var vocoPosition: Int? { voco.last }
}

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

  /// The last prompt token's row as it was computed, which unlike a trace's has value norms.
  var lastTextRow: InspectedAttention? {
    guard let last = trace?.sequence.map({ $0.length - 1 }) else { return nil }
    return textAttention?.positions.firstIndex(of: last).flatMap(textRow)
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
    let row = try? VocoAttention(
      layout: layout, attention: attention.rows(of: token, length: length), valueNorms: attention.norms(length: length))
    return row.map { InspectedAttention($0) }
  }
}

/// A token as a command line names it: `voco`, `last`, `prompt:2`, `answer:1`, numbers from 1.
package enum NamedToken: Sendable, Hashable {
  case voco, last
  case prompt(Int)
  case answer(Int)

  package init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    switch (parts.first, parts.count) {
    case ("voco", 1): self = .voco
    case ("last", 1): self = .last
    case ("prompt", 2), ("answer", 2):
      guard let number = Int(parts[1]), number > 0 else { return nil }
      self = parts[0] == "prompt" ? .prompt(number) : .answer(number)
    default: return nil
    }
  }
}

extension InspectorState {
  /// Looks at a token's row.
  ///
  /// - Returns: why there is none; `nil` once it is looked at.
  package mutating func look(at token: NamedToken) -> String? {
    let prompt = trace?.sequence?.length ?? 0
    let row: InspectedRow
    switch token {
    case .voco: row = .voco
    // In a model without voco it is the inspected one.
    case .last: row = statistics?.lastToken == nil ? .voco : .lastPromptToken
    case .prompt(let number), .answer(let number):
      guard let textAttention else {
        return "the rows of <voco> and of the last prompt token are all that a trace holds"
      }
      let isPrompt = if case .prompt = token { true } else { false }
      let tokens = textAttention.positions.indices.filter { (textAttention.positions[$0] < prompt) == isPrompt }
      guard number <= tokens.count else {
        return "there are \(tokens.count) tokens of the \(isPrompt ? "prompt" : "answer") that attend to something"
      }
      let index = tokens[number - 1]
      row =
        textAttention.positions[index] == prompt - 1 && statistics?.lastToken != nil ? .lastPromptToken : .text(index)
    }
    _ = inspect(row)
    return nil
  }
}
