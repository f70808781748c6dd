import Checkpoint
import Evidence
import HTCVLM
import Tensor
import Trace

/// What `verify` measures in one picture: attention in three orders of the sequence, and the effects of cuts.
struct VerifyMeasurement {
  let subject: VerifySubject
  let seed: UInt64
  /// Matched draws of random patches, at least 200.
  let draws: Int

  /// - Parameter other: another picture, for the content control; `nil` if there is none.
  func evidence(
    key: String, name: String, _ visual: VisualEncoding, other: VisualEncoding?
  ) throws -> (PictureEvidence, VocoAttention) {
    let plain = try subject.compress(visual)
    let behind = try subject.compress(visual, Intervention(inputs: [.order(movedOrder)]))
    let swapped = try swapped(visual, key: key, layout: plain.attention.layout)
    let causes = try causes(key, plain, moved: behind.cache, other: other)
    let picture = PictureEvidence(
      key: key, name: name, attention: plain.attention, moved: [behind.attention, swapped], causes: causes)
    return (picture, plain.attention)
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

  private func causes(
    _ key: String, _ plain: VerifySubject.Compressed, moved: VisualCache, other: VisualEncoding?
  ) throws -> CausalMeasurement {
    let layout = plain.attention.layout
    let anchors = Set(layout.anchors)
    let chosen: [(CutComparator, [Int])] = [
      (.largestNorm, largestNorm(plain)), (.mostAttended, mostAttended(plain.attention)), (.nearest, nearest(layout)),
    ]
    let cuts = chosen.map { Set($0.1) } + [Set(layout.patches)] + matchedDraws(key, layout)
    let ablations: [Intervention] = [
      .cut(keys: anchors, method: .zero), .cut(keys: anchors, method: .mean),
      .cut(keys: anchors, method: .resample(seed: seed)),
    ]
    let effects = try subject.divergences(of: ablations + cuts.map { .cut(keys: $0) }, on: plain.cache)
    let comparators = effects.dropFirst(ablations.count)
    let samePosition = try subject.divergences(of: [.cut(keys: anchors)], on: moved)
    let content = try other.map { try subject.divergences(of: replacements(key, plain, by: $0), on: plain.cache) }
    let anchorCut = try cut(plain.cache, anchors)
    return CausalMeasurement(
      kl: anchorCut.kl, matched: Array(comparators.dropFirst(chosen.count + 1)),
      comparators: Dictionary(
        uniqueKeysWithValues: zip(chosen.map(\.0), comparators) + [(.samePosition, samePosition[0])]),
      allPatchesKL: comparators.dropFirst(chosen.count).first, contentKL: content?[0], contentMatchedKL: content?[1],
      ablations: [.zero: effects[0], .mean: effects[1], .resample: effects[2]],
      logitDifference: anchorCut.logitDifference, cosine: anchorCut.cosine, answerChanged: anchorCut.answerChanged)
  }

  private struct AnchorCut {
    var kl, logitDifference, cosine: Double
    var answerChanged: Bool
  }

  /// The anchors' edges cut in all layers and heads.
  private func cut(_ cache: VisualCache, _ anchors: Set<Int>) throws -> AnchorCut {
    let model = subject.model
    let cut = Intervention.cut(keys: anchors)
    let outcomes = try model.outcomes(of: [.none, cut], on: cache, prompt: subject.prompt)
    let (before, after) = (outcomes[0], outcomes[1])
    let last = before.hiddenVoco.shape[0] - 1
    let values = before.logits.values
    let token = values.indices.max { values[$0] < values[$1] } ?? 0
    return AnchorCut(
      kl: Divergence.kl(reference: before.logits, changed: after.logits),
      logitDifference: Divergence.logitDifference(reference: before.logits, changed: after.logits, token: token),
      cosine: Divergence.cosine(before.hiddenVoco[row: last], after.hiddenVoco[row: last]),
      answerChanged: try subject.answer(cache) != subject.answer(model.recompress(cache, intervention: cut)))
  }

  /// Positions of as many random patches as there are anchors, drawn `draws` times.
  private func matchedDraws(_ key: String, _ layout: KeyLayout) -> [Set<Int>] {
    var generator = SplitMix64(seed: seed, stream: "\(key) matched draws")
    return (0..<draws).map { _ in
      Set(generator.distinct(layout.anchors.count, below: layout.patches.count).map { layout.patches[$0] })
    }
  }

  /// The other picture's anchors in place, and as many random patches replaced by the other picture's.
  private func replacements(
    _ key: String, _ plain: VerifySubject.Compressed, by other: VisualEncoding
  ) -> [Intervention] {
    let own = plain.cache.visual.vision.patches
    let width = own.shape[1]
    var generator = SplitMix64(seed: seed, stream: "\(key) replaced patches")
    var values = own.values
    for row in generator.distinct(plain.attention.layout.anchors.count, below: own.shape[0]) {
      let range = row * width..<(row + 1) * width
      values.replaceSubrange(range, with: other.vision.patches.values[range])
    }
    return [
      Intervention(inputs: [.anchors(EditedRows(other.anchors))]),
      Intervention(inputs: [.patches(EditedRows(Tensor(shape: own.shape, values: values)))]),
    ]
  }
}

// As many patches as there are anchors, by what makes them notable; positions in the sequence.
extension VerifyMeasurement {
  private func largestNorm(_ plain: VerifySubject.Compressed) -> [Int] {
    let patches = plain.cache.visual.vision.patches
    let norms = (0..<patches.shape[0]).map { row in
      patches[row: row].values.reduce(0.0) { $0 + Double($1) * Double($1) }
    }
    let layout = plain.attention.layout
    return largest(norms, count: layout.anchors.count).map { layout.patches[$0] }
  }

  /// By attention summed over layers and heads.
  private func mostAttended(_ attention: VocoAttention) -> [Int] {
    let layout = attention.layout
    var sums = [Double](repeating: 0, count: layout.patches.count)
    for layer in 0..<attention.layers {
      for head in 0..<attention.heads {
        let row = attention.row(layer: layer, head: head)
        for (index, position) in layout.patches.enumerated() { sums[index] += row[position] }
      }
    }
    return largest(sums, count: layout.anchors.count).map { layout.patches[$0] }
  }

  /// By their distance in the sequence from the closest anchor.
  private func nearest(_ layout: KeyLayout) -> [Int] {
    let closeness = layout.patches.map { patch in -Double(layout.anchors.map { abs($0 - patch) }.min() ?? 0) }
    return largest(closeness, count: layout.anchors.count).map { layout.patches[$0] }
  }

  /// Indices of the largest values, of equal ones the first.
  private func largest(_ values: [Double], count: Int) -> [Int] {
    Array(values.indices.sorted { (values[$0], $1) > (values[$1], $0) }.prefix(count))
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
