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

/// Why a query may or may not attend to a key.
package struct MaskReason: Sendable, Equatable {
  /// What the rule says.
  package let isAllowed: Bool
  package let sentence: String

  /// The rule for an edge, by the table of the model's description.
  /// - Parameter visualMask: `star` or `causal`.
  package init(_ sequence: SequenceIndex, visualMask: String, query: Int, key: Int) {
    let isStar = visualMask == "star"
    let firstVoco = sequence.voco.first ?? sequence.length
    let queryKind = sequence.kinds[query]
    let keyIsVisual = sequence.kinds[key].isVisual
    (isAllowed, sentence) =
      if key > query {
        (false, "Causal: no query sees a key that comes after it.")
      } else if queryKind == .voco {
        (true, "<voco> sees everything before it and itself: \(query + 1) keys.")
      } else if query > firstVoco {
        key >= firstVoco
          ? (true, "Text after <voco> sees every <voco> and the text before it.")
          : (
            false,
            "Text after <voco> never sees bos, visual or prefix keys: the picture reaches it only through <voco>."
          )
      } else if !isStar {
        (true, "Causal visual mask: every query before <voco> sees everything before it and itself.")
      } else if queryKind.isVisual {
        MaskReason.star(query: query, key: key, keyIsVisual: keyIsVisual)
      } else {
        keyIsVisual
          ? (false, "Star mask: text before <voco> sees no visual key.")
          : (true, "Star mask: text before <voco> sees the text before it and itself.")
      }
  }

  private static func star(query: Int, key: Int, keyIsVisual: Bool) -> (Bool, String) {
    if key == query { return (true, "Star mask: an anchor or patch sees itself.") }
    return keyIsVisual
      ? (false, "Star mask: an anchor or patch sees no other visual token.")
      : (true, "Star mask: an anchor or patch sees every non-visual key before it.")
  }
}
