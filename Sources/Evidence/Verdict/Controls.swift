import Foundation
import Statistics

extension VerdictEngine {
  /// The four controls, one sentence each.
  func controls(
    _ summary: EvidenceSummary, _ attends: PriorityAnalysis?, _ causes: CausalAnalysis?
  ) -> [ControlResult] {
    [
      order(summary, attends), content(summary, causes), blank(summary, attends),
      randomWeights(summary, attends, causes),
    ]
  }

  private func order(_ summary: EvidenceSummary, _ attends: PriorityAnalysis?) -> ControlResult {
    guard let moved = attends?.moved, let same = attends?.samePosition else {
      return ControlResult(name: .order, outcome: nil, sentence: "The anchors were not moved.")
    }
    let stays = moved.isAbove(rule.logMinimumLift) && same.isAbove(rule.logMinimumLift)
    let tried = { (order: MovedOrder, words: String) in
      estimate(summary.pictures.compactMap { $0.attends?.orders[order] }, "attends.lift_\(order)").map {
        "\(words), an anchor gets \($0.ratioText) of a patch."
      }
    }
    return ControlResult(
      name: .order, outcome: stays,
      sentence: "Moved to other positions, an anchor gets \(moved.ratioText) of a patch, and \(same.ratioText) of a "
        + "patch in the same position: the attention \(stays ? "stays with the anchors" : "may belong to the position").",
      details: [
        tried(.behind, "On the other side of the patches"),
        tried(.swapped, "In positions exchanged with random patches"),
      ].compactMap { $0 })
  }

  private func content(_ summary: EvidenceSummary, _ causes: CausalAnalysis?) -> ControlResult {
    guard let content = causes?.content else {
      return ControlResult(name: .content, outcome: nil, sentence: "No other picture's anchors were tried.")
    }
    let passed = content.isAbove(rule.minimumKL)
    return ControlResult(
      name: .content, outcome: passed,
      sentence: "Another picture's anchors change the next token by KL \(content.valueText): what the anchors hold "
        + (passed ? "matters." : "is not shown to matter."),
      details: shuffled(summary).map { [$0] } ?? [])
  }

  /// What the anchors lose when only the places of the codes change.
  private func shuffled(_ summary: EvidenceSummary) -> String? {
    estimate(summary.pictures.compactMap { $0.causes?.shuffledKL }, "causes.kl_shuffled").map { shuffled in
      let reading =
        shuffled.isAbove(rule.minimumKL)
        ? "matters" : shuffled.isBelow(rule.minimumKL) ? "does not matter" : "is not shown to matter"
      return
        "Anchors made of the picture's own codes with their places shuffled change it by KL \(shuffled.valueText): "
        + "where the codes stand \(reading)."
    }
  }

  private func blank(_ summary: EvidenceSummary, _ attends: PriorityAnalysis?) -> ControlResult {
    guard let lift = attends?.lift, let blank = mean(summary.blanks.map(\.logLift)) else {
      return ControlResult(name: .blank, outcome: nil, sentence: "No blank or noise pictures were tried.")
    }
    let passed = lift.isAbove(blank)
    return ControlResult(
      name: .blank, outcome: passed,
      sentence: "On \(summary.blanks.count) blank and noise pictures an anchor gets \(times(blank)), on pictures "
        + "\(lift.ratioText): "
        + (passed
          ? "part of the priority answers to what is in the picture."
          : "the priority does not depend on there being something in the picture."),
      details: summary.blanks.map { "\($0.name): \(times($0.logLift))." })
  }

  private func randomWeights(
    _ summary: EvidenceSummary, _ attends: PriorityAnalysis?, _ causes: CausalAnalysis?
  ) -> ControlResult {
    guard let attention = attends?.randomTest else {
      return ControlResult(name: .randomWeights, outcome: nil, sentence: "Too few randomly weighted models were tried.")
    }
    let isUnusual = { (test: RandomModelTest) in test.pValue <= rule.randomWeightsLevel }
    var sentence =
      "\(attention.reached) of \(attention.models) randomly weighted models reach the attention "
      + "(p = \(significant(attention.pValue))"
    if let causal = causes?.randomTest {
      sentence += "), \(causal.reached) of \(causal.models) the effect of the cut (p = \(significant(causal.pValue))"
    }
    let passed = isUnusual(attention)
    return ControlResult(
      name: .randomWeights, outcome: passed,
      sentence: sentence + "): the attention is " + (passed ? "learned." : "not shown to be learned."),
      details: Self.spread(summary.randomModels.compactMap(\.attends)).map {
        ["Their anchors get ×\(significant(exp($0.low))) to ×\(significant(exp($0.high))) of a patch."]
      } ?? [])
  }
  private static func spread(_ values: [Double]) -> Interval? {
    guard let low = values.min(), let high = values.max() else { return nil }
    return Interval(low: low, high: high)
  }
}
