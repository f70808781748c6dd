import Statistics
import Tensor
import TerminalUI
package import Trace

/// The mask counted by segments, and checked against the attention that was measured.
package struct MaskStatistics: Sendable, Equatable {
  package let spans: [SequenceSpan]
  /// `[spans][spans]`, allowed edges from a query segment (row) to a key segment (column).
  package let allowed: [[Int]]
  /// What the attention rows carry on edges that the mask blocks; `nil` before the decoder ran.
  package let blocked: BlockedEdges?
  /// How much of any part of the matrix is allowed.
  let coverage: Coverage
  /// The spans as the matrix names them; what asks, `<voco>`, stands out.
  let segments: [MaskMap.Segment]

  /// The largest attention on a blocked edge, over the two rows of every layer and head that a trace holds.
  package struct BlockedEdges: Sendable, Equatable {
    package let largest: Float
    /// Edges looked at: blocked keys × layers × heads.
    package let count: Int

    package var holds: Bool { largest == 0 }
  }

  /// - Parameter before: the same sequence's statistics, whose counts are used again.
  package init(
    _ sequence: SequenceTrace, language: LanguageTrace?, vocoPosition: Int?,
    before: (SequenceTrace, MaskStatistics)? = nil
  ) {
    spans = sequence.spans
    if let before, before.0.mask == sequence.mask, before.0.spans == sequence.spans {
      (allowed, coverage, segments) = (before.1.allowed, before.1.coverage, before.1.segments)
    } else {
      allowed = Self.count(sequence)
      coverage = Coverage(size: max(1, sequence.length)) {
        $0 < sequence.length && sequence.allows(row: $0, column: $1)
      }
      segments = Self.segments(sequence)
    }
    blocked = language.map { Self.blockedEdges(sequence, $0, vocoPosition: vocoPosition) }
  }

  private static func count(_ sequence: SequenceTrace) -> [[Int]] {
    let (spans, length) = (sequence.spans, sequence.length)
    return sequence.mask.withUnsafeBufferPointer { mask in
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
  }

  /// The spans that hold something, cut and filled up so that together they are all positions.
  private static func segments(_ sequence: SequenceTrace) -> [MaskMap.Segment] {
    var segments: [MaskMap.Segment] = []
    var end = 0
    for span in sequence.spans where span.count > 0 && span.start == end && span.range.upperBound <= sequence.length {
      let name = span.kind == .voco ? "voco" : span.kind.rawValue
      segments.append(.init(name, span.range, isEmphasized: span.kind == .voco))
      end = span.range.upperBound
    }
    let size = max(1, sequence.length)
    if end < size { segments.append(.init("rest", end..<size)) }
    return segments
  }

  private static func blockedEdges(
    _ sequence: SequenceTrace, _ language: LanguageTrace, vocoPosition: Int?
  ) -> BlockedEdges {
    let length = sequence.length
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

  /// Edges between two segments, allowed or not.
  package func total(row: Int, column: Int) -> Int { spans[row].count * spans[column].count }

  /// The segment that holds a position.
  func span(of position: Int) -> Int? { spans.firstIndex { $0.range.contains(position) } }

  /// `all`, `none`, or how many edges, as exactly as the width allows.
  func words(row: Int, column: Int, width: Int) -> String {
    let (count, total) = (allowed[row][column], total(row: row, column: column))
    if count == 0 { return width >= 4 ? "none" : "·" }
    if count == total { return "all" }
    let exact = "\(Format.integer(count))/\(Format.integer(total))"
    if displayWidth(exact) <= width { return exact }
    let short = Format.integer(count)
    return displayWidth(short) <= width ? short : "\(count / 1000)k"
  }
}

extension SegmentKind {
  /// Three letters at most, for narrow columns.
  var shortName: String {
    switch self {
    case .bos: "bos"
    case .anchors: "anc"
    case .patches: "pat"
    case .cls: "cls"
    case .newline: "nl"
    case .voco: "voc"
    case .text: "txt"
    }
  }
}
