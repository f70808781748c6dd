/// One picture's row of attention from voco to what is visual: the mean over live layers and heads of the softmax weights.
/// The rows of the first pictures are kept, to be shown as the paper shows them.
package struct VocoRow: Sendable, Hashable, Codable {
  /// The picture's number in its run, from 0.
  package var index: Int
  package var key: String
  package var name: String
  /// `[A]`, shares of all visible keys.
  package var anchors: [Double]
  /// `[P]`, in raster order.
  package var patches: [Double]

  package init(index: Int, key: String, name: String, anchors: [Double], patches: [Double]) {
    self.index = index
    self.key = key
    self.name = name
    self.anchors = anchors
    self.patches = patches
  }

  package init(_ attention: VocoAttention, index: Int, key: String, name: String) {
    let row = attention.row(AttentionQuery(), excluding: []) ?? []
    self.init(
      index: index, key: key, name: name, anchors: attention.layout.anchors.map { row[$0] },
      patches: attention.layout.patches.map { row[$0] })
  }

  /// Pictures whose rows are kept: as many as the paper's heat map has.
  package static let kept = 16
  /// Patches beside the anchors in the paper's heat map.
  package static let firstPatches = 12

  /// The formula of the values, as printed beside them.
  package static let formula =
    "mean over live layers and heads of the softmax weight; a patch's even share is "
    + "1/(visible keys)"
}

/// How one picture's row is spread, and where the anchors stand in it.
package struct RowSpread: Sendable, Hashable, Codable {
  /// −Σ p ln p over all visible keys in nats, mean over live layers and heads.
  package var entropy: Double
  /// exp of each head's entropy, mean over live layers and heads.
  package var effectiveKeys: Double
  /// Keys that voco sees, itself included.
  package var visibleKeys: Int
  /// `[A]`, 1 + the number of visible keys with a larger share, in the mean row over live layers and heads.
  package var anchorRanks: [Int]
  /// The anchors' share over A / (visible keys), the mask's own uniform baseline.
  package var liftOverUniform: Double

  package init(
    entropy: Double, effectiveKeys: Double, visibleKeys: Int, anchorRanks: [Int], liftOverUniform: Double
  ) {
    self.entropy = entropy
    self.effectiveKeys = effectiveKeys
    self.visibleKeys = visibleKeys
    self.anchorRanks = anchorRanks
    self.liftOverUniform = liftOverUniform
  }

  /// `nil` without anchors.
  package init?(_ attention: VocoAttention) {
    guard let view = AttentionView(attention, AttentionQuery()), let lift = view.shares.liftOverUniform else {
      return nil
    }
    let cells = attention.liveLayers.count * attention.heads
    let sum = { (statistic: CellStatistic) in
      attention.matrix(statistic)[attention.liveLayers].joined().reduce(0) { $0 + ($1 ?? 0) } / Double(cells)
    }
    self.init(
      entropy: sum(.entropy), effectiveKeys: sum(.effectiveKeys), visibleKeys: attention.layout.visible.count,
      anchorRanks: view.anchorRanks.compactMap { $0 }, liftOverUniform: lift)
  }
}
