import Statistics

/// How the numbers behind a cause read, for the table of headlines.
private struct CausalReading {
  /// Cutting the edges changes the next token clearly, and more than as many random patches cut.
  let isNeeded: Bool?
  /// With all patches interchanged the answer stays.
  let suffices: Bool?
  let isSteered: Bool
  let path: CausalPath?

  init(_ numbers: CausalNumbers, _ rule: VerdictRule) {
    let (cut, over) = (numbers.presence.interval, numbers.presenceOverMatched.interval)
    isNeeded =
      cut.flatMap { cut in
        if cut.high < rule.largePresence || (over?.high ?? 1) < 1 { return false }
        return cut.low > rule.largePresence && (over?.low ?? 0) > 1 ? true : nil
      }
    suffices = numbers.sufficiency?.interval.flatMap {
      $0.low > rule.sufficient ? true : $0.high < rule.sufficient ? false : nil
    }
    isSteered = (numbers.quantities[.steering]?.interval?.low ?? 0) > rule.minimumEffect
    path = numbers.path
  }
}

extension VerdictEngine {
  /// One sentence of the claims' words and the numbers behind them; it never says more than the weakest part.
  func headline(_ verdict: EvidenceVerdict) -> String {
    guard verdict.n > 0 else { return "Nothing was measured." }
    let voco = verdict.vocos[verdict.headlineVoco]
    let sentences = voco.causes.indices.map { prompt in
      sentence(voco.attends, voco.contributes.word, voco.causes[prompt], voco.numbers[prompt])
    }
    let token = verdict.vocos.count > 1 ? " (voco token \(verdict.headlineVoco + 1) of \(verdict.vocos.count))" : ""
    guard sentences.count > 1 else { return sentences[0] + token }
    return zip(verdict.prompts, sentences).map { "Asked “\($0)”: \($1)" }.joined(separator: " ") + token
  }

  /// What limits the headline, and what would change it.
  func conclusion(_ verdict: EvidenceVerdict) -> String {
    var parts = [verdict.headline]
    if verdict.anecdote {
      parts.insert(
        "Anecdote (\(verdict.n) pictures, fewer than \(rule.anecdoteBelow)): the words stay undecided.", at: 0)
    }
    if !verdict.untrainedParts.isEmpty {
      parts.append("Untrained: \(verdict.untrainedParts.joined(separator: ", ")). No claim of it can be yes.")
    }
    let changes = verdict.tiers.compactMap { tier in tier.wouldChange.map { "“\(tier.tier.rawValue)”: \($0)" } }
    parts.append(
      changes.isEmpty
        ? "What would change this: other pictures, another prompt, or other weights."
        : "What would change this: \(changes.joined(separator: "; ")).")
    return parts.joined(separator: " ")
  }

  private func sentence(
    _ ofAttention: TierVerdict, _ contributes: VerdictWord, _ causes: TierVerdict, _ numbers: CausalNumbers?
  ) -> String {
    let attends = ofAttention.word
    guard let numbers else { return attention(attends, "what depends on them was not measured") }
    let reading = CausalReading(numbers, rule)
    switch causes.word {
    case .yes: return used(attends, contributes) + necessity(reading)
    case .no: return unused(attends, contributes, numbers, reading)
    case .undecided, .notMeasured:
      if causes.wouldChange == Self.lacksRandomControl {
        let open = "the answer moves with what they hold, but the random control was not run"
        let isAbove = (ofAttention.interval?.low ?? 0) > rule.minimumLift
        return isAbove ? "An anchor gets more of voco's attention than a patch, and \(open)." : attention(attends, open)
      }
      if (numbers.content?.interval?.high ?? 0) < -rule.minimumEffect {
        return attention(attends, "what they hold moves the answer against the donor, which no reading explains")
      }
      return attention(attends, "whether the answer follows what they hold is open")
    }
  }

  /// The smallest lift that counts.
  private var lift: String { "×\(decimal(rule.minimumLift, digits: 2))" }

  private func attention(_ attends: VerdictWord, _ rest: String) -> String {
    switch attends {
    case .yes: "voco attends to the anchors; \(rest)."
    case .no: "voco does not attend to an anchor \(lift) as much as to a patch; \(rest)."
    default: "Whether voco attends to an anchor \(lift) as much as to a patch is open; \(rest)."
    }
  }

  private func used(_ attends: VerdictWord, _ contributes: VerdictWord) -> String {
    switch (attends, contributes) {
    case (.yes, .yes):
      "voco prioritises the anchors: it attends to them, what varies in them weighs in, and the answer follows what they "
        + "hold."
    case (.yes, .no):
      "voco attends to the anchors and the answer follows what they hold, though what varies in an anchor does not weigh "
        + "\(lift) as much as in a patch."
    case (.yes, _):
      "voco attends to the anchors and the answer follows what they hold; whether an anchor weighs more than a patch is "
        + "open."
    case (.no, _):
      "The answer follows what the anchors hold, but voco does not attend to an anchor \(lift) as much as to a patch."
    default:
      "The answer follows what the anchors hold; whether voco attends to an anchor \(lift) as much as to a patch is open."
    }
  }

  /// Necessary × sufficient.
  private func necessity(_ reading: CausalReading) -> String {
    guard let isNeeded = reading.isNeeded, let suffices = reading.suffices else { return "" }
    return switch (isNeeded, suffices) {
    case (true, true): " They are needed, and they suffice."
    case (true, false): " They are needed, and do not suffice."
    case (false, true): " They are redundant: they suffice, and are not needed."
    case (false, false): " They neither suffice nor are needed: one source among others."
    }
  }

  private func unused(
    _ attends: VerdictWord, _ contributes: VerdictWord, _ numbers: CausalNumbers, _ reading: CausalReading
  ) -> String {
    let moved = "move the answer by \(decimal(rule.minimumEffect, digits: 2)) of the way"
    if !numbers.dependsOnPicture { return attention(attends, "the answer does not depend on the picture at all") }
    if reading.path == .indirect {
      return attention(
        attends,
        "what the anchors hold reaches the answer through other tokens rather than through voco's edges to them")
    }
    if reading.isSteered {
      return attention(attends, "what they hold steers where voco looks, but their values do not \(moved)")
    }
    if reading.isNeeded == true {
      return attention(attends, "the answer depends on the anchors being there, not on what they hold")
    }
    switch (attends, contributes) {
    case (.yes, .no):
      return "voco attends to the anchors but does not use what they hold: attends but not causal, as to a sink."
    case (.no, .no): return "voco does not prioritise the anchors."
    case (_, .yes):
      return attention(attends, "what varies in an anchor weighs more than in a patch, but does not \(moved)")
    default: return attention(attends, "what they hold does not \(moved)")
    }
  }
}
