package import Evidence
package import HTCVLM
import Statistics
import Tensor
import Trace

/// What `verify` measures in one picture: attention in three orders of the sequence, and the effects of cuts.
package struct VerifyMeasurement: Sendable {
  package let subject: VerifySubject
  package let seed: UInt64
  /// Matched draws of random patches.
  package let draws: Int
  /// Whether the anchors are cut in every single head, besides every layer.
  package let cutsHeads: Bool

  package init(subject: VerifySubject, seed: UInt64, draws: Int, cutsHeads: Bool) {
    precondition(draws > 0)
    self.subject = subject
    self.seed = seed
    self.draws = draws
    self.cutsHeads = cutsHeads
  }

  /// Everything measured in one picture.
  package struct Result: Sendable {
    package let picture: PictureEvidence
    package let attention: VocoAttention
    package let cuts: PictureCuts
  }

  /// - Parameters:
  ///   - key: the picture's SHA-256, which seeds its draws.
  ///   - other: another picture, for the content control; `nil` if there is none.
  package func measure(
    key: String, name: String, _ visual: VisualEncoding, other: VisualEncoding?
  ) throws -> Result {
    let plain = try subject.compress(visual)
    let behind = try subject.compress(visual, Intervention(inputs: [.order(movedOrder)]))
    let swapped = try swapped(visual, key: key, layout: plain.attention.layout)
    var picture = PictureEvidence(
      key: key, name: name, attention: plain.attention, moved: [behind.attention, swapped],
      causes: try causes(key, plain, moved: behind.cache, other: other))
    for (order, moved) in [(MovedOrder.behind, behind.attention), (.swapped, swapped)] {
      picture.attends?.orders[order] = PriorityMeasurement(moved)?.logLift
      picture.contributes?.orders[order] = PriorityMeasurement(moved, normWeighted: true)?.logLift
    }
    return Result(picture: picture, attention: plain.attention, cuts: try localCuts(key, plain))
  }

  /// The sequence's order with the anchors behind the patches, or before them where they stand behind.
  private var movedOrder: [SegmentKind] {
    let order = subject.model.configuration.sequence.compactMap { SegmentKind(rawValue: $0.rawValue) }
    var moved = order.filter { $0 != .anchors }
    guard let patches = moved.firstIndex(of: .patches), let anchors = order.firstIndex(of: .anchors) else {
      return order
    }
    moved.insert(.anchors, at: anchors <= patches ? patches + 1 : patches)
    return moved
  }

  /// The anchors' rotary positions exchanged with those of as many random patches, and the row ordered by position.
  private func swapped(_ visual: VisualEncoding, key: String, layout: KeyLayout) throws -> VocoAttention {
    var generator = SplitMix64(seed: seed, stream: "\(key) swapped positions")
    let patches = generator.distinct(layout.anchors.count, below: layout.patches.count).map { layout.patches[$0] }
    let pairs = Array(zip(layout.anchors, patches))
    let swaps = pairs.map { InputEdit.swapPositions($0.0, $0.1) }
    let attention = try subject.compress(visual, Intervention(inputs: swaps)).attention
    var positions = Array(0..<layout.length)
    for (anchor, patch) in pairs { positions.swapAt(anchor, patch) }
    return try attention.reordered(positions)
  }

  /// Positions of as many random patches as there are anchors, drawn `count` times.
  func matchedDraws(_ key: String, _ layout: KeyLayout, count: Int, stream: String = "matched draws") -> [Set<Int>] {
    var generator = SplitMix64(seed: seed, stream: "\(key) \(stream)")
    return (0..<count).map { _ in
      Set(generator.distinct(layout.anchors.count, below: layout.patches.count).map { layout.patches[$0] })
    }
  }
}

extension VocoAttention {
  /// The same row with key `index` put at `positions[index]`, a permutation that leaves the query in place.
  fileprivate func reordered(_ positions: [Int]) throws(EvidenceError) -> VocoAttention {
    var roles = layout.roles
    for (index, position) in positions.enumerated() { roles[position] = layout.roles[index] }
    let move = { (tensor: Tensor) in
      var values = tensor.values
      for start in stride(from: 0, to: values.count, by: positions.count) {
        for (index, position) in positions.enumerated() { values[start + position] = tensor.values[start + index] }
      }
      return Tensor(shape: tensor.shape, values: values)
    }
    return try VocoAttention(
      layout: KeyLayout(roles: roles, query: layout.query, patchGrid: layout.patchGrid), attention: move(attention),
      valueNorms: valueNorms.map(move), rollout: rollout.map(move))
  }
}
