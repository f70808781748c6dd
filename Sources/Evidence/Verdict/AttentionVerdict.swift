import Foundation
import Statistics
package import Trace

extension VerdictEngine {
  /// "attends" or "contributes" of one voco token.
  func priorityVerdict(_ tier: EvidenceTier, _ summary: EvidenceSummary, voco: Int) -> TierVerdict {
    let run = summary.run
    let text = rule.sentence(tier, anchors: run.anchors, patches: run.patches)
    let evidence = summary.pictures.map { $0.vocos[voco] }
    let measured = evidence.compactMap { tier == .attends ? $0.attends : $0.contributes?.priority }
    let confidence = 1 - rule.error / Double(run.vocoTokens)
    let name = "\(tier.rawValue) \(voco)"
    guard let lift = estimate(measured.map(\.logLift), "\(name) lift", confidence: confidence),
      let same = estimate(measured.map(\.logSamePosition), "\(name) same position", confidence: confidence)
    else { return notMeasured(tier, evidence, rule: text) }
    let decides = same.effect < lift.effect ? same : lift
    let nulls = summary.randomModels.map { exp(tier == .attends ? $0.attends : $0.contributes) }
    let decision = priorityWord(tier, decides, summary, evidence, voco: voco)
    let both = "lift \(Self.ratio(lift)), in the same positions \(Self.ratio(same))"
    let quantity = tier == .attends ? "attention" : "varying part of the output"
    var sentence = "An anchor gets \(Self.ratio(decides)) of a patch's \(quantity) (\(both)): \(decision.reason)."
    if decision.isNothing { sentence = "Nothing that voco reads varies with the picture: \(decision.reason)." }
    return TierVerdict(
      tier: tier, word: decision.word, effect: exp(decides.effect), interval: decides.interval.map { $0.map(exp) },
      n: decides.n, smallestDetectable: exp(rule.logMinimumLift + 2.8 * decides.standardError), sentence: sentence,
      rule: text, details: details(tier, evidence, voco: voco, confidence: confidence),
      wouldChange: change(decision.word, decides, bound: rule.logMinimumLift), nulls: nulls)
  }

  private func notMeasured(_ tier: EvidenceTier, _ evidence: [VocoEvidence], rule text: String) -> TierVerdict {
    let raw = mean(evidence.map(\.rawContribution)).map { ": raw α·‖v·W_o‖ ×\(significant(exp($0)))" } ?? ""
    return TierVerdict(
      tier: tier, word: .notMeasured, n: evidence.count,
      sentence: tier == .contributes && evidence.count == 1
        ? "Not measured: a single picture has no donors to tell what varies\(raw)." : "Not measured.", rule: text)
  }

  private func priorityWord(
    _ tier: EvidenceTier, _ decides: EffectEstimate, _ summary: EvidenceSummary, _ evidence: [VocoEvidence], voco: Int
  ) -> (word: VerdictWord, reason: String, isNothing: Bool) {
    let bound = "×\(decimal(rule.minimumLift, digits: 2))"
    let isNothing = tier == .contributes && evidence.allSatisfy { $0.contributes?.isNothing ?? false }
    guard decides.n >= rule.anecdoteBelow, let interval = decides.interval else {
      return (.undecided, "\(decides.n) pictures are an anecdote", isNothing)
    }
    if isNothing { return (.no, "both sides are below 1e-6 of voco's residual", true) }
    if interval.high < rule.logMinimumLift { return (.no, "the interval lies below \(bound)", false) }
    guard interval.low > rule.logMinimumLift else { return (.undecided, "the interval includes \(bound)", false) }
    if !summary.run.untrainedParts.isEmpty { return (.undecided, "parts of the model are untrained", false) }
    switch randomTest(tier, summary, voco: voco) {
    case nil: return (.undecided, "the random control was not run", false)
    case false?:
      return (.undecided, "models of permuted weights reach as much in the same positions", false)
    case true?:
      return (.yes, "above \(bound), and in the same positions above every model of permuted weights", false)
    }
  }

  /// Whether the same-position lift on the random models' pictures lies above all of theirs.
  func randomTest(_ tier: EvidenceTier, _ summary: EvidenceSummary, voco: Int) -> Bool? {
    guard summary.randomModels.count >= rule.randomModels else { return nil }
    let keys = Set(summary.randomModels[0].pictures)
    let own = summary.pictures.filter { keys.contains($0.index) }.compactMap { picture in
      tier == .attends
        ? picture.vocos[voco].attends.logSamePosition
        : picture.vocos[voco].contributes?.priority.logSamePosition
    }
    guard own.count == keys.count, let observed = mean(own) else { return nil }
    return summary.randomModels.allSatisfy { (tier == .attends ? $0.attends : $0.contributes) < observed }
  }

  private func details(
    _ tier: EvidenceTier, _ evidence: [VocoEvidence], voco: Int, confidence: Double
  ) -> [String] {
    guard tier == .contributes else {
      let part = { (path: KeyPath<VocoEvidence, Double>) in
        decimal(100 * (mean(evidence.map { $0[keyPath: path] }) ?? 0), digits: 2)
      }
      return ["All anchors get \(part(\.anchorShare)) % of voco's attention, all patches \(part(\.patchShare)) %."]
    }
    let raw = estimate(evidence.map(\.rawContribution), "raw \(voco)", confidence: confidence)
    return raw.map { ["Of the raw α·‖v·W_o‖, constant parts included, an anchor gets \(Self.ratio($0)) of a patch."] }
      ?? []
  }

  /// How many pictures, or what else, would change the word.
  func change(_ word: VerdictWord, _ decides: EffectEstimate, bound: Double) -> String? {
    if decides.n < rule.anecdoteBelow { return "\(rule.anecdoteBelow) pictures or more" }
    guard word == .undecided, let interval = decides.interval, interval.low <= bound, interval.high >= bound else {
      return nil
    }
    let distance = abs(decides.effect - bound)
    let needed = Double(decides.n) * pow(2.8 * decides.standardError / distance, 2)
    return needed.isFinite && needed < 1e5
      ? "about \(Int(needed.rounded(.up))) pictures, if the effect stays" : "an effect that is not at the bound itself"
  }

  /// "×8.21 [6.9, 9.7]" of an estimate of a logarithm.
  static func ratio(_ log: EffectEstimate) -> String {
    "×\(significant(exp(log.effect)))"
      + (log.interval.map { " [\(significant(exp($0.low))), \(significant(exp($0.high)))]" } ?? "")
  }
}

extension VerdictEngine {
  /// What one picture shows of its inspected token: always an anecdote, without intervals; no word is yes or no.
  ///
  /// - Throws: `EvidenceError` if the decoder has not run.
  package func verdict(picture trace: Trace) throws(EvidenceError) -> EvidenceVerdict {
    self.verdict(trace, try VocoAttention(trace), token: nil)
  }

  /// The same of another token's row, all of whose layers are read.
  ///
  /// - Parameter token: what it is called; nil for the trace's own inspected token.
  package func verdict(_ trace: Trace, _ attention: VocoAttention, token: String?) -> EvidenceVerdict {
    let (anchors, patches) = (attention.layout.anchors.count, attention.layout.patches.count)
    let missing =
      trace.model.anchors > 0 && anchors == 0 && attention.layout.query != trace.sequence?.vocoPosition
      ? "\(token ?? trace.model.inspectedToken) sees no anchor; what it knows of the picture it has from <voco>." : nil
    let shares = attention.row(AttentionQuery(metric: .share), excluding: [])
    let attends = tier(
      .attends, attention, shares.map { AttentionShares(row: $0, layout: attention.layout).logLift }, missing)
    let contributes = tier(.contributes, attention, attention.logRawContribution, missing)
    let causes = TierVerdict(
      tier: .causes, word: .notMeasured, n: 1,
      sentence: token == nil
        ? "Not measured: cut voco's edges to the anchors, or swap the anchors with another picture's."
        : "Not measured: cuts and interchanges are of <voco>'s edges.",
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
    _ tier: EvidenceTier, _ attention: VocoAttention, _ logLift: Double?, _ missing: String?
  ) -> TierVerdict {
    let (anchors, patches) = (attention.layout.anchors.count, attention.layout.patches.count)
    let text = missing == nil ? rule.sentence(tier, anchors: anchors, patches: patches) : ""
    guard anchors > 0, patches > 0, let logLift else {
      return TierVerdict(
        tier: tier, word: .notMeasured, n: 1,
        sentence: "Not measured: \(missing ?? "the trace holds no such numbers.")",
        rule: text)
    }
    let lift = exp(logLift)
    let sentence =
      tier == .attends
      ? "In this picture an anchor gets ×\(significant(lift)) the attention of a patch; whether that follows the anchors or "
        + "their position, only exchanging them tells."
      : "In this picture an anchor gets ×\(significant(lift)) of a patch's raw α·‖v·W_o‖; what of it varies with the "
        + "picture, only other pictures tell."
    return TierVerdict(tier: tier, word: .undecided, effect: lift, n: 1, sentence: sentence, rule: text)
  }
}
