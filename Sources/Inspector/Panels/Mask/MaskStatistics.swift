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

  /// The largest attention on a blocked edge, over the rows of every layer and head that a trace holds: those of `<voco>`
  /// and of the prompt's last token.
  package struct BlockedEdges: Sendable, Equatable {
    package let largest: Float
    /// Edges looked at: blocked keys × layers × heads.
    package let count: Int
    /// Queries whose rows are recorded, of all positions.
    package let rows: Int
    package let positions: Int

    package var holds: Bool { largest == 0 }

    /// `2 recorded rows`
    package var rowWords: String { "\(rows) recorded row\(rows == 1 ? "" : "s")" }
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
    var queries: Set<Int> = []
    let rows = [(vocoPosition, language.attentionVoco), (length - 1, language.attentionLast)]
    for case (let row?, let attention) in rows where row >= 0 && attention.rank == 3 && attention.shape[2] == length {
      queries.insert(row)
      let keys = (0..<length).filter { !sequence.allows(row: row, column: $0) }
      let cells = attention.shape[0] * attention.shape[1]
      count += keys.count * cells
      attention.values.withUnsafeBufferPointer { values in
        for cell in 0..<cells {
          for key in keys { largest = max(largest, abs(values[cell * length + key])) }
        }
      }
    }
    return BlockedEdges(largest: largest, count: count, rows: queries.count, positions: length)
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

/// Where two masks differ, over the positions that stand for the same thing in both: the n-th key of a segment is the n-th
/// of the same segment in the other sequence.
package struct MaskDifference: Sendable {
  /// Edges from one segment to another that only one of the masks allows.
  package struct Block: Sendable, Equatable {
    package let query: SegmentKind
    package let key: SegmentKind
    package let onlyFirst: Int
    package let onlySecond: Int
    /// Edges there are, allowed or not.
    package let total: Int
  }

  /// Where a cut was made; empty for two whole runs.
  let scope: String
  let segments: [MaskMap.Segment]
  let onlyFirst: Coverage
  let onlySecond: Coverage
  /// Those with a difference, the most edges first.
  package let blocks: [Block]

  package var firstCount: Int { blocks.reduce(0) { $0 + $1.onlyFirst } }
  package var secondCount: Int { blocks.reduce(0) { $0 + $1.onlySecond } }

  /// `nil` when the masks are equal.
  init?(_ first: SequenceTrace, _ second: SequenceTrace) {
    if first.mask == second.mask { return nil }
    var seen: [SegmentKind: Int] = [:]
    var spans: [(kind: SegmentKind, first: Range<Int>, second: Range<Int>)] = []
    for span in first.spans where span.count > 0 {
      let others = second.spans.filter { $0.kind == span.kind && $0.count > 0 }
      let number = seen[span.kind, default: 0]
      seen[span.kind] = number + 1
      guard others.indices.contains(number) else { continue }
      let count = min(span.count, others[number].count)
      spans.append((span.kind, span.start..<span.start + count, others[number].start..<others[number].start + count))
    }
    self.init(spans, scope: "") { a, b in (first.allows(row: a.0, column: b.0), second.allows(row: a.1, column: b.1)) }
  }

  /// The edges from `<voco>` to these keys, which a cut takes away.
  init?(_ sequence: SequenceTrace, cut keys: [Int], words: String) {
    let cut = Set(keys)
    let queries = sequence.spans.filter { $0.kind == .voco }
    let spans = sequence.spans.filter { $0.count > 0 }.map { ($0.kind, $0.range, $0.range) }
    self.init(spans, scope: words) { a, b in
      let isAllowed = sequence.allows(row: a.0, column: b.0)
      return (isAllowed, isAllowed && !(cut.contains(b.0) && queries.contains { $0.range.contains(a.0) }))
    }
  }

  private init?(
    _ spans: [(kind: SegmentKind, first: Range<Int>, second: Range<Int>)], scope: String,
    allows: ((Int, Int), (Int, Int)) -> (Bool, Bool)
  ) {
    let places = spans.flatMap { Array(zip($0.first, $0.second)) }
    guard !places.isEmpty else { return nil }
    var segments: [MaskMap.Segment] = []
    for span in spans {
      let start = segments.last?.range.upperBound ?? 0
      let name = span.kind == .voco ? "voco" : span.kind.rawValue
      segments.append(.init(name, start..<start + span.first.count, isEmphasized: span.kind == .voco))
    }
    // 1 where the first alone allows the edge, 2 where the second does.
    var edges = [UInt8](repeating: 0, count: places.count * places.count)
    for row in places.indices {
      for column in places.indices {
        let (first, second) = allows(places[row], places[column])
        if first != second { edges[row * places.count + column] = first ? 1 : 2 }
      }
    }
    guard edges.contains(where: { $0 != 0 }) else { return nil }
    (self.segments, self.scope) = (segments, scope)
    onlyFirst = Coverage(size: places.count) { edges[$0 * places.count + $1] == 1 }
    onlySecond = Coverage(size: places.count) { edges[$0 * places.count + $1] == 2 }
    func count(_ rows: Range<Int>, _ columns: Range<Int>, _ mark: UInt8) -> Int {
      rows.reduce(0) { sum, row in sum + columns.count { edges[row * places.count + $0] == mark } }
    }
    blocks = spans.indices.flatMap { row in
      spans.indices.map { column in
        let (rows, columns) = (segments[row].range, segments[column].range)
        return Block(
          query: spans[row].kind, key: spans[column].kind, onlyFirst: count(rows, columns, 1),
          onlySecond: count(rows, columns, 2), total: rows.count * columns.count)
      }
    }
    .filter { $0.onlyFirst + $0.onlySecond > 0 }
    .sorted { ($1.onlyFirst + $1.onlySecond) < ($0.onlyFirst + $0.onlySecond) }
  }

  /// `voco → anchors: 4 of 4 edges in the first alone`
  func words(_ block: Block) -> String {
    let parts = [(block.onlyFirst, "first"), (block.onlySecond, "second")].filter { $0.0 > 0 }.map {
      "\(Format.integer($0.0)) of \(Format.integer(block.total)) edges in the \($0.1) alone"
    }
    return "\(block.query.rawValue) → \(block.key.rawValue): \(parts.joined(separator: ", "))"
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
