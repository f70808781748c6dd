package import Evidence
import Statistics
import TerminalUI
import Trace

extension InspectorState {
  /// One claim as the panel prints it.
  package struct Tier: Sendable, Equatable {
    package let name: String
    /// `anecdote` for one picture, whatever its numbers.
    package let word: String
    package let sentence: String
    package let rule: String
  }

  /// What many pictures said, if `verify` was run; else what this one says, as an anecdote.
  package var evidence: EvidenceVerdict? { verdict ?? statistics?.anecdote }

  var verdictReport: PanelReport {
    var report = PanelReport(.verdict)
    report.add("question", question)
    if hasQuestion {
      report.add("images", .integer(evidence?.n ?? 0))
      report.add("anecdote", .flag(evidence?.anecdote ?? true))
    }
    if !untrainedParts.isEmpty { report.add("untrained", untrainedParts.joined(separator: ", ")) }
    let tiers = tiers
    if hasQuestion { report.tables = [tierTable(tiers)] }
    if hasQuestion, let evidence { report.tables.append(controlTable(evidence)) }
    if !knockOuts.isEmpty { report.tables.append(knockOutTable) }
    if let figureTable { report.tables.append(figureTable) }
    report.notes = verdictNotes(tiers)
    return report
  }

  /// Whether there are anchors whose priority can be asked for.
  var hasQuestion: Bool { trace?.model.anchors != 0 }

  var question: String {
    !hasQuestion
      ? "This checkpoint has no anchors, so there is no priority of theirs to judge."
      : "Does <voco> prioritise the \(links.anchors) anchors over the \(links.geometry.patches.count) patches?"
  }

  /// Empty without anchors.
  package var tiers: [Tier] {
    guard hasQuestion else { return [] }
    guard let evidence else {
      let reason = statistics?.attentionProblem ?? "The decoder has not run yet."
      return EvidenceTier.allCases.map {
        Tier(name: $0.rawValue, word: VerdictWord.notMeasured.rawValue, sentence: reason, rule: "")
      }
    }
    return evidence.tiers.map { tier in
      if tier.tier == .causes && tier.word == .notMeasured { return causesTier(tier) }
      let effect = [tier.effectText, tier.intervalText, "n=\(tier.n) image\(tier.n == 1 ? "" : "s")"].compactMap { $0 }
      return Tier(
        name: tier.tier.rawValue, word: word(tier.word, isAnecdote: evidence.anecdote),
        sentence: "\(effect.joined(separator: " ")). \(tier.sentence)", rule: tier.rule)
    }
  }

  /// Below 30 images a measured tier is an anecdote; untrained parts never give a “yes”.
  private func word(_ word: VerdictWord, isAnecdote: Bool) -> String {
    if word == .notMeasured { return word.rawValue }
    if isAnecdote { return "anecdote" }
    return word == .yes && !untrainedParts.isEmpty ? VerdictWord.undecided.rawValue : word.rawValue
  }

  /// The knock-outs of this session stand in while nothing was verified.
  private func causesTier(_ tier: TierVerdict) -> Tier {
    guard let result = shownKnockOut ?? knockOuts.last else {
      return Tier(
        name: tier.tier.rawValue, word: tier.word.rawValue,
        sentence: "Not measured here: run verify, or knock out a selection.", rule: tier.rule)
    }
    var sentence = "KL \(Format.number(result.kl)) n=1 image. \(result.request.label) cut in \(result.request.scope)"
    if let draws = matchedRandom[result.request.id], let percentile = draws.percentile(of: result.kl) {
      sentence += ": percentile \(Format.number(percentile)) of \(draws.kls.count) matched draws"
    }
    return Tier(name: tier.tier.rawValue, word: "anecdote", sentence: sentence + ".", rule: tier.rule)
  }

  private func tierTable(_ tiers: [Tier]) -> PanelReport.Table {
    .init(
      "tiers", columns: ["tier", "verdict", "found"],
      rows: tiers.map { [.text($0.name), .text($0.word), .text($0.sentence)] })
  }

  private func controlTable(_ evidence: EvidenceVerdict) -> PanelReport.Table {
    .init(
      "controls", columns: ["control", "outcome", "found"],
      rows: evidence.controls.map { control in
        let outcome = control.outcome.map { $0 ? "passed" : "failed" } ?? "not run"
        return [.text(control.name.rawValue), .text(outcome), .text(control.sentence)]
      })
  }

  /// The knock-outs of this session, oldest first.
  var knockOutTable: PanelReport.Table {
    .init(
      "knock-outs", columns: ["cut", "where", "KL (nat)", "logit difference", "percentile", "draws", "answer"],
      rows: knockOuts.map { result in
        let draws = matchedRandom[result.request.id]
        return [
          .text(result.request.label), .text(result.request.scope), .number(result.kl), .number(result.logitDifference),
          .init(number: draws?.percentile(of: result.kl)), .init(integer: draws?.kls.count), .text(result.answer),
        ]
      })
  }

  func verdictNotes(_ tiers: [Tier]) -> [String] {
    var notes: [String] = []
    if !untrainedParts.isEmpty {
      notes.append(
        "Untrained or substituted: \(untrainedParts.joined(separator: ", ")). Numbers of such a model support no verdict."
      )
    }
    if hasQuestion, evidence?.anecdote ?? true {
      notes.append("Fewer than \(VerdictRule().anecdoteBelow) images are an anecdote: vocoscope verify measures more.")
    }
    return notes + tiers.filter { !$0.rule.isEmpty }.map { "Rule of “\($0.name)”: \($0.rule)" }
  }
}
