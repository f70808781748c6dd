import Foundation

/// A share bounded below by 1e-12, which softmax in 32 bits can round to nothing, so that its logarithm is finite.
package let smallestShare = 1e-12

/// ln of a share, floored at `smallestShare`.
func logShare(_ share: Double) -> Double { log(max(share, smallestShare)) }

extension AttentionShares {
  /// ln lift, always finite: ln (anchor share/A) − ln (patch share/P).
  package var logLift: Double {
    logShare(anchors / Double(anchorCount)) - logShare(patches / Double(patchCount))
  }
}

/// How much more an anchor gets than a patch of one voco token in one picture, in natural logarithms of ratios.
///
/// With scores that add up from what a key holds and where it stands, ln weight = content + position − ln Z. The same
/// position measure ½[ln a(Q₁)/p′(Q₁) + ln a′(Q₂)/p(Q₂)] of anchors a and patches p, before and after (′) they exchange
/// the positions Q₁ and Q₂, cancels positions and normalizers.
package struct PriorityMeasurement: Sendable, Hashable, Codable {
  /// (anchors/A)/(patches/P), means over live layers and heads first.
  package var logLift: Double
  /// The same positions with anchors and with patches in them.
  package var logSamePosition: Double

  package init(logLift: Double, logSamePosition: Double) {
    self.logLift = logLift
    self.logSamePosition = logSamePosition
  }
}

/// The exchange of anchors with as many patches, seen by one query.
package struct ExchangedAttention: Sendable {
  /// `[L, H, S]` before and after.
  package let plain: VocoAttention
  package let exchanged: VocoAttention
  /// The anchors' positions before, and after: those of the patches that they changed places with.
  package let anchorPositions: [Int]
  package let patchPositions: [Int]

  /// - Parameter pairs: (anchor, patch), exchanged with each other.
  package init(plain: VocoAttention, exchanged: VocoAttention, pairs: [(Int, Int)]) {
    self.plain = plain
    self.exchanged = exchanged
    anchorPositions = pairs.map(\.0)
    patchPositions = pairs.map(\.1)
  }

  /// "attends": of the softmax weights.
  package var shares: PriorityMeasurement {
    let before = meanRow(plain) { _, _, _ in 1 }
    let after = meanRow(exchanged) { _, _, _ in 1 }
    return PriorityMeasurement(
      logLift: AttentionShares(row: before, layout: plain.layout).logLift,
      logSamePosition: samePosition(before, after, floor: smallestShare))
  }

  /// `[live layers · H]`, each head's own same-position logarithm.
  package var cells: [Double] {
    plain.liveLayers.flatMap { layer in
      (0..<plain.heads).map { head in
        samePosition(
          plain.row(layer: layer, head: head), exchanged.row(layer: layer, head: head), floor: smallestShare)
      }
    }
  }

  /// `[live layers]`, each layer's same-position logarithm, its heads' weights pooled first.
  package var layers: [Double] {
    plain.liveLayers.map { layer in
      samePosition(meanRow(plain, layer), meanRow(exchanged, layer), floor: smallestShare)
    }
  }

  /// "contributes": of α·‖(v_i − v_donor)·W_o‖/√2; values carry no position, so what stands in another place takes its
  /// difference along.
  ///
  /// - Parameters:
  ///   - differences: `[L, H, S]`.
  ///   - epsilon: added to both sides, on the scale of voco's residual.
  package func contributions(_ differences: [Float], epsilon: Double) -> ContributionMeasurement {
    var places = Array(0..<plain.layout.length)
    for (anchor, patch) in zip(anchorPositions, patchPositions) { places.swapAt(anchor, patch) }
    let norm = { (layer: Int, head: Int, key: Int) in
      Double(differences[(layer * self.plain.heads + head) * self.plain.layout.length + key])
    }
    let before = meanRow(plain, norm)
    let after = meanRow(exchanged) { norm($0, $1, places[$2]) }
    let layout = plain.layout
    let density = { (row: [Double], keys: [Int]) in
      keys.reduce(0) { $0 + row[$1] } * Double(self.plain.heads) / Double(max(1, keys.count))
    }
    let (anchors, patches) = (density(before, layout.anchors), density(before, layout.patches))
    return ContributionMeasurement(
      priority: PriorityMeasurement(
        logLift: log((anchors + epsilon) / (patches + epsilon)),
        logSamePosition: samePosition(
          before, after, floor: epsilon * Double(layout.anchors.count) / Double(plain.heads))),
      isNothing: anchors < epsilon && patches < epsilon)
  }

  /// Each key's weight times `factor`, mean over live layers and heads, `[S]`.
  private func meanRow(_ attention: VocoAttention, _ factor: (Int, Int, Int) -> Double) -> [Double] {
    var sum = [Double](repeating: 0, count: attention.layout.length)
    for layer in attention.liveLayers {
      for head in 0..<attention.heads {
        let row = attention.row(layer: layer, head: head)
        for key in attention.layout.visible where row[key] != 0 { sum[key] += row[key] * factor(layer, head, key) }
      }
    }
    let cells = Double(max(1, attention.liveLayers.count * attention.heads))
    return sum.map { $0 / cells }
  }

  /// The mean of one layer's heads, `[S]`.
  private func meanRow(_ attention: VocoAttention, _ layer: Int) -> [Double] {
    var sum = [Double](repeating: 0, count: attention.layout.length)
    for head in 0..<attention.heads {
      let row = attention.row(layer: layer, head: head)
      for key in attention.layout.visible { sum[key] += row[key] / Double(attention.heads) }
    }
    return sum
  }

  private func samePosition(_ before: [Double], _ after: [Double], floor: Double) -> Double {
    let sum = { (row: [Double], keys: [Int]) in log(max(keys.reduce(0) { $0 + row[$1] }, 0) + floor) }
    let first = sum(before, anchorPositions) - sum(after, anchorPositions)
    let second = sum(after, patchPositions) - sum(before, patchPositions)
    return (first + second) / 2
  }
}

/// "contributes" in one picture.
package struct ContributionMeasurement: Sendable, Hashable, Codable {
  package var priority: PriorityMeasurement
  /// Both sides are below ε: nothing that is read varies with the picture.
  package var isNothing: Bool

  package init(priority: PriorityMeasurement, isNothing: Bool) {
    self.priority = priority
    self.isNothing = isNothing
  }
}
