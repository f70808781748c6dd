package import Evidence
import Foundation
package import HTCVLM
import Statistics
package import Tensor
import Trace

/// What `verify` measures in one picture: attention in two orders of the sequence, what varies between pictures, and the
/// effects of interchanges and cuts.
struct PictureMeasurement {
  let subject: VerifySubject
  let layouts: [KeyLayout]
  let grams: OutputGrams
  let seed: UInt64
  /// Which pictures lend to which, a prompt; and every picture's answers, a prompt.
  let donors: [DonorChoice]
  let answers: [[[Int32]]]

  /// A picture and what its donors lend.
  ///
  /// - Parameter pictures: gives compressed pictures by number.
  func borrowed(_ index: Int, _ pictures: (Int) throws -> VisualCache) throws -> BorrowedPicture {
    let plain = try pictures(index)
    return BorrowedPicture(plain: plain, contexts: try contexts(index, plain, pictures))
  }

  /// Everything of one picture.
  func measure(_ index: Int, key: String, name: String, _ picture: BorrowedPicture) throws -> PictureEvidence {
    let (plain, contexts) = (picture.plain, picture.contexts)
    let vocos = try vocoEvidence(plain, key: key, donors: donors[0].donors[index].compactMap { contexts[$0] })
    let prompts = try subject.prompts.indices.map { prompt in
      try promptEvidence(index, prompt: prompt, key: key, plain, contexts)
    }
    let last = try attention(plain, voco: subject.vocos.count - 1)
    let row = index < VocoRow.kept ? VocoRow(last, index: index, key: key, name: name) : nil
    return PictureEvidence(
      index: index, key: key, name: name, vocos: vocos, prompts: prompts, row: row, spread: RowSpread(last))
  }

  /// What each of a picture's donors lends.
  func contexts(
    _ index: Int, _ plain: VisualCache, _ pictures: (Int) throws -> VisualCache
  ) throws -> [Int: DonorContexts] {
    var contexts: [Int: DonorContexts] = [:]
    for donor in Set(donors.flatMap { $0.donors[index] }).sorted() {
      contexts[donor] = DonorContexts(subject.model, plain: plain, donor: try pictures(donor))
    }
    return contexts
  }

  /// Effects of the anchors' values in single heads' edges, and in all of these together.
  func headEvidence(_ index: Int, _ heads: [HeadPlace], _ picture: BorrowedPicture) throws -> HeadEvidence {
    let (plain, contexts) = (picture.plain, picture.contexts)
    let prompts = try subject.prompts.indices.map { prompt -> [HeadEvidence.Pair] in
      guard donors[prompt].differ[index] else { return [] }
      return try ofPairs(index, prompt: prompt, plain, contexts) { donor in
        try Interchanges.heads(heads, of: try contexts[donor]!.anchors, plain)
      } read: { donor, logits, scale in
        HeadEvidence.Pair(
          donor: donor, logitDifference: scale.logitDifference, squaredNorm: scale.squaredNorm,
          shifts: logits.map(scale.shift))
      }
    }
    return HeadEvidence(index: index, heads: heads, prompts: prompts)
  }

  func attention(_ cache: VisualCache, voco: Int) throws -> VocoAttention {
    try VocoAttention(layout: layouts[voco], attention: cache.attention(ofVoco: voco))
  }

  /// Attention and contributions of every voco token.
  func vocoEvidence(_ plain: VisualCache, key: String, donors: [DonorContexts]) throws -> [VocoEvidence] {
    let (anchors, patches) = (plain.anchorPositions, plain.patchPositions)
    var generator = SplitMix64(seed: seed, stream: "\(key) exchanged patches")
    let pairs = Array(zip(anchors, generator.distinct(anchors.count, below: patches.count).map { patches[$0] }))
    let exchanged = try subject.model.exchanging(pairs, in: plain)
    let differences =
      donors.isEmpty
      ? nil
      : subject.model.valueDifferences(
        plain, [(anchors, try donors.map { try $0.anchors }), (patches, try donors.map { try $0.patches })],
        grams: grams)
    let norms = subject.model.valueNorms(plain)
    let epsilon = 1e-6 * residual(plain)
    return try subject.vocos.map { voco in
      let attention = try attention(plain, voco: voco)
      let pair = ExchangedAttention(
        plain: attention, exchanged: try self.attention(exchanged, voco: voco), pairs: pairs)
      let raw = try VocoAttention(layout: layouts[voco], attention: attention.attention, valueNorms: norms)
      let shares = AttentionShares(
        row: attention.row(AttentionQuery(), excluding: []) ?? [], layout: attention.layout)
      return VocoEvidence(
        anchorShare: shares.anchors, patchShare: shares.patches, attends: pair.shares,
        contributes: differences.map { pair.contributions($0.values, epsilon: epsilon) },
        rawContribution: raw.logRawContribution ?? 0,
        cells: pair.cells,
        cellLifts: attention.liveLayers.flatMap { layer in
          (0..<attention.heads).map { attention.shares(layer: layer, head: $0).logLift }
        },
        layers: pair.layers)
    }
  }

  /// Root-mean-square of voco's residual over the live layers.
  private func residual(_ cache: VisualCache) -> Double {
    let live = cache.hiddenVoco[rows: 0..<subject.liveLayers.count]
    return (live.values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(max(1, live.count))).squareRoot()
  }

  /// Interchanges and cuts for one prompt.
  private func promptEvidence(
    _ index: Int, prompt: Int, key: String, _ plain: VisualCache, _ contexts: [Int: DonorContexts]
  ) throws -> PromptEvidence {
    let compared = try subject.vocos.map {
      ComparedPatches(plain, try attention(plain, voco: $0), key: key, seed: seed)
    }
    let cuts = compared.enumerated().flatMap { voco, compared in
      ([Set(plain.anchorPositions)] + compared.random).map { Intervention.cut(keys: $0, vocos: [voco]) }
    }
    let chosen = donors[prompt].donors[index]
    // Where the answer first parts from a donor's: words that all answers begin with have nothing to lose.
    let own = answers[prompt][index]
    let place = chosen.compactMap { DonorChoice.difference(own, answers[prompt][$0]) }.min() ?? 0
    let answered = Array(own.prefix(place))
    let alone = try subject.logits([.none], on: plain, prompt: prompt, answered: answered)[0]
    let cut = try subject.logits([.none] + cuts, on: plain, prompt: prompt, answered: answered)
    let divergences = cut.dropFirst().map { Divergence.kl(reference: cut[0], changed: $0) }
    let noise = Divergence.kl(reference: alone, changed: cut[0])
    let floor = VerdictRule().floor(noise: noise)
    let donorKL = try chosen.compactMap { donor -> Double? in
      guard let context = contexts[donor] else { return nil }
      let other = try subject.logits([.none], on: context.cache, prompt: prompt, answered: answered)[0]
      return Divergence.kl(reference: cut[0], changed: other)
    }
    let pairs = donors[prompt].differ[index] ? try self.pairs(index, prompt: prompt, plain, contexts, compared) : []
    let perVoco = ComparedPatches.draws + 1
    return PromptEvidence(
      noise: noise, donorKL: donorKL,
      vocos: subject.vocos.map { voco in
        let own = divergences[voco * perVoco..<(voco + 1) * perVoco]
        let logs = own.dropFirst().map { log(max($0, floor)) }
        return CausalEvidence(
          pairs: pairs.map { $0[voco] }, presence: own.first ?? 0,
          matchedPresence: exp(logs.reduce(0, +) / Double(logs.count)))
      })
  }

  /// `[pairs][vocos]`.
  private func pairs(
    _ index: Int, prompt: Int, _ plain: VisualCache, _ contexts: [Int: DonorContexts], _ compared: [ComparedPatches]
  ) throws -> [[PairEvidence]] {
    var made: [Int: [Interchanges]] = [:]
    return try ofPairs(index, prompt: prompt, plain, contexts) { donor in
      let ofVocos = try subject.vocos.map { voco in
        try Interchanges(
          contexts[donor]!, plain, compared[voco], voco: voco, liveLayers: subject.liveLayers)
      }
      made[donor] = ofVocos
      return ofVocos.flatMap(\.interventions)
    } read: { donor, logits, scale in
      var start = logits.startIndex
      return (made[donor] ?? []).map { interchange in
        defer { start += interchange.interventions.count }
        return interchange.evidence(logits[start..<start + interchange.interventions.count], scale, donor: donor)
      }
    }
  }

  /// What interventions do to a picture with each of its donors, in the donors' order; those of pairs whose answers
  /// differ at the same place run in one product.
  private func ofPairs<Found>(
    _ index: Int, prompt: Int, _ plain: VisualCache, _ contexts: [Int: DonorContexts],
    interventions: (_ donor: Int) throws -> [Intervention],
    read: (_ donor: Int, _ logits: ArraySlice<Tensor>, _ scale: InterchangeScale) -> Found
  ) throws -> [Found] {
    let own = answers[prompt][index]
    let all = donors[prompt].donors[index].compactMap { donor -> (donor: Int, place: Int)? in
      DonorChoice.difference(own, answers[prompt][donor]).map { (donor, $0) }
    }
    var found: [Int: Found] = [:]
    for place in Set(all.map(\.place)).sorted() {
      let group = all.filter { $0.place == place }
      let answered = Array(own.prefix(place))
      let variants = try group.map { try interventions($0.donor) }
      let logits = try subject.logits([.none] + variants.joined(), on: plain, prompt: prompt, answered: answered)
      var start = 1
      for (pair, ofPair) in zip(group, variants) {
        let donor = try subject.logits([.none], on: contexts[pair.donor]!.cache, prompt: prompt, answered: answered)[0]
        let scale = InterchangeScale(
          base: logits[0], donor: donor, own: Int(own[place]), other: Int(answers[prompt][pair.donor][place]))
        found[pair.donor] = read(pair.donor, logits[start..<start + ofPair.count], scale)
        start += ofPair.count
      }
    }
    return all.compactMap { found[$0.donor] }
  }

  /// Signed movement of the logit difference towards a donor by `content`, of every voco token; nil if the answers do not
  /// differ.
  func movement(
    _ index: Int, donor: Int, prompt: Int, _ plain: VisualCache, _ contexts: DonorContexts
  ) throws -> [Double]? {
    let (own, other) = (answers[prompt][index], answers[prompt][donor])
    guard let place = DonorChoice.difference(own, other) else { return nil }
    let anchors = Set(plain.anchorPositions)
    let swaps = try subject.vocos.map { voco in
      Intervention(
        swaps: [
          EdgeSwap(keys: anchors, .values, from: try contexts.anchors, layers: subject.liveLayers, vocos: [voco])
        ])
    }
    let logits = try subject.logits([.none] + swaps, on: plain, prompt: prompt, answered: Array(own.prefix(place)))
    let difference = { (logits: Tensor) in
      Double(logits.values[Int(own[place])]) - Double(logits.values[Int(other[place])])
    }
    return logits.dropFirst().map { difference(logits[0]) - difference($0) }
  }
}

/// A compressed picture, and by their numbers what its donors lend to it.
struct BorrowedPicture {
  let plain: VisualCache
  let contexts: [Int: DonorContexts]
}

/// Every interchange of one picture, voco token and donor, as interventions that run side by side, and back from their
/// logits to shifts.
package struct Interchanges {
  package let interventions: [Intervention]
  private let places: [Interchanged: Range<Int>]

  package init(
    _ contexts: DonorContexts, _ cache: VisualCache, _ compared: ComparedPatches, voco: Int, liveLayers: Set<Int>
  ) throws {
    let (anchors, patches) = (Set(cache.anchorPositions), Set(cache.patchPositions))
    let swap = { (keys: Set<Int>, part: EdgeSwap.Part, donor: DonorContext) in
      Intervention(swaps: [EdgeSwap(keys: keys, part, from: donor, layers: liveLayers, vocos: [voco])])
    }
    let (ofAnchors, ofPatches) = (try contexts.anchors, try contexts.patches)
    // Anchors everywhere: under the star mask no other row before voco saw them.
    let reached = cache.isStar ? anchors : Set(cache.contextPositions)
    // In this voco token's view alone: what others took from them is not its own.
    let total = Intervention(swaps: [EdgeSwap(keys: reached, .both, from: ofAnchors, layers: nil, vocos: [voco])])
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
    _ heads: [HeadPlace], of donor: DonorContext, _ cache: VisualCache
  ) throws -> [Intervention] {
    let anchors = Set(cache.anchorPositions)
    let swaps = heads.map {
      EdgeSwap(keys: anchors, .values, from: donor, layers: [$0.layer], heads: [$0.head], vocos: [$0.voco])
    }
    return swaps.map { Intervention(swaps: [$0]) } + [Intervention(swaps: swaps)]
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

/// As many patches as there are anchors, chosen by what makes them notable; positions in the sequence.
package struct ComparedPatches {
  let random: [Set<Int>]
  let mostAttended: Set<Int>
  let largestNorm: Set<Int>
  let nearest: Set<Int>

  /// Draws of random patches.
  static let draws = 8

  package init(random: [Set<Int>], mostAttended: Set<Int>, largestNorm: Set<Int>, nearest: Set<Int>) {
    self.random = random
    self.mostAttended = mostAttended
    self.largestNorm = largestNorm
    self.nearest = nearest
  }

  /// - Parameter key: the picture's SHA-256, which seeds the draws.
  init(_ cache: VisualCache, _ attention: VocoAttention, key: String, seed: UInt64) {
    let (anchors, patches) = (cache.anchorPositions, cache.patchPositions)
    let count = anchors.count
    var generator = SplitMix64(seed: seed, stream: "\(key) random patches")
    random = (0..<Self.draws).map { _ in Set(generator.distinct(count, below: patches.count).map { patches[$0] }) }
    let row = attention.row(AttentionQuery(), excluding: []) ?? []
    mostAttended = Set(largest(patches.map { row[$0] }, count).map { patches[$0] })
    let vectors = cache.visual.vision.patches
    let norms = (0..<vectors.shape[0]).map { index in
      vectors[row: index].values.reduce(0.0) { $0 + Double($1) * Double($1) }
    }
    largestNorm = Set(largest(norms, count).map { patches[$0] })
    let closeness = patches.map { patch in -Double(anchors.map { abs($0 - patch) }.min() ?? 0) }
    nearest = Set(largest(closeness, count).map { patches[$0] })
  }
}

/// Indices of the largest values, of equal ones the first.
private func largest(_ values: [Double], _ count: Int) -> [Int] {
  Array(values.indices.sorted { (values[$0], $1) > (values[$1], $0) }.prefix(count))
}

/// What one donor lends to a picture, each computed when it is first asked for.
///
/// Under the star mask a visual row sees nothing of the others, so the donor's own run holds everything; under the causal
/// mask each is the picture's own run with only the anchors, or only the patches, replaced, so that nothing else of the
/// donor rides along.
package final class DonorContexts {
  private let model: HTCVLMModel
  private let plain: VisualCache
  private let donor: VisualCache
  private lazy var whole = model.donor(donor)

  package init(_ model: HTCVLMModel, plain: VisualCache, donor: VisualCache) {
    self.model = model
    self.plain = plain
    self.donor = donor
  }

  private var ofAnchors: DonorContext?
  private var ofPatches: DonorContext?

  var visual: DonorContext { whole }

  package var anchors: DonorContext {
    get throws {
      if let ofAnchors { return ofAnchors }
      let made = plain.isStar ? whole : try model.donor(plain, replacing: .anchors, by: donor.visual)
      ofAnchors = made
      return made
    }
  }

  package var patches: DonorContext {
    get throws {
      if let ofPatches { return ofPatches }
      let made = plain.isStar ? whole : try model.donor(plain, replacing: .patches, by: donor.visual)
      ofPatches = made
      return made
    }
  }

  /// The donor's run itself.
  var cache: VisualCache { donor }
}
