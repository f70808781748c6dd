import Evidence
import Foundation
import Statistics
import Tensor
import Trace

extension ToyModel {
  static let anchorKeys = Set(0..<anchors)

  func kl(_ tokens: [Token], cut: Set<Int>) -> Double { kl(logits(tokens), tokens, cut: cut) }

  private func kl(_ base: Tensor, _ tokens: [Token], cut: Set<Int>) -> Double {
    Divergence.kl(reference: base, changed: logits(tokens, cut: cut))
  }

  /// Everything `verify` would measure on one picture, with `other` as the other picture.
  func evidence(_ key: String, _ picture: Picture, other: Picture, draws: Int) throws -> (
    PictureEvidence, VocoAttention
  ) {
    let tokens = Self.order(picture)
    let movedTokens = Self.order(picture, anchorsLast: true)
    let attention = try attention(tokens)
    let base = logits(tokens)
    var generator = SplitMix64(seed: 17, stream: key)
    let matched = (0..<draws).map { _ in
      let patches = generator.distinct(Self.anchors, below: Self.grid * Self.grid)
      return kl(base, tokens, cut: Set(patches.map { $0 + Self.anchors }))
    }
    var swapped = picture
    swapped.anchors = other.anchors
    let causes = CausalMeasurement(
      kl: kl(base, tokens, cut: Self.anchorKeys), matched: matched,
      comparators: [
        .mostAttended: kl(base, tokens, cut: Self.largest(rows(tokens))),
        .largestNorm: kl(base, tokens, cut: Self.largest(norms(tokens))),
        .nearest: kl(base, tokens, cut: Set(Self.visual - Self.anchors..<Self.visual)),
        .samePosition: kl(movedTokens, cut: Self.anchorKeys),
      ],
      contentKL: Divergence.kl(reference: base, changed: logits(Self.order(swapped))))
    return (
      PictureEvidence(
        key: key, name: key, attention: attention, moved: [try self.attention(movedTokens)], causes: causes), attention
    )
  }

  /// The visual positions of the `anchors` patches with the largest sum over heads.
  private static func largest(_ rows: [[Double]]) -> Set<Int> {
    let sums = (anchors..<visual).map { position in (position, rows.reduce(0) { $0 + $1[position + 1] }) }
    return Set(sums.sorted { $0.1 > $1.1 }.prefix(anchors).map(\.0))
  }

  /// The effects of this model as a randomly weighted control.
  func control(_ pictures: [(String, Picture)]) throws -> RandomModelRun {
    var (attends, contributes, causes) = ([Double](), [Double](), [Double]())
    for (_, picture) in pictures {
      let tokens = Self.order(picture)
      let attention = try attention(tokens)
      attends.append(PriorityMeasurement(attention)!.logLift)
      contributes.append(PriorityMeasurement(attention, normWeighted: true)!.logLift)
      causes.append(kl(tokens, cut: Self.anchorKeys))
    }
    return RandomModelRun(
      seed: seed, pictures: pictures.map(\.0), attends: mean(attends), contributes: mean(contributes),
      causes: mean(causes))
  }

  /// A model as training would start from: everything is small and random, also how anchors differ from patches.
  static func random(seed: UInt64) -> ToyModel {
    var generator = SplitMix64(seed: seed, stream: "model")
    var model = ToyModel(seed: seed)
    let bias = 0.4 * generator.normal()
    model.anchorBias = [bias + 0.2 * generator.normal(), bias + 0.2 * generator.normal()]
    model.firstBias = 0.3 * generator.normal()
    model.lastBias = 0.3 * generator.normal()
    model.anchorGain = exp(0.4 * generator.normal())
    return model
  }

  static func pictures(_ count: Int) -> [(String, Picture)] {
    (0..<count).map { ("picture \($0)", Picture(seed: UInt64($0))) }
  }

  /// The summary of this model over `count` pictures, the first `controlled` of them also seen by `controls`.
  func summary(
    pictures count: Int, draws: Int = 60, controls: [ToyModel], controlled: Int = 4, untrained: [String] = [],
    signFlipDraws: Int = 2_000
  ) throws -> EvidenceSummary {
    var description = SampleAttention()
    description.untrainedParts = untrained
    var model = description.trace { _, _ in [Float](repeating: 0, count: description.length) }.model
    (model.layers, model.heads, model.anchors, model.patchGrid) = (1, Self.heads, Self.anchors, Self.grid)
    let provenance = description.trace { _, _ in [Float](repeating: 0, count: description.length) }.provenance
    var summary = EvidenceSummary(
      run: EvidenceRun(provenance: provenance, model: model, seed: 5), signFlipDraws: signFlipDraws)
    let pictures = Self.pictures(count)
    for (index, (key, picture)) in pictures.enumerated() {
      let other = pictures[(index + 1) % count].1
      let (evidence, attention) = try evidence(key, picture, other: other, draws: draws)
      summary.add(evidence, attention: attention)
    }
    for control in controls { summary.add(randomModel: try control.control(Array(pictures.prefix(controlled)))) }
    return summary
  }
}
