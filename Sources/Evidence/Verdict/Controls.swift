import Foundation
import Statistics

extension VerdictEngine {
  /// The four controls of the headline's voco token and the first prompt, one sentence each.
  func controls(_ summary: EvidenceSummary, _ verdict: EvidenceVerdict) -> [ControlResult] {
    let voco = verdict.headlineVoco
    return [
      order(summary, voco), content(verdict), blank(summary, voco), randomWeights(summary, verdict, voco),
    ]
  }

  private func order(_ summary: EvidenceSummary, _ voco: Int) -> ControlResult {
    let values = summary.pictures.map { $0.vocos[voco].attends.logSamePosition }
    let confidence = 1 - rule.error / Double(summary.run.vocoTokens)
    guard let same = estimate(values, "attends \(voco) same position", confidence: confidence),
      let interval = same.interval
    else { return ControlResult(name: .order, outcome: nil, sentence: "The anchors were not moved.") }
    let outcome: Bool? = interval.low > rule.logMinimumLift ? true : interval.high < rule.logMinimumLift ? false : nil
    let reading =
      switch outcome {
      case true?: "the attention stays with the anchors"
      case false?: "the attention belongs to the position"
      case nil: "whether the attention stays with the anchors is open"
      }
    return ControlResult(
      name: .order, outcome: outcome,
      sentence: "In each other's positions an anchor gets \(Self.ratio(same)) of a patch: \(reading).")
  }

  private func content(_ verdict: EvidenceVerdict) -> ControlResult {
    guard let numbers = verdict.causalNumbers, !numbers.overControls.isEmpty else {
      return ControlResult(name: .content, outcome: nil, sentence: "No other picture's anchors were tried.")
    }
    let all = Interchanged.controls.compactMap { control in numbers.overControls[control].map { (control, $0) } }
    let isAbove = all.allSatisfy { ($0.1.interval?.low ?? -1) > 0 }
    let list = all.map { "\($0.1.text) over the \($0.0.words)" }.joined(separator: ", ")
    return ControlResult(
      name: .content, outcome: isAbove,
      sentence: "How much further the anchors' values move the answer than those of as many patches: "
        + "\(list); \(isAbove ? "every difference is above 0" : "not every difference is clearly above 0").")
  }

  /// |ΔLD| of `content` on pictures and on blanks of their colour, paired.
  private func blank(_ summary: EvidenceSummary, _ voco: Int) -> ControlResult {
    let byIndex = Dictionary(uniqueKeysWithValues: summary.pictures.map { ($0.index, $0) })
    let differences = summary.blanks.compactMap { blank -> Double? in
      guard let values = blank.movement.first, values.indices.contains(voco), let picture = byIndex[blank.index],
        let own = mean(
          picture.prompts[0].vocos[voco].pairs.map { abs($0.shifts[.content]?.logitDifference ?? 0) })
      else { return nil }
      return own - values[voco]
    }
    guard let estimate = estimate(differences, "blank \(voco)", confidence: 1 - rule.error),
      let interval = estimate.interval
    else {
      return ControlResult(name: .blank, outcome: nil, sentence: "No blank pictures could be compared.")
    }
    let passed = interval.low > Self.roundedLogits
    return ControlResult(
      name: .blank, outcome: passed,
      sentence: "The anchors' values move the logit difference by \(estimate.text) logits more on pictures than on "
        + "\(estimate.n) blank ones of their mean colour: part of the effect "
        + (passed ? "answers to what is in the picture." : "is not shown to answer to what is in the picture."))
  }

  /// Movements of logits of 32 bits below this are rounding.
  private static let roundedLogits = 1e-3

  private func randomWeights(_ summary: EvidenceSummary, _ verdict: EvidenceVerdict, _ voco: Int) -> ControlResult {
    let models = summary.randomModels.count
    guard models >= rule.randomModels else {
      let reason =
        summary.hasRandomModels
        ? "Only \(models) of \(rule.randomModels) models of permuted weights were run."
        : "The random control was not run: --random-models runs it."
      return ControlResult(name: .randomWeights, outcome: nil, sentence: reason)
    }
    let tests = [
      ("attention", randomTest(.attends, summary, voco: voco)),
      ("contribution", randomTest(.contributes, summary, voco: voco)),
      ("movement of the answer", randomCausalTest(summary, voco: voco, prompt: 0)),
    ]
    let words = tests.map { "\($0.0) \($0.1.map { $0 ? "above all" : "not above all" } ?? "not compared")" }
    return ControlResult(
      name: .randomWeights, outcome: tests.allSatisfy { $0.1 == true },
      sentence: "Among \(models) models whose matrices have their own entries permuted (a level of 1/\(models + 1)): "
        + words.joined(separator: ", ") + ".")
  }
}
