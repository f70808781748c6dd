import Evidence
import HTCVLM
import Statistics
import Tensor
import Trace

// What depends on voco's edges to the anchors.
extension VerifyMeasurement {
  func causes(
    _ key: String, _ plain: VerifySubject.Compressed, moved: VisualCache, other: VisualEncoding?
  ) throws -> CausalMeasurement {
    let layout = plain.attention.layout
    let anchors = Set(layout.anchors)
    let chosen: [(CutComparator, [Int])] = [
      (.largestNorm, largestNorm(plain)), (.mostAttended, mostAttended(plain.attention)), (.nearest, nearest(layout)),
    ]
    let draws = matchedDraws(key, layout, count: self.draws)
    let ablations: [Intervention] = [
      .cut(keys: anchors), .cut(keys: anchors, method: .replace(.zero)), .cut(keys: anchors, method: .replace(.mean)),
      .cut(keys: anchors, method: .replace(.resample, seed: seed)), .cut(keys: Set(layout.patches)),
    ]
    let cuts = chosen.map { Intervention.cut(keys: Set($0.1)) } + draws.map { .cut(keys: $0) }
    let effects = try subject.effects(of: ablations + cuts, on: plain.cache)
    let comparators = effects.dropFirst(ablations.count)
    let matched = comparators.dropFirst(chosen.count)
    let samePosition = try subject.effects(of: [.cut(keys: anchors)], on: moved)[0].kl
    var causes = CausalMeasurement(
      kl: effects[0].kl, matched: matched.map(\.kl),
      comparators: Dictionary(
        uniqueKeysWithValues: zip(chosen.map(\.0), comparators.map(\.kl)) + [(.samePosition, samePosition)]),
      allPatchesKL: effects[4].kl, ablations: [.zero: effects[1].kl, .mean: effects[2].kl, .resample: effects[3].kl],
      logitDifference: effects[0].logitDifference, cosine: effects[0].cosine)
    causes.matchedLogitDifference = mean(matched.map(\.logitDifference))
    causes.matchedCosine = mean(matched.map(\.cosine))
    try addAnswers(to: &causes, plain.cache, anchors: anchors, random: draws[0], patches: Set(layout.patches))
    try addContent(to: &causes, key, plain, other: other)
    return causes
  }

  /// Whether the generated answer changes, which takes a run each.
  private func addAnswers(
    to causes: inout CausalMeasurement, _ cache: VisualCache, anchors: Set<Int>, random: Set<Int>, patches: Set<Int>
  ) throws {
    let answer = try subject.answer(cache)
    causes.answerChanged = try subject.changes(answer, cache, without: anchors)
    causes.matchedAnswerChanged = try subject.changes(answer, cache, without: random)
    causes.allPatchesAnswerChanged = try subject.changes(answer, cache, without: patches)
  }

  /// Other anchors in place: another picture's, and those that this picture's codes make in shuffled places.
  private func addContent(
    to causes: inout CausalMeasurement, _ key: String, _ plain: VerifySubject.Compressed, other: VisualEncoding?
  ) throws {
    var generator = SplitMix64(seed: seed, stream: "\(key) shuffled codes")
    let shuffled = subject.model.shuffledAnchors(plain.cache.visual, using: &generator)
    let replaced = Intervention(inputs: [.anchors(EditedRows(shuffled))])
    let others = other.map { replacements(key, plain, by: $0) } ?? []
    let effects = try subject.effects(of: [replaced] + others, on: plain.cache)
    causes.shuffledKL = effects[0].kl
    if others.count == 2 { (causes.contentKL, causes.contentMatchedKL) = (effects[1].kl, effects[2].kl) }
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
