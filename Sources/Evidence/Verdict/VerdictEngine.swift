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
    let anecdote = summary.pictures.count < rule.anecdoteBelow
    var verdict = EvidenceVerdict(
      attends: overall(vocos.map(\.attends)), contributes: overall(vocos.map(\.contributes)),
      causes: overall(vocos.flatMap(\.causes)), vocos: vocos, headlineVoco: chosen, prompts: run.prompts, controls: [],
      heads: heads(summary), headline: "", conclusion: "", n: summary.pictures.count, anecdote: anecdote, seed: seed,
      untrainedParts: run.untrainedParts, liveLayers: run.liveLayers)
    verdict.headEffects = headEffects(summary, vocos)
    verdict.controls = controls(summary, verdict)
    verdict.headline = headline(verdict, summary)
    verdict.conclusion = conclusion(verdict)
    return verdict
  }

  /// Yes if one is yes, no only if all are; the numbers are those of the one that speaks for the word.
  private func overall(_ all: [TierVerdict]) -> TierVerdict {
    let strength = { (tier: TierVerdict) in
      (tier.word == .yes ? 2 : tier.word == .no ? 0 : 1, tier.effect ?? -.infinity)
    }
    return all.max { strength($0) < strength($1) }
      ?? TierVerdict(tier: .attends, word: .notMeasured, n: 0, sentence: "Not measured.", rule: "")
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
    guard summary.pictures.count >= 6 else { return [] }
    let cells = summary.run.liveLayers * summary.run.heads
    let values = summary.pictures.map { picture in
      picture.vocos.flatMap { $0.cells.map { $0 - rule.logMinimumLift } }
    }
    // As many flips as take some seconds at most; 499 still tell a level of 0.05.
    let affordable = 2_000_000_000 / max(1, values.count * cells * summary.run.vocoTokens)
    let test = MaxStatistic(values, flips: max(499, min(4999, affordable)), seed: seed)
    let found = test.pValues.indices.filter { test.pValues[$0] <= rule.error }.map { index in
      let mean = values.reduce(0) { $0 + $1[index] } / Double(values.count)
      return HeadFinding(
        voco: index / cells, layer: index % cells / summary.run.heads, head: index % summary.run.heads,
        lift: exp(mean + rule.logMinimumLift), pValue: test.pValues[index])
    }
    return found.sorted { ($0.lift, $1.layer, $1.head) > ($1.lift, $0.layer, $0.head) }
  }
}
