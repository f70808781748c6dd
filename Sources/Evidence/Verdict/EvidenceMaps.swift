import Statistics

/// What is per layer and head over all pictures of a run: the numbers behind its maps.
package struct EvidenceMaps: Sendable, Hashable, Encodable {
  /// `[L][H]`, (anchor share/A)/(patch share/P) of the mean shares over pictures.
  package var lift: [[Double?]]
  /// `[L][H]`: above or below even attention over the visual keys, Benjamini–Hochberg 5 %.
  package var liftDirection: [[CellFinding.Direction]]
  /// `[L][H]`, the lift of α·‖v·W_o‖.
  package var normWeightedLift: [[Double?]]
  /// `[L]`, mean KL in nats with the anchors cut in one layer; empty if it was not measured.
  package var layerKL: [Double]
  package var layerMatchedKL: [Double]
  /// `[L]`: above or below the matched patches, Benjamini–Hochberg 5 %.
  package var layerDirection: [CellFinding.Direction]
  /// `[L][H]`, the same in one head; empty if heads were not cut one by one.
  package var headKL: [[Double]]
  package var headMatchedKL: [[Double]]
  package var headDirection: [[CellFinding.Direction]]

  private enum CodingKeys: String, CodingKey {
    case lift
    case liftDirection = "lift_direction"
    case normWeightedLift = "norm_weighted_lift"
    case layerKL = "layer_kl"
    case layerMatchedKL = "layer_matched_kl"
    case layerDirection = "layer_direction"
    case headKL = "head_kl"
    case headMatchedKL = "head_matched_kl"
    case headDirection = "head_direction"
  }

  package init(_ summary: EvidenceSummary) {
    let (anchors, patches) = (summary.run.anchors, summary.run.patches)
    lift = summary.cells.lifts(anchors: anchors, patches: patches)
    liftDirection = summary.cells.findings().map { $0.map(\.direction) }
    normWeightedLift = summary.cells.lifts(anchors: anchors, patches: patches, normWeighted: true)
    let layers = summary.cuts?.layers
    layerKL = layers?.kl.map(\.mean) ?? []
    layerMatchedKL = layers?.matchedKL.map(\.mean) ?? []
    layerDirection = layers?.findings().map(\.direction) ?? []
    let heads = summary.cuts?.heads
    let width = summary.run.heads
    headKL = Self.rows(heads?.kl.map(\.mean) ?? [], width)
    headMatchedKL = Self.rows(heads?.matchedKL.map(\.mean) ?? [], width)
    headDirection = Self.rows(heads?.findings().map(\.direction) ?? [], width)
  }

  private static func rows<Value>(_ cells: [Value], _ width: Int) -> [[Value]] {
    stride(from: 0, to: cells.count, by: width).map { Array(cells[$0..<$0 + width]) }
  }
}
