import Statistics
package import Trace

/// What cutting voco's edges to the anchors changes in one picture, beside its controls: the scalars of the tier
/// causes. Every KL is of the next-token distribution at the last prompt token, unchanged ‖ changed, in nats.
package struct CausalMeasurement: Sendable, Hashable, Codable {
  /// With the edges voco → anchors cut.
  package var kl: Double
  /// The mean KL of the matched draws, each cutting as many random patches, and how many draws there were.
  package var matchedKL: Double
  package var matchedDraws: Int
  /// The part of the matched draws with a smaller KL, ties half: 0…1.
  package var percentile: Double
  /// KL of cutting as many other patches, by how they were chosen.
  package var comparators: [CutComparator: Double]
  /// KL of cutting all patches.
  package var allPatchesKL: Double?
  /// KL with the anchors of another picture in place: the content control.
  package var contentKL: Double?
  /// The mean KL with as many random patches replaced by the other picture's.
  package var contentMatchedKL: Double?
  /// KL with the anchors that this picture's own codes make when their places are shuffled within each group.
  package var shuffledKL: Double?
  /// KL with the anchors' values replaced, by what.
  package var ablations: [Ablation: Double]
  /// By how much the lead of the answer's first token over the next best shrinks.
  package var logitDifference: Double?
  /// The cosine of the last voco state before and after.
  package var cosine: Double?
  /// Whether the generated answer differs.
  package var answerChanged: Bool?
  /// The same with as many random patches cut: means over the matched draws, the answer of the first draw.
  package var matchedLogitDifference: Double?
  package var matchedCosine: Double?
  package var matchedAnswerChanged: Bool?
  /// Whether the generated answer differs with all patches cut.
  package var allPatchesAnswerChanged: Bool?

  /// - Parameter matched: the KL of each matched draw, at least one.
  package init(
    kl: Double, matched: [Double], comparators: [CutComparator: Double] = [:], allPatchesKL: Double? = nil,
    contentKL: Double? = nil, contentMatchedKL: Double? = nil, ablations: [Ablation: Double] = [:],
    logitDifference: Double? = nil, cosine: Double? = nil, answerChanged: Bool? = nil
  ) {
    precondition(!matched.isEmpty)
    self.kl = kl
    matchedKL = matched.reduce(0, +) / Double(matched.count)
    matchedDraws = matched.count
    percentile = Statistics.percentile(of: kl, among: matched) ?? 0
    self.comparators = comparators
    self.allPatchesKL = allPatchesKL
    self.contentKL = contentKL
    self.contentMatchedKL = contentMatchedKL
    self.ablations = ablations
    self.logitDifference = logitDifference
    self.cosine = cosine
    self.answerChanged = answerChanged
  }
}

/// Which patches, as many as there are anchors, are cut for comparison.
package enum CutComparator: String, Sendable, Hashable, Codable, CodingKeyRepresentable, CaseIterable {
  case largestNorm = "largest-norm patches"
  case mostAttended = "most-attended patches"
  case nearest = "nearest patches"
  /// The patches that stand where the anchors stood, once the anchors are moved.
  case samePosition = "patches in the anchors' positions"
}
