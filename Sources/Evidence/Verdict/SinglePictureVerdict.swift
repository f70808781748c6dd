import Statistics
package import Trace

extension VerdictEngine {
  /// The verdict from one picture: always an anecdote, without intervals, and "yes" only if the same picture with the
  /// anchors moved agrees.
  ///
  /// - Parameter moved: traces of the same picture with the anchors in other positions, if they were run.
  /// - Throws: `EvidenceError` if the decoder has not run.
  package func verdict(picture trace: Trace, moved: [Trace] = []) throws(EvidenceError) -> EvidenceVerdict {
    let attention = try VocoAttention(trace)
    var others: [VocoAttention] = []
    for trace in moved { others.append(try VocoAttention(trace)) }
    let layout = (anchors: attention.layout.anchors.count, patches: attention.layout.patches.count)
    let untrained = trace.model.untrainedParts
    let tier = { (tier: EvidenceTier) in
      singleTier(
        tier, PriorityMeasurement(attention, moved: others, normWeighted: tier == .contributes), layout, untrained)
    }
    let causes = TierVerdict(
      tier: .causes, word: .notMeasured, n: 1,
      sentence: "Not measured: cut the edges from voco to the anchors to see what depends on them.",
      rule: rule.sentence(.causes, layout: layout))
    let attends = tier(.attends)
    return EvidenceVerdict(
      attends: attends, contributes: tier(.contributes), causes: causes,
      controls: singleControls(PriorityMeasurement(attention, moved: others)),
      conclusion: "Anecdote: one picture says nothing about pictures in general. " + attends.sentence,
      n: 1, anecdote: true, seed: seed, untrainedParts: untrained)
  }

  private func singleControls(_ measured: PriorityMeasurement?) -> [ControlResult] {
    ControlName.allCases.map { name in
      guard name == .order, let moved = measured?.logLiftMoved, let same = measured?.logLiftSamePosition else {
        return ControlResult(name: name, outcome: nil, sentence: "Not run for this picture.")
      }
      return ControlResult(
        name: name, outcome: min(moved, same) > rule.logMinimumLift,
        sentence: "Moved, an anchor gets \(times(moved)) of a patch, and \(times(same)) of a patch in its place.")
    }
  }

  private func singleTier(
    _ tier: EvidenceTier, _ measured: PriorityMeasurement?, _ layout: (anchors: Int, patches: Int),
    _ untrained: [String]
  ) -> TierVerdict {
    let text = rule.sentence(tier, layout: layout)
    guard let measured else {
      return TierVerdict(
        tier: tier, word: .notMeasured, n: 1, sentence: "Not measured: the trace holds no such numbers.", rule: text)
    }
    let (word, reason) = singleWord(measured, trained: untrained.isEmpty)
    let quantity = tier == .attends ? "attention" : "norm-weighted attention"
    return TierVerdict(
      tier: tier, word: word, effect: measured.lift, n: 1,
      sentence: "In this picture an anchor gets ×\(significant(measured.lift)) the \(quantity) of a patch\(reason).",
      rule: text)
  }

  private func singleWord(_ measured: PriorityMeasurement, trained: Bool) -> (VerdictWord, String) {
    let isAbove = { (log: Double) in log > rule.logMinimumLift }
    let bound = "×\(decimal(rule.minimumLift, digits: 2))"
    guard isAbove(measured.logLift) else { return (.no, ": not above \(bound)") }
    guard let moved = measured.logLiftMoved, let samePosition = measured.logLiftSamePosition else {
      return (.undecided, "; whether that follows the anchors or their position, only moving them tells")
    }
    guard isAbove(moved), isAbove(samePosition) else {
      return (
        .no,
        ", but it follows the position: moved, an anchor gets \(times(moved)), and \(times(samePosition)) "
          + "that of a patch in its place"
      )
    }
    guard trained else { return (.undecided, ", but parts of the model are untrained") }
    return (.yes, ", and \(times(moved)) when the anchors are moved")
  }
}
