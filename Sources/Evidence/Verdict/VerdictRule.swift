import Statistics

/// The thresholds of the verdicts, fixed before the data are seen and printed with every verdict.
package struct VerdictRule: Sendable, Hashable, Codable {
  /// The smallest lift worth the word "prioritises": a whole interval above it is needed for yes, below it for no.
  package var minimumLift = 1.25
  /// The smallest change of the next-token distribution worth the word "causes", in nats.
  package var minimumKL = 0.01
  /// The part of the matched random draws that the anchors' effect must exceed, on average.
  package var minimumPercentile = 0.9
  /// Of the intervals.
  package var confidence = 0.95
  package var bootstrapDraws = 10_000
  /// One-sided level of the sign-flip test that a yes must pass besides its interval; it needs at least six pictures.
  package var signFlipLevel = 0.025
  /// The part of randomly weighted models that may reach the effect.
  package var randomWeightsLevel = 0.025
  /// Under this many pictures the verdict is an anecdote.
  package var anecdoteBelow = 30

  package init() {}

  /// The rule of a tier in words.
  package func sentence(_ tier: EvidenceTier, layout: (anchors: Int, patches: Int)) -> String {
    tier == .causes ? causesSentence(layout.anchors) : prioritySentence(tier, layout)
  }

  private func prioritySentence(_ tier: EvidenceTier, _ layout: (anchors: Int, patches: Int)) -> String {
    let quantity = tier == .attends ? "share" : "α·‖v·W_o‖"
    let lift = decimal(minimumLift, digits: 2)
    return """
      lift = (anchor \(quantity)/\(layout.anchors))/(patch \(quantity)/\(layout.patches)), means over layers and heads, \
      geometric mean over pictures. Yes: the \(percent(confidence)) BCa interval over pictures lies above ×\(lift), so does \
      the interval with the anchors moved and the one that compares anchors and patches in the same positions, \
      the sign-flip test against ×\(lift) has p ≤ \(decimal(signFlipLevel, digits: 3)), and at most \
      \(percent(randomWeightsLevel)) of randomly weighted models reach the lift (\(randomRule)). No: the first or \
      the third interval lies below ×\(lift), or the second does and the third does not lie above. \
      Else, and under six pictures, undecided. Untrained parts: never yes.
      """
  }

  private func causesSentence(_ anchors: Int) -> String {
    let kl = decimal(minimumKL, digits: 3)
    let part = percent(minimumPercentile)
    return """
      KL of the next-token distribution when voco's edges to the anchors are cut, mean over pictures. Yes: its \
      \(percent(confidence)) BCa interval lies above \(kl) nats and on average it exceeds \(part) of the cuts of \
      \(anchors) random patches (whole interval) and the cut of the largest-norm, most-attended, nearest and \
      same-position patches; putting another picture's anchors in place changes the output by more than \(kl) nats too; \
      the sign-flip test against the matched cuts has p ≤ \(decimal(signFlipLevel, digits: 3)); at most \
      \(percent(randomWeightsLevel)) of randomly weighted models reach the effect (\(randomRule)). No: the interval of \
      the KL lies below \(kl) nats, that of the percentile below \(part), or that of the other picture's anchors below \
      \(kl) nats. Else, and under six pictures, undecided. Untrained parts: never yes.
      """
  }

  private var randomRule: String {
    "by rank from \(Int((1 / randomWeightsLevel).rounded(.up)) - 1) models, below by Student's t prediction from 5"
  }

  private func percent(_ part: Double) -> String { decimal(100 * part, digits: 1) + " %" }
}
