import Foundation

extension VerdictEngine {
  /// The four controls, one sentence each.
  func controls(
    _ summary: EvidenceSummary, _ attends: PriorityAnalysis?, _ causes: CausalAnalysis?
  ) -> [ControlResult] {
    [order(attends), content(causes), blank(summary, attends), randomWeights(attends, causes)]
  }

  private func order(_ attends: PriorityAnalysis?) -> ControlResult {
    guard let moved = attends?.moved, let same = attends?.samePosition else {
      return ControlResult(name: .order, outcome: nil, sentence: "The anchors were not moved.")
    }
    let stays = moved.isAbove(rule.logMinimumLift) && same.isAbove(rule.logMinimumLift)
    return ControlResult(
      name: .order, outcome: stays,
      sentence: "Moved to other positions, an anchor gets \(moved.ratioText) of a patch, and \(same.ratioText) of a "
        + "patch in the same position: the attention \(stays ? "stays with the anchors" : "may belong to the position")."
    )
  }

  private func content(_ causes: CausalAnalysis?) -> ControlResult {
    guard let content = causes?.content else {
      return ControlResult(name: .content, outcome: nil, sentence: "No other picture's anchors were tried.")
    }
    let passed = content.isAbove(rule.minimumKL)
    return ControlResult(
      name: .content, outcome: passed,
      sentence: "Another picture's anchors change the next token by KL \(content.valueText): what the anchors hold "
        + (passed ? "matters." : "is not shown to matter."))
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
          : "the priority does not depend on there being something in the picture."))
  }

  private func randomWeights(_ attends: PriorityAnalysis?, _ causes: CausalAnalysis?) -> ControlResult {
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
      sentence: sentence + "): the attention is " + (passed ? "learned." : "not shown to be learned."))
  }
}
