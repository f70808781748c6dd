package import Evidence
import Statistics
import Tensor
import TerminalUI
import Trace

/// What the status line says about the cursor: the numbers behind the colours.
package struct Reading: Sendable, Equatable {
  /// What the cursor stands on, then one fact after another.
  package let parts: [String]
  /// The number that `y` copies; `nil` when there is none.
  package let copyableValue: String?

  package var text: String { parts.joined(separator: " · ") }
}

extension InspectorState {
  /// What the cursor stands on, in words and numbers.
  package var reading: Reading {
    if focus == .checkpoint { return tensorReading }
    switch cursor.place {
    case .patch:
      let numbers = keyNumbers(cursor.key)
      let key = links.position(of: cursor.key).map { ["key \($0)"] } ?? []
      return Reading(parts: [patchText] + numbers.parts + colorParts + key, copyableValue: numbers.value)
    case .anchor:
      let numbers = keyNumbers(cursor.key)
      let norm = statistics?.anchors.flatMap {
        $0.norms.indices.contains(cursor.anchor) ? $0.norms[cursor.anchor] : nil
      }
      return Reading(
        parts: ["A\(cursor.anchor + 1)\(keySuffix(cursor.key))"] + numbers.parts
          + (norm.map { ["‖v‖ \(Format.number($0))"] } ?? []),
        copyableValue: numbers.value)
    case .token:
      let numbers = keyNumbers(cursor.key)
      return Reading(parts: [tokenName] + numbers.parts, copyableValue: numbers.value)
    case .code: return codeReading
    case .edge: return edgeReading
    }
  }

  /// The piece of a position: `<s>`, `A1`, `patch (12,7)`, `<voco>`, `▁what`.
  package func keyName(_ position: Int) -> String {
    switch links.reference(at: position) {
    case .anchor(let index): return "A\(index + 1)"
    case .patch(let index):
      let point = links.geometry.patches.point(index)
      return "patch (\(point.row),\(point.column))"
    case .position(let position):
      guard let pieces = trace?.sequence?.pieces, pieces.indices.contains(position) else {
        let token = textAttention?.positions.firstIndex(of: position)
        return token.flatMap { textAttention?.pieces[$0] } ?? "key \(position)"
      }
      return pieces[position] == "\n" ? "<0x0A>" : pieces[position]
    }
  }

  private func keySuffix(_ key: KeyReference) -> String { links.position(of: key).map { " key \($0)" } ?? "" }

  private var tokenName: String {
    guard let position = links.position(of: cursor.key) else { return "no key" }
    return "\(keyName(position)) key \(position)"
  }

  /// Value, rank and lift of a key under the metric on screen.
  private func keyNumbers(_ key: KeyReference) -> (parts: [String], value: String?) {
    var place = links.position(of: key)
    if case .position(let position) = key, map.map({ position < $0.view.layout.length }) ?? false { place = position }
    guard let map, let position = place else {
      return ([statistics?.attentionProblem ?? "attention: the decoder has not run yet"], nil)
    }
    guard map.view.shown.indices.contains(position), map.view.layout.roles[position] != .unseen else {
      return (["\(inspectedToken) does not see it"], nil)
    }
    guard map.view.shown[position] else {
      return ([map.view.sinks.contains(position) ? "left out as a sink" : "left out: not visual"], nil)
    }
    let value = Format.number(map.view.values[position])
    var parts = view.metric == .lift ? [] : ["\(view.metric == .share ? "attention" : view.metric.rawValue) \(value)"]
    if let rank = map.view.rank(of: position) { parts.append("rank \(rank)/\(map.view.shownCount)") }
    parts.append("lift \(liftText(map.view.lift(of: position)))")
    if focus == .compare { parts += comparedParts }
    if let cut = map.knockOut, cut.shown[position] { parts.append("cut \(Format.number(cut.values[position]))") }
    if view.selection.contains(key) { parts.append("pinned") }
    return (parts, value)
  }

  private var colorParts: [String] {
    if let color = patchColor { return ["rgb \(color.red),\(color.green),\(color.blue)"] }
    return picture == nil ? [] : ["padding"]
  }

  private var codeReading: Reading {
    guard let mgvq = trace?.mgvq else {
      let place = "code (\(cursor.code.row),\(cursor.code.column))"
      return Reading(
        parts: trace?.model.groups == 0 ? [codesObstacle] : [place, "not computed yet"], copyableValue: nil)
    }
    let code = mgvq.codes[view.group, cursor.code.row, cursor.code.column]
    var parts = ["code \(code) at (\(cursor.code.row),\(cursor.code.column)) of group \(view.group + 1)"]
    if let counts = groupCounts, counts.indices.contains(code) {
      let count = counts[code]
      parts.append("used \(count)× here")
    }
    if let margin = codeChoice?.margin { parts.append("margin \(Format.number(margin))") }
    parts.append(patchText)
    return Reading(parts: parts + keyNumbers(cursor.key).parts, copyableValue: String(code))
  }

  /// How the latent vector under the cursor chose its code; `nil` without the codebook.
  package var codeChoice: [CodeNeighbour]? { codeAtCursor?.choice }

  private var edgeReading: Reading {
    guard let sequence = trace?.sequence, let row = cursor.queryPosition(links),
      let column = links.position(of: cursor.key)
    else { return Reading(parts: ["mask: the sequence is not laid out yet"], copyableValue: nil) }
    var parts = ["query \(keyName(row)) \(row) → key \(keyName(column)) \(column)"]
    let allowed = sequence.allows(row: row, column: column)
    parts.append(allowed ? "allowed" : "blocked")
    let value = edgeAttention(row: row, column: column).map { Format.number(Double($0)) }
    parts.append(
      value.map { "attention \($0), mean over live layers and heads" }
        ?? "a trace holds attention of <voco> and the last token only")
    return Reading(parts: parts, copyableValue: value ?? (allowed ? "1" : "0"))
  }

  /// The attention on an edge, averaged over the layers that somebody reads and their heads; `nil` for rows that a trace
  /// does not hold.
  package func edgeAttention(row: Int, column: Int) -> Float? {
    guard let language = trace?.language, let index = links.sequence else { return nil }
    let tensor =
      row == index.vocoPosition ? language.attentionVoco : row == index.length - 1 ? language.attentionLast : nil
    guard let tensor, tensor.rank == 3, tensor.shape[2] == index.length else { return nil }
    let live = row == index.vocoPosition ? statistics?.inspected?.attention.liveLayers.count : tensor.shape[0]
    let cells = (live ?? tensor.shape[0]) * tensor.shape[1]
    guard cells > 0 else { return nil }
    return (0..<cells).reduce(Float(0)) { $0 + tensor.values[$1 * index.length + column] } / Float(cells)
  }

  private var tensorReading: Reading {
    guard let checkpoint, checkpoint.rows.indices.contains(tensorRow) else {
      return Reading(parts: ["no checkpoint listed"], copyableValue: nil)
    }
    let row = checkpoint.rows[tensorRow]
    return Reading(
      parts: [row.name, Format.shape(row.shape), row.dtype, Format.bytes(row.byteCount), row.status],
      copyableValue: row.name)
  }
}
