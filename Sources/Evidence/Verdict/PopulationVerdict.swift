extension VerdictEngine {
  /// The verdict over the pictures of a summary.
  package func verdict(_ summary: EvidenceSummary) -> EvidenceVerdict {
    let attends = PriorityAnalysis(self, summary, .attends)
    let contributes = PriorityAnalysis(self, summary, .contributes)
    let causes = CausalAnalysis(self, summary)
    let tiers = (
      attends: tierVerdict(.attends, attends, summary), contributes: tierVerdict(.contributes, contributes, summary),
      causes: tierVerdict(causes, summary)
    )
    let n = summary.pictures.count
    let anecdote = n < rule.anecdoteBelow
    let lead = anecdote ? "Anecdote (\(n) pictures, fewer than \(rule.anecdoteBelow)): " : ""
    let untrained = summary.run.untrainedParts
    let warning = untrained.isEmpty ? "" : " Untrained: \(untrained.joined(separator: ", "))."
    let byPosition = attends?.followsPosition(rule.logMinimumLift) != nil
    let words = Self.conclusion(
      tiers.attends.word, tiers.contributes.word, tiers.causes.word, byPosition: byPosition)
    return EvidenceVerdict(
      attends: tiers.attends, contributes: tiers.contributes, causes: tiers.causes,
      controls: controls(summary, attends, causes),
      conclusion: lead + words + warning,
      n: n, anecdote: anecdote, seed: seed, untrainedParts: untrained)
  }

  /// The three words in one sentence; `byPosition` if the attention was shown to follow the anchors' position.
  static func conclusion(
    _ attends: VerdictWord, _ contributes: VerdictWord, _ causes: VerdictWord, byPosition: Bool
  ) -> String {
    if byPosition, attends == .no {
      let lead = "voco attends to where the anchors stand, not to the anchors"
      return lead + (causes == .yes ? "; yet the output depends on what they hold." : ".")
    }
    return switch (attends, contributes, causes) {
    case (.yes, .yes, .yes):
      "voco prioritises the anchors: it attends to them, their values weigh in, and the output depends on them."
    case (.yes, _, .yes):
      "voco attends to the anchors and the output depends on them; that their values weigh more is not shown."
    case (.yes, .no, .no): "voco attends to the anchors but does not use them: attends but not causal, as to a sink."
    case (.yes, _, .no):
      "voco attends to the anchors, but what they hold does not decide the output: attends but not causal."
    case (.yes, _, _): "voco attends to the anchors; whether the output depends on it is open."
    case (.no, _, .yes):
      "The output depends on the anchors, but voco does not attend to them as anchors more than to patches."
    case (.no, _, .no): "voco does not prioritise the anchors."
    case (.no, _, _): "voco does not attend to the anchors more than to patches."
    case (_, _, .yes): "The output depends on the anchors; whether voco attends to them more than to patches is open."
    case (_, _, .no): "The output does not depend on the anchors more than on patches; whether voco attends is open."
    default: "Whether voco prioritises the anchors is open."
    }
  }
}
