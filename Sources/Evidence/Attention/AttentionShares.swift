import Foundation
import Statistics
import Tensor

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

  /// The shares of `row` `[S]`, with `excluded` keys left out and the remaining ones renormalized to sum to 1, unless
  /// `renormalizing` is false because the row already is.
  package init(row: [Double], layout: KeyLayout, excluding excluded: Set<Int> = [], renormalizing: Bool = true) {
    precondition(row.count == layout.length)
    let kept = { (keys: [Int]) in excluded.isEmpty ? keys : keys.filter { !excluded.contains($0) } }
    let sum = { (keys: [Int]) in keys.reduce(0.0) { $0 + row[$1] } }
    let (anchorKeys, patchKeys, prefixKeys) = (kept(layout.anchors), kept(layout.patches), kept(layout.prefix))
    let itselfKeys = kept([layout.query])
    let earlierKeys = kept(layout.earlierVocos)
    let total = sum(anchorKeys) + sum(patchKeys) + sum(prefixKeys) + sum(earlierKeys) + sum(itselfKeys)
    let scale = excluded.isEmpty || !renormalizing ? 1 : total > 0 ? 1 / total : 0
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

  /// (anchor share / A) / (patch share / P): how much more one anchor gets than one patch, both floored at
  /// `smallestShare`; `nil` without both kinds or without any attention on the patches.
  package var lift: Double? {
    guard anchorCount > 0, patchCount > 0, patches > 0 else { return nil }
    return max(anchors / Double(anchorCount), smallestShare) / max(patches / Double(patchCount), smallestShare)
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

/// −Σ p ln p of a row, in nats, the row normalized first; 0 for an all-zero row.
package func entropy(_ row: [Double]) -> Double {
  let total = row.reduce(0, +)
  guard total > 0 else { return 0 }
  return row.reduce(0) { sum, value in
    value > 0 ? sum - value / total * log(value / total) : sum
  }
}

/// exp(entropy): over how many keys the row spreads, 1…S.
package func effectiveCount(_ row: [Double]) -> Double { exp(entropy(row)) }

/// When a key counts as an attention sink.
///
/// Xiao et al. (arXiv 2309.17453) describe sinks as keys that most heads attend to whatever they hold; Gu et al.
/// (arXiv 2410.10781) call a key a sink above a share of 0.3. The rule joins both: far above uniform, or above 0.3,
/// in most heads of a layer. A sink by this rule may still be attended for what it holds: the order control tells.
package struct SinkRule: Sendable, Hashable, Codable {
  /// A share above this multiple of 1 / (visible keys) …
  package var uniformMultiple: Double
  /// … or above this share, whichever is smaller, …
  package var share: Double
  /// … in at least this fraction of the heads.
  package var headFraction: Double

  package init(uniformMultiple: Double = 25, share: Double = 0.3, headFraction: Double = 0.5) {
    self.uniformMultiple = uniformMultiple
    self.share = share
    self.headFraction = headFraction
  }

  /// The share above which a head counts a key, for a row with `visible` keys.
  package func threshold(visible: Int) -> Double { min(share, uniformMultiple / Double(visible)) }

  /// The rule in words, as printed beside everything that leaves sinks out.
  package func sentence(visible: Int) -> String {
    let percent = decimal(100 * threshold(visible: visible), digits: 1)
    return
      "Sinks: the prefix, and any key with more than \(percent) % of a head's attention "
      + "(\(decimal(uniformMultiple, digits: 0))× uniform, at most \(decimal(100 * share, digits: 0)) %) "
      + "in at least \(decimal(100 * headFraction, digits: 0)) % of the heads."
  }
}

extension VocoAttention {
  /// The sinks of the chosen layers by `rule`, over all their heads, ascending; the prefix always included.
  package func sinks(_ layer: LayerSelection, rule: SinkRule = SinkRule()) -> [Int] {
    let threshold = Float(rule.threshold(visible: layout.visible.count))
    var counts = [Int](repeating: 0, count: layout.length)
    let chosen = layers(of: layer)
    let values = attention.values
    for layer in chosen {
      for head in 0..<heads {
        let offset = (layer * heads + head) * layout.length
        for key in layout.visible where values[offset + key] > threshold { counts[key] += 1 }
      }
    }
    let needed = rule.headFraction * Double(chosen.count * heads)
    let prefix = Set(layout.prefix)
    return layout.visible.filter { prefix.contains($0) || (counts[$0] > 0 && Double(counts[$0]) >= needed) }
  }
}
