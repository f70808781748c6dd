import Foundation
import Statistics

/// The numbers behind "attends" or "contributes", and the word that the rule gives them.
struct PriorityAnalysis {
  let tier: EvidenceTier
  let lift: Estimate
  let moved: Estimate?
  let samePosition: Estimate?
  let visual: Estimate?
  let withoutSinks: Estimate?
  let randomTest: RandomModelTest?
  let signFlip: Double
  let trained: Bool

  /// `nil` if no picture was measured.
  init?(_ engine: VerdictEngine, _ summary: EvidenceSummary, _ tier: EvidenceTier) {
    let measured: (PictureEvidence) -> PriorityMeasurement? = { tier == .attends ? $0.attends : $0.contributes }
    let all = summary.pictures.compactMap(measured)
    let estimate = { (part: (PriorityMeasurement) -> Double?, name: String) in
      engine.estimate(all.compactMap(part), "\(tier.rawValue) \(name)")
    }
    guard let lift = estimate(\.logLift, "lift") else { return nil }
    self.tier = tier
    self.lift = lift
    moved = estimate(\.logLiftMoved, "moved")
    samePosition = estimate(\.logLiftSamePosition, "same position")
    visual = estimate(\.logLiftVisual, "visual")
    withoutSinks = estimate(\.logLiftWithoutSinks, "without sinks")
    randomTest = engine.randomTest(
      summary, effect: { measured($0)?.logLift }, random: tier == .attends ? \.attends : \.contributes, combine: mean)
    signFlip = engine.pAbove(engine.rule.logMinimumLift, all.map(\.logLift))
    trained = summary.run.untrainedParts.isEmpty
  }

  /// The verdict and its reason, by `VerdictRule.sentence`.
  func word(_ rule: VerdictRule) -> (VerdictWord, String) {
    let bound = rule.logMinimumLift
    let text = "×\(decimal(rule.minimumLift, digits: 2))"
    guard lift.decides else { return (.undecided, "\(lift.n) pictures are too few to decide") }
    if lift.isBelow(bound) { return (.no, "the interval lies below \(text)") }
    if let reason = followsPosition(bound) { return (.no, "it follows the position: \(reason)") }
    if !lift.isAbove(bound) { return (.undecided, "the interval includes \(text)") }
    guard let moved, let samePosition, moved.decides, samePosition.decides else {
      return (.undecided, "the anchors were not moved, so it may follow their position")
    }
    if !moved.isAbove(bound) { return (.undecided, "with the anchors moved it is \(moved.ratioText)") }
    if !samePosition.isAbove(bound) {
      return (.undecided, "against patches in the same positions it is \(samePosition.ratioText)")
    }
    if signFlip > rule.signFlipLevel { return (.undecided, "the sign-flip test has p = \(significant(signFlip))") }
    guard let randomTest else { return (.undecided, "no randomly weighted models were compared") }
    if randomTest.pValue > rule.randomWeightsLevel {
      return (.undecided, "randomly weighted models do the same (p = \(significant(randomTest.pValue)))")
    }
    if !trained { return (.undecided, "parts of the model are untrained") }
    return (.yes, "it stays with the anchors when they move (\(moved.ratioText))")
  }

  /// Why the lift belongs to the position: it does not move with the anchors, or patches in the same positions have it
  /// too; `nil` if neither is shown.
  func followsPosition(_ bound: Double) -> String? {
    guard let moved, let samePosition, !lift.isBelow(bound) else { return nil }
    if samePosition.isBelow(bound) {
      return "against patches in the same positions it is \(samePosition.ratioText)"
    }
    return moved.isBelow(bound) && !samePosition.isAbove(bound)
      ? "with the anchors moved it is \(moved.ratioText)" : nil
  }

  /// Further numbers, one sentence each.
  func details(_ summary: EvidenceSummary, _ engine: VerdictEngine) -> [String] {
    var lines: [String] = []
    if let visual { lines.append("Prefix and <voco> itself left out of every head: \(visual.ratioText).") }
    if let withoutSinks {
      lines.append("Sinks left out: \(withoutSinks.ratioText) over \(withoutSinks.n) pictures.")
    } else {
      lines.append("Sinks left out: no anchor remains in every layer, so the moved anchors decide.")
    }
    guard tier == .attends else {
      let rollout = engine.estimate(summary.pictures.compactMap(\.rolloutLogLift), "rollout")
      return lines + (rollout.map { ["Rollout through all layers, residual ½: \($0.ratioText)."] } ?? [])
    }
    return lines + cellLines(summary, engine.rule.minimumLift)
  }

  private func cellLines(_ summary: EvidenceSummary, _ minimumLift: Double) -> [String] {
    let findings = summary.cells.findings().flatMap { $0 }
    let lifts = summary.cells.layerLifts(anchors: summary.run.anchors, patches: summary.run.patches)
    let above = findings.count { $0.direction == .above }
    let below = findings.count { $0.direction == .below }
    var lines = [
      "\(above) of \(findings.count) heads above even attention over the visual keys, \(below) below "
        + "(sign-flip test, Benjamini–Hochberg 5 %)."
    ]
    let known = lifts.enumerated().compactMap { layer, lift in lift.map { (layer, $0) } }
    if let strongest = known.max(by: { $0.1 < $1.1 }) {
      let over = known.count { $0.1 > minimumLift }
      lines.append(
        "Strongest in layer \(strongest.0 + 1) (×\(significant(strongest.1))); above ×\(decimal(minimumLift, digits: 2)) in \(over) of \(lifts.count) "
          + "layers.")
    }
    return lines
  }
}

extension VerdictEngine {
  func tierVerdict(_ tier: EvidenceTier, _ analysis: PriorityAnalysis?, _ summary: EvidenceSummary) -> TierVerdict {
    let text = rule.sentence(tier, layout: (summary.run.anchors, summary.run.patches))
    guard let analysis else {
      return TierVerdict(tier: tier, word: .notMeasured, n: 0, sentence: "Not measured.", rule: text)
    }
    let (word, reason) = analysis.word(rule)
    let quantity = tier == .attends ? "attention" : "norm-weighted attention"
    let lift = analysis.lift
    return TierVerdict(
      tier: tier, word: word, effect: exp(lift.mean), interval: lift.n > 1 ? lift.interval.map(exp) : nil, n: lift.n,
      sentence: "An anchor gets \(lift.ratioText) the \(quantity) of a patch over \(lift.n) pictures: \(reason).",
      rule: text, details: analysis.details(summary, self))
  }
}
