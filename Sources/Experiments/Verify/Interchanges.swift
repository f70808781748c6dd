package import Evidence
package import HTCVLM
package import Tensor

/// Every interchange of one picture, voco token and donor, as interventions that run side by side, and back from their
/// logits to shifts.
package struct Interchanges {
  package let interventions: [Intervention]
  private let places: [Interchanged: Range<Int>]

  package init(
    _ contexts: DonorContexts, _ cache: VisualCache, _ compared: ComparedPatches, voco: Int, vocos: Int,
    liveLayers: Set<Int>
  ) throws {
    let (anchors, patches) = (Set(cache.anchorPositions), Set(cache.patchPositions))
    let read: Set<Int>? = vocos > 1 ? [voco] : nil
    let swap = { (keys: Set<Int>, part: EdgeSwap.Part, donor: DonorContext) in
      Intervention(swaps: [EdgeSwap(keys: keys, part, from: donor, layers: liveLayers, vocos: [voco])], read: read)
    }
    let (ofAnchors, ofPatches) = (try contexts.anchors, try contexts.patches)
    // Anchors everywhere: under the star mask no other row before voco saw them.
    let reached = cache.isStar ? anchors : Set(cache.contextPositions)
    let total = Intervention(
      swaps: [EdgeSwap(keys: reached, .both, from: ofAnchors, layers: nil, vocos: nil)], read: read)
    let all: [(Interchanged, [Intervention])] = [
      (.content, [swap(anchors, .values, ofAnchors)]), (.steering, [swap(anchors, .keys, ofAnchors)]),
      (.edges, [swap(anchors, .both, ofAnchors)]), (.total, [total]), (.patches, [swap(patches, .both, ofPatches)]),
      (.visual, [swap(anchors.union(patches), .both, contexts.visual)]),
      (.random, compared.random.map { swap($0, .values, ofPatches) }),
      (.mostAttended, [swap(compared.mostAttended, .values, ofPatches)]),
      (.largestNorm, [swap(compared.largestNorm, .values, ofPatches)]),
      (.nearest, [swap(compared.nearest, .values, ofPatches)]),
    ]
    var interventions: [Intervention] = []
    var places: [Interchanged: Range<Int>] = [:]
    for (quantity, variants) in all {
      places[quantity] = interventions.count..<interventions.count + variants.count
      interventions += variants
    }
    self.interventions = interventions
    self.places = places
  }

  /// The donor's values of the anchors in the edges of each head alone, and last in those of all of them.
  package static func heads(
    _ heads: [HeadPlace], of donor: DonorContext, _ cache: VisualCache, vocos: Int
  ) throws -> [Intervention] {
    let anchors = Set(cache.anchorPositions)
    let swaps = heads.map {
      EdgeSwap(keys: anchors, .values, from: donor, layers: [$0.layer], heads: [$0.head], vocos: [$0.voco])
    }
    let alone = zip(swaps, heads).map { Intervention(swaps: [$0], read: vocos > 1 ? [$1.voco] : nil) }
    return alone + [Intervention(swaps: swaps, read: vocos > 1 ? Set(heads.map(\.voco)) : nil)]
  }

  /// The pair's evidence from the logits of `interventions`.
  package func evidence(_ logits: ArraySlice<Tensor>, _ scale: InterchangeScale, donor: Int) -> PairEvidence {
    let shifts = places.mapValues { range in
      let all = range.map { scale.shift(logits[logits.startIndex + $0]) }
      let mean = { (part: (EffectShift) -> Double) in all.reduce(0) { $0 + part($1) } / Double(all.count) }
      return EffectShift(logitDifference: mean(\.logitDifference), projection: mean(\.projection))
    }
    return PairEvidence(
      donor: donor, logitDifference: scale.logitDifference, squaredNorm: scale.squaredNorm, shifts: shifts,
      flip: scale.flip(logits[logits.startIndex + (places[.content]?.lowerBound ?? 0)]))
  }
}
