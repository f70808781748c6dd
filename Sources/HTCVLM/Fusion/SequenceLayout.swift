package import Trace

/// Which position of the decoder's input holds what, and which may attend to which.
///
/// Positions run 0…S−1 in the order of the configuration's `sequence`; the prompt's `text` is its last segment. In a
/// model without voco everything before the prompt is context, and every row sees all rows before it.
package struct SequenceLayout: Sendable, Hashable {
  package let spans: [SequenceSpan]
  /// −2 anchor, −1 patch or CLS, else the token id.
  package let tokenIDs: [Int32]
  /// Who may attend to whom.
  package let rule: MaskRule
  /// Without voco, where the prompt starts.
  package let firstVoco: Int
  /// Without voco, the position before the prompt's first.
  package let lastVoco: Int
  /// Whether there is a voco token.
  package let hasVoco: Bool

  package static let anchorID: Int32 = -2
  package static let patchID: Int32 = -1

  /// The tokens of a newline before voco, and of one after it.
  package struct Newlines: Sendable, Hashable {
    package var before: [Int32]
    package var after: [Int32]
  }

  /// What the segments are filled with.
  package struct Parts: Sendable, Hashable {
    package var bos: Int32
    /// nil where the tokenizer has no such piece.
    package var newlines: Newlines?
    package var voco: Int32?
    package var vocoTokens: Int
    package var anchors: Int
    package var patches: Int
    /// 1 where the tower's CLS is a visual token.
    package var cls = 0
    /// The text before the picture.
    package var prefix: [Int32]
    package var text: [Int32]
    /// In a model without voco whose last prompt token is inspected in its place, the prompt's tokens before it.
    package var question: [Int32]?

    package init(
      bos: Int32, newline: Int32?, voco: Int32?, vocoTokens: Int, anchors: Int, patches: Int, prefix: [Int32] = [],
      text: [Int32]
    ) {
      self.bos = bos
      newlines = newline.map { Newlines(before: [$0], after: [$0]) }
      self.prefix = prefix
      self.voco = voco
      self.vocoTokens = vocoTokens
      self.anchors = anchors
      self.patches = patches
      self.text = text
    }

    /// The tokens of a segment; `isLate`: behind voco, and of text, the prompt; `next`: the segment behind it.
    func ids(_ kind: SegmentKind, isLate: Bool, next: SegmentKind?) throws(ModelError) -> [Int32] {
      switch kind {
      case .bos: return [bos]
      case .anchors: return [Int32](repeating: SequenceLayout.anchorID, count: anchors)
      case .patches: return [Int32](repeating: SequenceLayout.patchID, count: patches)
      case .cls: return [Int32](repeating: SequenceLayout.patchID, count: cls)
      case .voco: return voco.map { [Int32](repeating: $0, count: vocoTokens) } ?? []
      case .text: return isLate ? text : next == .voco ? question ?? prefix : prefix
      case .newline:
        guard let newlines else {
          throw .configuration(
            key: "sequence", found: "newline", expected: "no newline: the tokenizer has no piece <0x0A>")
        }
        return isLate ? newlines.after : newlines.before
      }
    }
  }

  /// Lays out `order`.
  ///
  /// Throws `ModelError.configuration` unless `order` ends with `text`, has a `voco` where there are voco tokens, and
  /// names anchors and patches at most once; a second `text`, before the picture, is for models without voco.
  package init(order: [SegmentKind], parts: Parts, visualMask: VisualMask) throws(ModelError) {
    try Self.validate(order, parts)
    var spans: [SequenceSpan] = []
    var ids: [Int32] = []
    var kinds: [SegmentKind] = []
    for (index, kind) in order.enumerated() {
      let isLate = kind == .newline ? kinds.contains(.voco) : index == order.count - 1
      let segment = try parts.ids(kind, isLate: isLate, next: order.dropFirst(index + 1).first)
      spans.append(SequenceSpan(kind: kind, start: ids.count, count: segment.count))
      ids += segment
      kinds += [SegmentKind](repeating: kind, count: segment.count)
    }
    let promptStart = ids.count - (spans.last?.count ?? 0)
    self.spans = spans
    tokenIDs = ids
    rule = MaskRule(visualMask, kinds: kinds)
    firstVoco = kinds.firstIndex(of: .voco) ?? promptStart
    lastVoco = kinds.lastIndex(of: .voco) ?? promptStart - 1
    hasVoco = parts.vocoTokens > 0
  }

  private static func validate(_ order: [SegmentKind], _ parts: Parts) throws(ModelError) {
    func fail(_ expected: String) -> ModelError {
      .configuration(key: "sequence", found: "\(order.map(\.rawValue))", expected: expected)
    }
    let hasVoco = parts.vocoTokens > 0
    let texts = parts.question != nil ? 3 : hasVoco ? 1 : 2
    guard order.last == .text, order.count(where: { $0 == .text }) <= texts else {
      throw fail("text once, as the last segment")
    }
    guard order.contains(.voco) == hasVoco else { throw fail(hasVoco ? "a voco segment" : "no voco segment") }
    for kind in [SegmentKind.anchors, .patches, .cls] where order.count(where: { $0 == kind }) > 1 {
      throw fail("\(kind.rawValue) at most once")
    }
  }

  package var length: Int { tokenIDs.count }

  /// Positions before the first voco: what an intervention at voco leaves as it is.
  package var context: Range<Int> { 0..<firstVoco }

  /// From the first voco to the last.
  package var vocoBlock: Range<Int> { firstVoco..<lastVoco + 1 }

  /// The kind at each position.
  package var kinds: [SegmentKind] { rule.kinds }
  package var visualMask: VisualMask { rule.visualMask }

  /// The whole mask `[S, S]`, 1 = the row may attend to the column.
  package var mask: [UInt8] { rule.table }

  /// Positions of the voco block that text may attend to: the compressed picture.
  package var compressed: [Int] { vocoBlock.filter { !kinds[$0].isVisual } }

  /// Positions after the last voco that the answer reads: newlines and the prompt.
  package var textRows: [Int] { (lastVoco + 1..<length).filter { !kinds[$0].isVisual } }

  /// Where the prompt's own tokens start.
  package var promptStart: Int { length - (spans.last?.count ?? 0) }

  /// The positions of all segments of a kind, ascending.
  package func positions(of kind: SegmentKind) -> [Int] { kinds.indices.filter { kinds[$0] == kind } }
}
