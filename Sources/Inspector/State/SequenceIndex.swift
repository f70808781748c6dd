package import Trace

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
