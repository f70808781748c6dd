import Tensor
package import Trace

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
