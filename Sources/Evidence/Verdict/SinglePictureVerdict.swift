import Foundation
import Statistics
package import Trace

extension VerdictEngine {
  /// What one picture shows of its inspected token: always an anecdote, without intervals; no word is yes or no.
  ///
  /// - Throws: `EvidenceError` if the decoder has not run.
  package func verdict(picture trace: Trace) throws(EvidenceError) -> EvidenceVerdict {
    let attention = try VocoAttention(trace)
    let (anchors, patches) = (attention.layout.anchors.count, attention.layout.patches.count)
    let attends = tier(.attends, attention, .share, anchors, patches)
    let contributes = tier(.contributes, attention, .normWeighted, anchors, patches)
    let causes = TierVerdict(
      tier: .causes, word: .notMeasured, n: 1,
      sentence: "Not measured: cut voco's edges to the anchors, or swap the anchors with another picture's.",
      rule: rule.sentence(.causes, anchors: anchors, patches: patches))
    return EvidenceVerdict(
      attends: attends, contributes: contributes, causes: causes,
      vocos: [VocoVerdict(attends: attends, contributes: contributes, causes: [causes], numbers: [nil])],
      headlineVoco: 0, prompts: [trace.provenance.prompt],
      controls: ControlName.allCases.map {
        ControlResult(name: $0, outcome: nil, sentence: "Not run for a single picture.")
      }, heads: [], headline: attends.sentence,
      conclusion: "Anecdote: one picture says nothing about pictures in general. " + attends.sentence, n: 1,
      anecdote: true, seed: seed, untrainedParts: trace.model.untrainedParts, liveLayers: attention.liveLayers.count)
  }

  private func tier(
    _ tier: EvidenceTier, _ attention: VocoAttention, _ metric: AttentionMetric, _ anchors: Int, _ patches: Int
  ) -> TierVerdict {
    let text = rule.sentence(tier, anchors: anchors, patches: patches)
    guard anchors > 0, patches > 0, let row = attention.row(AttentionQuery(metric: metric), excluding: []) else {
      return TierVerdict(
        tier: tier, word: .notMeasured, n: 1, sentence: "Not measured: the trace holds no such numbers.", rule: text)
    }
    let lift = exp(AttentionShares(row: row, layout: attention.layout).logLift)
    let sentence =
      tier == .attends
      ? "In this picture an anchor gets ×\(significant(lift)) the attention of a patch; whether that follows the anchors or "
        + "their position, only exchanging them tells."
      : "In this picture an anchor gets ×\(significant(lift)) of a patch's raw α·‖v·W_o‖; what of it varies with the "
        + "picture, only other pictures tell."
    return TierVerdict(tier: tier, word: .undecided, effect: lift, n: 1, sentence: sentence, rule: text)
  }
}
