import Foundation
import Statistics
import Trace

/// The numbers behind "causes", and the word that the rule gives them.
struct CausalAnalysis {
  let kl: Estimate
  let percentile: Estimate
  let draws: Int
  /// Anchors' KL minus each comparator's.
  let comparators: [(CutComparator, Estimate)]
  let content: Estimate?
  let randomTest: RandomModelTest?
  /// Of the anchors' KL against the mean of the matched draws.
  let signFlip: Double
  let trained: Bool

  /// `nil` if nothing was cut.
  init?(_ engine: VerdictEngine, _ summary: EvidenceSummary) {
    let all = summary.pictures.compactMap(\.causes)
    guard
      let kl = engine.estimate(all.map(\.kl), "causes kl"),
      let percentile = engine.estimate(all.map(\.percentile), "causes percentile")
    else { return nil }
    self.kl = kl
    self.percentile = percentile
    draws = all.map(\.matchedDraws).min() ?? 0
    comparators = CutComparator.allCases.compactMap { comparator in
      let differences = all.compactMap { one in one.comparators[comparator].map { one.kl - $0 } }
      return engine.estimate(differences, "causes \(comparator.rawValue)").map { (comparator, $0) }
    }
    content = engine.estimate(all.compactMap(\.contentKL), "causes content")
    randomTest = engine.randomTest(
      summary, effect: { $0.causes?.kl }, random: { $0.causes.map(logKL) }, combine: { mean($0).map(logKL) })
    signFlip = engine.pAbove(0, all.map { $0.kl - $0.matchedKL })
    trained = summary.run.untrainedParts.isEmpty
  }

  /// The verdict and its reason, by `VerdictRule.sentence`.
  func word(_ rule: VerdictRule) -> (VerdictWord, String) {
    let bound = "\(decimal(rule.minimumKL, digits: 3)) nats"
    guard kl.decides else { return (.undecided, "\(kl.n) pictures are too few to decide") }
    if kl.isBelow(rule.minimumKL) { return (.no, "the interval lies below \(bound)") }
    if percentile.isBelow(rule.minimumPercentile) { return (.no, "as many random patches matter as much") }
    if let content, content.isBelow(rule.minimumKL) {
      return (
        .no,
        "another picture's anchors in their place change nothing (KL \(content.valueText)), so the model "
          + "does not use what they hold"
      )
    }
    if !kl.isAbove(rule.minimumKL) { return (.undecided, "the interval includes \(bound)") }
    if !percentile.isAbove(rule.minimumPercentile) {
      return (.undecided, "it does not exceed the matched draws clearly enough")
    }
    if let (comparator, difference) = comparators.first(where: { !$0.1.isAbove(0) }) {
      return (
        .undecided,
        "cutting the \(comparator.rawValue) does not clearly change less (difference \(difference.valueText))"
      )
    }
    guard let content else { return (.undecided, "another picture's anchors were not tried") }
    if !content.isAbove(rule.minimumKL) {
      return (.undecided, "another picture's anchors change the output by KL \(content.valueText)")
    }
    if signFlip > rule.signFlipLevel { return (.undecided, "the sign-flip test has p = \(significant(signFlip))") }
    guard let randomTest else { return (.undecided, "no randomly weighted models were compared") }
    if randomTest.pValue > rule.randomWeightsLevel {
      return (.undecided, "randomly weighted models do the same (p = \(significant(randomTest.pValue)))")
    }
    if !trained { return (.undecided, "parts of the model are untrained") }
    return (.yes, "what the anchors hold matters (another picture's: KL \(content.valueText))")
  }

  /// Further numbers, one sentence each.
  func details(_ summary: EvidenceSummary, _ engine: VerdictEngine) -> [String] {
    let all = summary.pictures.compactMap(\.causes)
    var lines = ["As many random patches change it by KL \(significant(mean(all.map(\.matchedKL)) ?? 0)) on average."]
    for (comparator, difference) in comparators {
      lines.append("KL minus that of cutting the \(comparator.rawValue): \(difference.valueText).")
    }
    let add = { (name: String, values: [Double]) in
      engine.estimate(values, "causes \(name)").map { lines.append("\(name): \($0.valueText).") }
    }
    _ = add("KL of cutting all patches", all.compactMap(\.allPatchesKL))
    for ablation in Ablation.allCases {
      _ = add("KL of \(ablation.rawValue)-ablated anchors", all.compactMap { $0.ablations[ablation] })
    }
    _ = add("KL of anchors of shuffled codes", all.compactMap(\.shuffledKL))
    _ = add("KL of as many patches of the other picture", all.compactMap(\.contentMatchedKL))
    _ = add("Logit difference of the answer", all.compactMap(\.logitDifference))
    _ = add("Logit difference with random patches cut", all.compactMap(\.matchedLogitDifference))
    _ = add("Cosine of the voco state", all.compactMap(\.cosine))
    _ = add("Cosine of the voco state with random patches cut", all.compactMap(\.matchedCosine))
    let answers: [(String, KeyPath<CausalMeasurement, Bool?>)] = [
      ("the anchors", \.answerChanged), ("as many random patches", \.matchedAnswerChanged),
      ("all patches", \.allPatchesAnswerChanged),
    ]
    for (cut, changed) in answers {
      let known = all.compactMap { $0[keyPath: changed] }
      guard !known.isEmpty else { continue }
      lines.append("With \(cut) cut the answer changes in \(known.count { $0 }) of \(known.count) pictures.")
    }
    return lines + cutLines(summary)
  }

  /// Where, layer by layer and head by head, the anchors' edges matter more than as many patches'.
  private func cutLines(_ summary: EvidenceSummary) -> [String] {
    guard let cuts = summary.cuts else { return [] }
    let line = { (places: CutMap.Places, kind: String, name: (Int) -> String) -> String in
      let above = places.findings().count { $0.direction == .above }
      let strongest = places.kl.indices.max { places.kl[$0].mean < places.kl[$1].mean } ?? 0
      return "Cut in one \(kind), the anchors change more than as many random patches in \(above) of "
        + "\(places.kl.count) (sign-flip test, Benjamini–Hochberg 5 %); most in \(name(strongest)), KL "
        + "\(significant(places.kl[strongest].mean)) against \(significant(places.matchedKL[strongest].mean))."
    }
    var lines = [line(cuts.layers, "layer") { "layer \($0 + 1)" }]
    if let heads = cuts.heads {
      lines.append(
        line(heads, "head") { "layer \($0 / cuts.headCount + 1) head \($0 % cuts.headCount + 1)" })
    }
    return lines
  }
}

/// ln of a KL, bounded below by 1e-12 so that it is finite.
private func logKL(_ kl: Double) -> Double { log(max(kl, 1e-12)) }

extension VerdictEngine {
  func tierVerdict(_ analysis: CausalAnalysis?, _ summary: EvidenceSummary) -> TierVerdict {
    let text = rule.sentence(.causes, layout: (summary.run.anchors, summary.run.patches))
    guard let analysis else {
      return TierVerdict(tier: .causes, word: .notMeasured, n: 0, sentence: "Not measured.", rule: text)
    }
    let (word, reason) = analysis.word(rule)
    let kl = analysis.kl
    return TierVerdict(
      tier: .causes, word: word, effect: kl.mean, interval: kl.n > 1 ? kl.interval : nil, n: kl.n,
      sentence: """
        Cutting voco's edges to the anchors changes the next token by KL \(kl.valueText) over \(kl.n) pictures, \
        more than \(analysis.percentile.percentText) of \(analysis.draws) cuts of as many random patches: \(reason).
        """,
      rule: text, details: analysis.details(summary, self))
  }
}
