import Foundation
import Statistics

/// How much more an anchor gets than a patch in one picture, in natural logarithms of lifts: the scalars of the
/// tiers attends (of shares) and contributes (of α·‖v·W_o‖).
package struct PriorityMeasurement: Sendable, Hashable, Codable {
  /// Means over layers and heads.
  package var anchorShare: Double
  package var patchShare: Double
  /// ln of (anchor share/A)/(patch share/P).
  package var logLift: Double
  /// The same with each head's row renormalised over anchors and patches first.
  package var logLiftVisual: Double?
  /// The same with each layer's sinks left out; `nil` if no anchor remains.
  package var logLiftWithoutSinks: Double?
  /// ln lift with the anchors in another place, behind the patches: mean over the orders tried.
  package var logLiftMoved: Double?
  /// ln lift between anchors and patches that stand in the same positions: mean over the orders tried.
  package var logLiftSamePosition: Double?
  /// ln lift in each of the orders tried, where they were named.
  package var orders: [MovedOrder: Double] = [:]

  package init(
    anchorShare: Double, patchShare: Double, logLift: Double, logLiftVisual: Double? = nil,
    logLiftWithoutSinks: Double? = nil, logLiftMoved: Double? = nil, logLiftSamePosition: Double? = nil
  ) {
    self.anchorShare = anchorShare
    self.patchShare = patchShare
    self.logLift = logLift
    self.logLiftVisual = logLiftVisual
    self.logLiftWithoutSinks = logLiftWithoutSinks
    self.logLiftMoved = logLiftMoved
    self.logLiftSamePosition = logLiftSamePosition
  }

  /// The measurement of one picture; `nil` without anchors, patches or (for `normWeighted`) value norms.
  ///
  /// - Parameter moved: the same picture with the anchors in other positions.
  package init?(
    _ attention: VocoAttention, moved: [VocoAttention] = [], normWeighted: Bool = false, sinkRule: SinkRule = SinkRule()
  ) {
    let metric: AttentionMetric = normWeighted ? .normWeighted : .share
    guard let row = attention.row(AttentionQuery(metric: metric), excluding: []) else { return nil }
    let layout = attention.layout
    guard !layout.anchors.isEmpty, !layout.patches.isEmpty else { return nil }
    let shares = AttentionShares(row: row, layout: layout)
    anchorShare = shares.anchors
    patchShare = shares.patches
    logLift = shares.logLift
    let visual = AttentionQuery(metric: metric, visualOnly: true)
    logLiftVisual = attention.row(visual, excluding: visual.excludedKeys(layout: layout, sinks: []))
      .map { AttentionShares(row: $0, layout: layout).logLift }
    logLiftWithoutSinks = attention.withoutSinks(metric, rule: sinkRule)?.logLift
    let comparisons = moved.compactMap { OrderComparison(original: attention, moved: $0, metric: metric) }
    logLiftMoved = mean(comparisons.map(\.logLiftMoved))
    logLiftSamePosition = mean(comparisons.map(\.logLiftSamePosition))
  }

  package var lift: Double { exp(logLift) }
}

/// How the anchors are moved to other positions.
package enum MovedOrder: String, Sendable, Hashable, Codable, CodingKeyRepresentable, CaseIterable {
  /// Their segment stands behind the patches.
  case behind
  /// Each exchanges its rotary position with a random patch.
  case swapped
}

/// Anchors and patches of one picture in two orders, so that each kind is seen in the other's positions.
///
/// With logits that add up from what a key holds and where it stands, ln share = content + position − ln Z. The
/// crossover ½[(ln a(Q₁) − ln p′(Q₁)) + (ln a′(Q₂) − ln p(Q₂))] of anchors a and patches p, before and after (′) the
/// anchors move from positions Q₁ to Q₂, cancels both the positions and the normalisers Z, Z′.
package struct OrderComparison: Sendable, Hashable {
  /// ln lift of the anchors in the moved order.
  package let logLiftMoved: Double
  /// ln of how much more an anchor gets than a patch in the same position.
  package let logLiftSamePosition: Double

  /// `nil` if the anchors of the two orders overlap, or a measurement is missing.
  package init?(original: VocoAttention, moved: VocoAttention, metric: AttentionMetric) {
    let query = AttentionQuery(metric: metric)
    let (before, after) = (original.layout, moved.layout)
    guard
      let originalRow = original.row(query, excluding: []), let movedRow = moved.row(query, excluding: []),
      before.length == after.length, before.anchors.count == after.anchors.count, !before.anchors.isEmpty,
      Set(before.anchors).isSubset(of: after.patches), Set(after.anchors).isSubset(of: before.patches)
    else { return nil }
    let log = { (row: [Double], keys: [Int]) in logShare(keys.reduce(0) { $0 + row[$1] }) }
    let first = log(originalRow, before.anchors) - log(movedRow, before.anchors)
    let second = log(movedRow, after.anchors) - log(originalRow, after.anchors)
    logLiftSamePosition = (first + second) / 2
    logLiftMoved = AttentionShares(row: movedRow, layout: after).logLift
  }
}

/// ln of a share; shares below 1e-12, which softmax in 32 bits can round to nothing, count as that.
private func logShare(_ share: Double) -> Double { log(max(share, 1e-12)) }

extension AttentionShares {
  /// ln lift, with the shares bounded below by 1e-12 so that it is always finite.
  package var logLift: Double {
    logShare(anchors / Double(anchorCount)) - logShare(patches / Double(patchCount))
  }
}

extension VocoAttention {
  /// The shares over layers and heads with each layer's sinks left out; `nil` if a layer has no anchor or no patch left.
  func withoutSinks(_ metric: AttentionMetric, rule: SinkRule) -> AttentionShares? {
    var shares: [AttentionShares] = []
    for layer in 0..<layers {
      let excluded = Set(sinks(.single(layer), rule: rule))
      for head in 0..<heads {
        let row = metric == .normWeighted ? normWeightedRow(layer: layer, head: head) : row(layer: layer, head: head)
        guard let row else { return nil }
        let share = AttentionShares(row: row, layout: layout, excluding: excluded)
        guard share.anchorCount > 0, share.patchCount > 0 else { return nil }
        shares.append(share)
      }
    }
    // Counts may differ between layers, so densities are averaged, not sums.
    let density = { (part: (AttentionShares) -> Double) in shares.reduce(0) { $0 + part($1) } / Double(shares.count) }
    return AttentionShares(
      anchors: density { $0.anchors / Double($0.anchorCount) }, patches: density { $0.patches / Double($0.patchCount) },
      prefix: 0, itself: 0, anchorCount: 1, patchCount: 1, visibleCount: 2)
  }
}
