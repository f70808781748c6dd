import Statistics
import Tensor
import TerminalUI
package import Trace

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

  /// What the blocked edges carry, checked against the measured attention.
  func blockedWords(_ mask: MaskStatistics) -> String {
    guard let blocked = mask.blocked else { return "not checked: the decoder has not run yet" }
    if blocked.count == 0 { return "none in the measured rows" }
    return blocked.holds
      ? "carry 0.0 \(glyphs.isUnicode ? "✓" : "ok") (\(Format.integer(blocked.count)) checked)"
      : "✗ one carries \(Format.number(Double(blocked.largest)))"
  }

  /// The mask cell under the cursor with its reason; `nil` before the sequence is known.
  package var maskEdge: (row: Int, column: Int, isAllowed: Bool, sentence: String)? {
    guard let sequence = trace?.sequence, let index = links.sequence, let model = trace?.model,
      let row = cursor.queryPosition(links), let column = links.position(of: cursor.key)
    else { return nil }
    let reason = MaskRule(model.visualMask, kinds: index.kinds).reason(row: row, column: column)
    let isAllowed = sequence.allows(row: row, column: column)
    let sentence =
      reason.isAllowed == isAllowed ? reason.sentence : "The trace's mask differs from the rule: \(reason.sentence)"
    return (row, column, isAllowed, sentence)
  }
}

/// The mask counted by segments, and checked against the attention that was measured.
package struct MaskStatistics: Sendable, Equatable {
  package let spans: [SequenceSpan]
  /// `[spans][spans]`, allowed edges from a query segment (row) to a key segment (column).
  package let allowed: [[Int]]
  /// What the attention rows carry on edges that the mask blocks; `nil` before the decoder ran.
  package let blocked: BlockedEdges?

  /// The largest attention on a blocked edge, over the two rows of every layer and head that a trace holds.
  package struct BlockedEdges: Sendable, Equatable {
    package let largest: Float
    /// Edges looked at: blocked keys × layers × heads.
    package let count: Int

    package var holds: Bool { largest == 0 }
  }

  package init(_ sequence: SequenceTrace, language: LanguageTrace?, vocoPosition: Int?) {
    let spans = sequence.spans
    let length = sequence.length
    self.spans = spans
    allowed = sequence.mask.withUnsafeBufferPointer { mask in
      spans.map { rows in
        spans.map { columns in
          var count = 0
          for row in rows.range where row < length {
            let start = row * length
            for column in columns.range where column < length && mask[start + column] != 0 { count += 1 }
          }
          return count
        }
      }
    }
    blocked = language.map { language in
      var largest: Float = 0
      var count = 0
      let rows = [(vocoPosition, language.attentionVoco), (length - 1, language.attentionLast)]
      for case (let row?, let attention) in rows where row >= 0 && attention.rank == 3 && attention.shape[2] == length {
        let keys = (0..<length).filter { !sequence.allows(row: row, column: $0) }
        let cells = attention.shape[0] * attention.shape[1]
        count += keys.count * cells
        attention.values.withUnsafeBufferPointer { values in
          for cell in 0..<cells {
            for key in keys { largest = max(largest, abs(values[cell * length + key])) }
          }
        }
      }
      return BlockedEdges(largest: largest, count: count)
    }
  }

  /// Edges between two segments, allowed or not.
  package func total(row: Int, column: Int) -> Int { spans[row].count * spans[column].count }
}
