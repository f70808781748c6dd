import Foundation

/// How one row of attention divides over anchors, patches and the rest.
package struct AttentionShares: Sendable, Hashable {
  /// Sums of the row over the anchors, the patches, the prefix, the voco tokens before the query and the query itself,
  /// each in 0…1.
  package let anchors: Double
  package let patches: Double
  package let prefix: Double
  package let earlierVocos: Double
  package let itself: Double
  /// Keys counted: fewer than the layout's when sinks are left out.
  package let anchorCount: Int
  package let patchCount: Int
  package let visibleCount: Int

  /// The shares of `row` `[S]`, with `excluded` keys left out and the remaining ones renormalised to sum to 1, unless
  /// `renormalising` is false because the row already is.
  package init(row: [Double], layout: KeyLayout, excluding excluded: Set<Int> = [], renormalising: Bool = true) {
    precondition(row.count == layout.length)
    let kept = { (keys: [Int]) in excluded.isEmpty ? keys : keys.filter { !excluded.contains($0) } }
    let sum = { (keys: [Int]) in keys.reduce(0.0) { $0 + row[$1] } }
    let (anchorKeys, patchKeys, prefixKeys) = (kept(layout.anchors), kept(layout.patches), kept(layout.prefix))
    let itselfKeys = kept([layout.query])
    let earlierKeys = kept(layout.earlierVocos)
    let total = sum(anchorKeys) + sum(patchKeys) + sum(prefixKeys) + sum(earlierKeys) + sum(itselfKeys)
    let scale = excluded.isEmpty || !renormalising ? 1 : total > 0 ? 1 / total : 0
    anchors = sum(anchorKeys) * scale
    patches = sum(patchKeys) * scale
    prefix = sum(prefixKeys) * scale
    earlierVocos = sum(earlierKeys) * scale
    itself = sum(itselfKeys) * scale
    anchorCount = anchorKeys.count
    patchCount = patchKeys.count
    visibleCount = anchorCount + patchCount + prefixKeys.count + earlierKeys.count + itselfKeys.count
  }

  package init(
    anchors: Double, patches: Double, prefix: Double, earlierVocos: Double = 0, itself: Double, anchorCount: Int,
    patchCount: Int, visibleCount: Int
  ) {
    self.anchors = anchors
    self.patches = patches
    self.prefix = prefix
    self.earlierVocos = earlierVocos
    self.itself = itself
    self.anchorCount = anchorCount
    self.patchCount = patchCount
    self.visibleCount = visibleCount
  }

  /// (anchor share / A) / (patch share / P): how much more one anchor gets than one patch; `nil` without both kinds
  /// or without any attention on the patches.
  package var lift: Double? {
    guard anchorCount > 0, patchCount > 0, patches > 0 else { return nil }
    return (anchors / Double(anchorCount)) / (patches / Double(patchCount))
  }

  /// Anchor share over the mask's own uniform baseline A / (visible keys); `nil` without anchors.
  package var liftOverUniform: Double? {
    anchorCount > 0 ? anchors / (Double(anchorCount) / Double(visibleCount)) : nil
  }

  /// Anchor share of the visual keys alone, prefix and query left out; `nil` if no visual key is attended.
  package var anchorsOfVisual: Double? {
    anchors + patches > 0 ? anchors / (anchors + patches) : nil
  }

  /// The shares averaged over rows of one layout.
  package static func mean(_ shares: [AttentionShares]) -> AttentionShares {
    precondition(!shares.isEmpty)
    let mean = { (part: (AttentionShares) -> Double) in shares.reduce(0) { $0 + part($1) } / Double(shares.count) }
    return AttentionShares(
      anchors: mean(\.anchors), patches: mean(\.patches), prefix: mean(\.prefix), earlierVocos: mean(\.earlierVocos),
      itself: mean(\.itself),
      anchorCount: shares[0].anchorCount, patchCount: shares[0].patchCount, visibleCount: shares[0].visibleCount)
  }
}

/// −Σ p ln p of a row, in nats, the row normalised first; 0 for an all-zero row.
package func entropy(_ row: [Double]) -> Double {
  let total = row.reduce(0, +)
  guard total > 0 else { return 0 }
  return row.reduce(0) { sum, value in
    value > 0 ? sum - value / total * log(value / total) : sum
  }
}

/// exp(entropy): over how many keys the row spreads, 1…S.
package func effectiveCount(_ row: [Double]) -> Double { exp(entropy(row)) }
