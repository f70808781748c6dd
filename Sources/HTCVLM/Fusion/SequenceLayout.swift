package import Trace
import WeightFormats

/// Which position of the decoder's input holds what, and which may attend to which.
///
/// Positions run 0…S−1 in the order of the configuration's `sequence`; `text` is its last segment.
package struct SequenceLayout: Sendable, Hashable {
  package let spans: [SequenceSpan]
  /// −2 anchor, −1 patch, else the token id.
  package let tokenIDs: [Int32]
  /// Who may attend to whom.
  package let rule: MaskRule
  package let firstVoco: Int
  package let lastVoco: Int

  package static let anchorID: Int32 = -2
  package static let patchID: Int32 = -1

  /// What the segments are filled with.
  package struct Parts: Sendable, Hashable {
    package var bos: Int32
    package var newline: Int32?
    package var voco: Int32
    package var vocoTokens: Int
    package var anchors: Int
    package var patches: Int
    package var text: [Int32]

    package init(
      bos: Int32, newline: Int32?, voco: Int32, vocoTokens: Int, anchors: Int, patches: Int, text: [Int32]
    ) {
      self.bos = bos
      self.newline = newline
      self.voco = voco
      self.vocoTokens = vocoTokens
      self.anchors = anchors
      self.patches = patches
      self.text = text
    }

    func ids(_ kind: SegmentKind) throws(ModelError) -> [Int32] {
      switch kind {
      case .bos: return [bos]
      case .anchors: return [Int32](repeating: SequenceLayout.anchorID, count: anchors)
      case .patches: return [Int32](repeating: SequenceLayout.patchID, count: patches)
      case .voco: return [Int32](repeating: voco, count: vocoTokens)
      case .text: return text
      case .newline:
        guard let newline else {
          throw .configuration(
            key: "sequence", found: "newline", expected: "no newline: the tokenizer has no piece <0x0A>")
        }
        return [newline]
      }
    }
  }

  /// Lays out `order`.
  ///
  /// Throws `ModelError.configuration` unless `order` ends with its only `text`, has a `voco`, and names anchors and
  /// patches at most once.
  package init(order: [SegmentKind], parts: Parts, visualMask: VisualMask) throws(ModelError) {
    try Self.validate(order)
    var spans: [SequenceSpan] = []
    var ids: [Int32] = []
    var kinds: [SegmentKind] = []
    for kind in order {
      let segment = try parts.ids(kind)
      spans.append(SequenceSpan(kind: kind, start: ids.count, count: segment.count))
      ids += segment
      kinds += [SegmentKind](repeating: kind, count: segment.count)
    }
    guard let first = kinds.firstIndex(of: .voco), let last = kinds.lastIndex(of: .voco) else {
      throw .configuration(key: "num_voco_tokens", found: "\(parts.vocoTokens)", expected: "at least 1")
    }
    self.spans = spans
    tokenIDs = ids
    rule = MaskRule(visualMask, kinds: kinds)
    firstVoco = first
    lastVoco = last
  }

  private static func validate(_ order: [SegmentKind]) throws(ModelError) {
    func fail(_ expected: String) -> ModelError {
      .configuration(key: "sequence", found: "\(order.map(\.rawValue))", expected: expected)
    }
    guard order.last == .text, order.count(where: { $0 == .text }) == 1 else {
      throw fail("text once, as the last segment")
    }
    guard order.contains(.voco) else { throw fail("a voco segment") }
    for kind in [SegmentKind.anchors, .patches] where order.count(where: { $0 == kind }) > 1 {
      throw fail("\(kind.rawValue) at most once")
    }
  }

  package var length: Int { tokenIDs.count }

  /// Positions before the first voco: what an intervention at voco leaves as it is.
  package var context: Range<Int> { 0..<firstVoco }

  /// From the first voco to the last.
  package var vocoBlock: ClosedRange<Int> { firstVoco...lastVoco }

  /// The kind at each position.
  package var kinds: [SegmentKind] { rule.kinds }
  package var visualMask: VisualMask { rule.visualMask }

  /// The whole mask `[S, S]`, 1 = the row may attend to the column.
  package var mask: [UInt8] {
    (0..<length).flatMap { row in (0..<length).map { rule.allows(row: row, column: $0) ? 1 : 0 } }
  }

  /// Positions of the voco block that text may attend to: the compressed picture.
  package var compressed: [Int] { vocoBlock.filter { !kinds[$0].isVisual } }

  /// Positions after the last voco that the answer reads: newlines and the prompt.
  package var textRows: [Int] { (lastVoco + 1..<length).filter { !kinds[$0].isVisual } }

  /// Where the prompt's own tokens start.
  package var promptStart: Int { length - (spans.last?.count ?? 0) }

  /// The positions of all segments of a kind, ascending.
  package func positions(of kind: SegmentKind) -> [Int] { kinds.indices.filter { kinds[$0] == kind } }
}
