import Statistics
import TerminalUI
import Trace

/// A cell of the mask: query and key, whether the edge is allowed, and why.
package struct MaskEdge: Sendable, Equatable {
  package let row: Int
  package let column: Int
  package let isAllowed: Bool
  package let sentence: String

  var point: GridPoint { GridPoint(column: column, row: row) }
}

extension InspectorState {
  var maskReport: PanelReport {
    var report = PanelReport(.mask)
    guard let mask = statistics?.mask, let model = trace?.model else {
      report.notes = ["The sequence is not laid out yet."]
      return report
    }
    report.add("mask", model.visualMask.rawValue)
    report.add("positions", .integer(links.sequence?.length ?? 0))
    if let edge = maskEdge {
      report.add("query", "\(keyName(edge.row)) \(edge.row)")
      report.add("key", "\(keyName(edge.column)) \(edge.column)")
      report.add("edge", edge.isAllowed ? "allowed" : "blocked")
      report.add("reason", edge.sentence)
    }
    report.add("blocked edges", blockedWords(mask))
    let names = mask.spans.map(\.kind.rawValue)
    report.tables = [
      .init(
        "allowed edges by segment, query in rows, key in columns", columns: ["query \\ key"] + names,
        rows: mask.spans.indices.map { row in
          [.text("\(names[row]) \(mask.spans[row].count)")]
            + mask.spans.indices.map {
              .text("\(Format.integer(mask.allowed[row][$0]))/\(Format.integer(mask.total(row: row, column: $0)))")
            }
        })
    ]
    return report
  }

  var maskFindings: [String] {
    guard let mask = statistics?.mask, let model = trace?.model else { return [] }
    var checked = "blocked edges \(blockedWords(mask))"
    if let blocked = mask.blocked, blocked.count > 0, blocked.holds {
      checked = "\(Format.integer(blocked.count)) blocked edges carry 0.0 \(glyphs.isUnicode ? "✓" : "ok")"
    }
    return [model.visualMask.rawValue, checked, "arrows go by \(view.showsMaskCells ? "cell" : "segment")"]
  }

  /// What the blocked edges carry, checked against the measured attention.
  func blockedWords(_ mask: MaskStatistics) -> String {
    guard let blocked = mask.blocked else { return "not checked: the decoder has not run yet" }
    if blocked.count == 0 { return "none in the measured rows" }
    return blocked.holds
      ? "carry 0.0 \(glyphs.isUnicode ? "✓" : "ok") (\(Format.integer(blocked.count)) checked)"
      : "✗ one carries \(Format.number(Double(blocked.largest)))"
  }

  /// The mask cell under the cursor with its reason; `nil` before the sequence is known.
  package var maskEdge: MaskEdge? {
    guard let sequence = trace?.sequence, let index = links.sequence, let model = trace?.model,
      let row = cursor.queryPosition(links), let column = links.position(of: cursor.key)
    else { return nil }
    let reason = MaskRule(model.visualMask, kinds: index.kinds).reason(row: row, column: column)
    let isAllowed = sequence.allows(row: row, column: column)
    let sentence =
      reason.isAllowed == isAllowed ? reason.sentence : "The trace's mask differs from the rule: \(reason.sentence)"
    return MaskEdge(row: row, column: column, isAllowed: isAllowed, sentence: sentence)
  }
}
