import Foundation
import Statistics

/// Turns measurements into verdicts by `VerdictRule`.
package struct VerdictEngine: Sendable, Hashable {
  package var rule: VerdictRule
  /// Of the bootstraps and the flips.
  package var seed: UInt64

  package init(rule: VerdictRule = VerdictRule(), seed: UInt64 = 0) {
    self.rule = rule
    self.seed = seed
  }

  /// The mean of `values` with its bootstrap-t interval; `nil` without values. `stream` names its random stream.
  func estimate(_ values: [Double], _ stream: String, confidence: Double) -> EffectEstimate? {
    MeanEstimate(values, seed: seed, stream: stream).map {
      EffectEstimate(
        effect: $0.mean, interval: $0.interval(confidence: confidence), standardError: $0.standardError, n: $0.n)
    }
  }

  /// The verdict over the pictures of a summary.
  package func verdict(_ summary: EvidenceSummary) -> EvidenceVerdict {
    let run = summary.run
    let vocos = (0..<run.vocoTokens).map { voco in
      let causes = run.prompts.indices.map { causalVerdict(summary, voco: voco, prompt: $0) }
      return VocoVerdict(
        attends: priorityVerdict(.attends, summary, voco: voco),
        contributes: priorityVerdict(.contributes, summary, voco: voco), causes: causes.map(\.verdict),
        numbers: causes.map(\.numbers))
    }
    let chosen = headlineVoco(vocos)
    let ofPrompts = vocos[chosen].causes
    let prompt = ofPrompts.indices.max { strength(ofPrompts[$0]) < strength(ofPrompts[$1]) } ?? 0
    let anecdote = summary.pictures.count < rule.anecdoteBelow
    var verdict = EvidenceVerdict(
      attends: overall(vocos.map(\.attends)), contributes: overall(vocos.map(\.contributes)),
      causes: ofPrompts[prompt], vocos: vocos, headlineVoco: chosen, prompts: run.prompts, controls: [],
      heads: heads(summary), headline: "", conclusion: "", n: summary.pictures.count, anecdote: anecdote, seed: seed,
      untrainedParts: run.untrainedParts, liveLayers: run.liveLayers)
    verdict.headlinePrompt = prompt
    verdict.layers = layers(summary)
    verdict.headEffects = headEffects(summary, vocos)
    verdict.controls = controls(summary, verdict)
    verdict.headline = headline(verdict)
    verdict.conclusion = conclusion(verdict)
    return run.inspected == nil ? verdict : verdict.speaking(of: run.asker)
  }

  /// Yes if one is yes, no only if all are; the numbers are those of the one that speaks for the word.
  private func overall(_ all: [TierVerdict]) -> TierVerdict {
    all.max { strength($0) < strength($1) }
      ?? TierVerdict(tier: .attends, word: .notMeasured, n: 0, sentence: "Not measured.", rule: "")
  }

  private func strength(_ tier: TierVerdict) -> (word: Int, effect: Double) {
    (tier.word == .yes ? 2 : tier.word == .no ? 0 : 1, tier.effect ?? -.infinity)
  }

  /// The token with the strongest words, causes before attends before contributes.
  private func headlineVoco(_ vocos: [VocoVerdict]) -> Int {
    let score = { (voco: VocoVerdict) -> Int in
      let value = { (word: VerdictWord) in word == .yes ? 2 : word == .no ? 0 : 1 }
      return 9 * (voco.causes.map { value($0.word) }.max() ?? 0) + 3 * value(voco.attends.word)
        + value(voco.contributes.word)
    }
    return vocos.indices.max { score(vocos[$0]) < score(vocos[$1]) } ?? 0
  }

  /// Heads above the bound, family-wise over all live heads of all voco tokens.
  private func heads(_ summary: EvidenceSummary) -> [HeadFinding] {
    let cells = summary.run.liveLayers * summary.run.heads
    let found = above(summary, "max-T") { $0.cells }.map { index, lift, p in
      HeadFinding(
        voco: index / cells, layer: index % cells / summary.run.heads, head: index % summary.run.heads, lift: lift,
        pValue: p)
    }
    return found.sorted { ($0.lift, $1.layer, $1.head) > ($1.lift, $0.layer, $0.head) }
  }

  /// Layers above the bound, family-wise over all live layers of all voco tokens.
  private func layers(_ summary: EvidenceSummary) -> [LayerFinding] {
    let count = summary.run.liveLayers
    return above(summary, "max-T of layers") { $0.layers }.map { index, lift, p in
      LayerFinding(voco: index / count, layer: index % count, lift: lift, p: p)
    }
  }

  /// Which of the same-position logarithms that `values` takes from every voco token lie above the bound in the mean over
  /// pictures: their places over all voco tokens, lifts and family-wise p.
  private func above(
    _ summary: EvidenceSummary, _ stream: String, _ values: (VocoEvidence) -> [Double]
  ) -> [(index: Int, lift: Double, p: Double)] {
    guard summary.pictures.count >= rule.fewestFlipped else { return [] }
    let values = summary.pictures.map { $0.vocos.flatMap(values).map { $0 - rule.logMinimumLift } }
    // As many flips as take some seconds at most; 499 still tell a level of 0.05.
    let affordable = 2_000_000_000 / max(1, values.count * (values.first?.count ?? 1))
    let test = MaxStatistic(values, flips: max(499, min(4999, affordable)), seed: seed, stream: stream)
    return test.pValues.indices.filter { test.pValues[$0] <= rule.error }.map { index in
      let mean = values.reduce(0) { $0 + $1[index] } / Double(values.count)
      return (index, exp(mean + rule.logMinimumLift), test.pValues[index])
    }
  }
}

extension VerdictEngine {
  /// The four controls of the headline's voco token, and of the prompt that "causes" speaks of, one sentence each.
  func controls(_ summary: EvidenceSummary, _ verdict: EvidenceVerdict) -> [ControlResult] {
    let (voco, prompt) = (verdict.headlineVoco, verdict.headlinePrompt)
    var ofPrompt = [content(verdict), blank(summary, voco, prompt), randomWeights(summary, voco, prompt)]
    if !verdict.askedWords.isEmpty {
      for index in ofPrompt.indices { ofPrompt[index].sentence += " (\(verdict.askedWords))" }
    }
    return [order(summary, voco)] + ofPrompt
  }

  private func order(_ summary: EvidenceSummary, _ voco: Int) -> ControlResult {
    let values = summary.pictures.map { $0.vocos[voco].attends.logSamePosition }
    let confidence = 1 - rule.error / Double(summary.run.vocoTokens)
    guard let same = estimate(values, "attends \(voco) same position", confidence: confidence),
      let interval = same.interval
    else { return ControlResult(name: .order, outcome: nil, sentence: "The anchors were not moved.") }
    let outcome: Bool? = interval.low > rule.logMinimumLift ? true : interval.high < rule.logMinimumLift ? false : nil
    let unmoved = estimate(
      summary.pictures.map { $0.vocos[voco].attends.logLift }, "attends \(voco) lift", confidence: confidence)
    let reading =
      switch outcome {
      case true?: "the attention stays with the anchors"
      case false? where (unmoved?.interval?.low ?? -.infinity) > rule.logMinimumLift:
        "the attention belongs to the position"
      case false?: "it is less than ×\(decimal(rule.minimumLift, digits: 2))"
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
  private func blank(_ summary: EvidenceSummary, _ voco: Int, _ prompt: Int) -> ControlResult {
    let byIndex = Dictionary(uniqueKeysWithValues: summary.pictures.map { ($0.index, $0) })
    let differences = summary.blanks.compactMap { blank -> Double? in
      guard blank.movement.indices.contains(prompt), case let values = blank.movement[prompt],
        values.indices.contains(voco), let picture = byIndex[blank.index],
        let own = mean(
          picture.prompts[prompt].vocos[voco].pairs.map { abs($0.shifts[.content]?.logitDifference ?? 0) })
      else { return nil }
      return own - values[voco]
    }
    let stream = prompt == 0 ? "blank \(voco)" : "blank \(voco) \(prompt)"
    guard let estimate = estimate(differences, stream, confidence: 1 - rule.error),
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

  private func randomWeights(_ summary: EvidenceSummary, _ voco: Int, _ prompt: Int) -> ControlResult {
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
      ("movement of the answer", randomCausalTest(summary, voco: voco, prompt: prompt)),
    ]
    let words = tests.map { "\($0.0) \($0.1.map { $0 ? "above all" : "not above all" } ?? "not compared")" }
    return ControlResult(
      name: .randomWeights, outcome: tests.allSatisfy { $0.1 == true },
      sentence: "Among \(models) models whose matrices have their own entries permuted (a level of 1/\(models + 1)): "
        + words.joined(separator: ", ") + ".")
  }
}
