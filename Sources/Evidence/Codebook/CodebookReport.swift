package import Tensor

/// The health of a codebook, its anchors and what is wrong: what `codebook` prints.
package struct CodebookReport: Sendable, Hashable, Encodable {
  /// One group; usage is `nil` without pictures.
  package struct Group: Sendable, Hashable {
    package var geometry: GroupGeometry
    package var usage: UsageStatistics?
  }

  package var groups: [Group]
  /// Pairwise cosines of the anchors of one picture, or the mean over pictures; `nil` without pictures.
  package var anchors: AnchorSimilarity?
  /// Broken first; one "ok" line if nothing is wrong.
  package var findings: [CodebookFinding]

  /// - Parameters:
  ///   - usage: over pictures, if there are any.
  ///   - coOccurrence: of the same pictures.
  ///   - anchors: `[A, D]` of each picture.
  ///   - buffers: the checkpoint's own usage buffers.
  package init(
    _ codebook: Codebook, usage: CodeUsage? = nil, coOccurrence: CoOccurrence? = nil, anchors: [Tensor] = [],
    codebookUsed: [Float]? = nil, embedProbabilities: [Float]? = nil
  ) {
    let groups = (0..<codebook.groups).map {
      Group(geometry: GroupGeometry(codebook, group: $0), usage: usage?.statistics(group: $0))
    }
    let similarities = anchors.map(AnchorSimilarity.init)
    var findings = duplicateGroups(codebook).map { CodebookFinding.duplicate($0.first, $0.second) }
    for (index, group) in groups.enumerated() {
      findings += CodebookFinding.of(group.geometry, group: index)
      if let usage = group.usage { findings += CodebookFinding.of(usage, group: index) }
    }
    if let coOccurrence { findings += Self.dependent(coOccurrence) }
    // One finding for all pictures: that of the worst.
    findings +=
      similarities.map(CodebookFinding.of).max {
        ($0.map(\.severity).max() ?? .ok) < ($1.map(\.severity).max() ?? .ok)
      } ?? []
    findings += AnchorSimilarity.acrossPictures(anchors).map(CodebookFinding.acrossPictures) ?? []
    findings += CodebookFinding.buffers(used: codebookUsed, probabilities: embedProbabilities).map { [$0] } ?? []
    if !findings.contains(where: { $0.severity > .ok }) {
      let over = usage.map { " over \($0.pictures) pictures" } ?? ""
      findings.insert(
        CodebookFinding(.ok, .deadCodes, "No dead, duplicate, collapsed or non-finite codes\(over)."), at: 0)
    }
    self.groups = groups
    self.anchors = Self.mean(similarities)
    self.findings = findings.enumerated()
      .sorted { ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset) }.map(\.element)
  }

  private static func dependent(_ coOccurrence: CoOccurrence) -> [CodebookFinding] {
    (0..<coOccurrence.groups).flatMap { first in
      (first + 1..<max(first + 1, coOccurrence.groups)).compactMap { second in
        CodebookFinding.of(coOccurrence.mutualInformation(first, second), first, second)
      }
    }
  }

  private static func mean(_ similarities: [AnchorSimilarity]) -> AnchorSimilarity? {
    guard var result = similarities.first else { return nil }
    let count = Double(similarities.count)
    for anchor in result.norms.indices {
      result.norms[anchor] = similarities.reduce(0) { $0 + $1.norms[anchor] } / count
      for other in result.norms.indices {
        result.cosines[anchor][other] = similarities.reduce(0) { $0 + $1.cosines[anchor][other] } / count
      }
    }
    return result
  }
}

extension CodebookReport.Group: Encodable {
  private enum CodingKeys: String, CodingKey {
    case codes, used, dead, rare, perplexity, samples
    case entropyBits = "entropy_bits"
    case entropyBitsCorrected = "entropy_bits_corrected"
    case nearDuplicates = "near_duplicates"
    case effectiveRank = "effective_rank"
    case nearestDistance = "nearest_distance_median"
    case norms
  }

  /// The keys of the published format, `null` where no pictures were counted.
  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(geometry.codes, forKey: .codes)
    try values.encode(usage?.used, forKey: .used)
    try values.encode(usage?.dead, forKey: .dead)
    try values.encode(usage?.rare, forKey: .rare)
    try values.encode(usage?.perplexity, forKey: .perplexity)
    try values.encode(usage?.entropyBits, forKey: .entropyBits)
    try values.encode(usage?.entropyBitsCorrected, forKey: .entropyBitsCorrected)
    try values.encode(usage?.samples ?? 0, forKey: .samples)
    try values.encode(geometry.nearDuplicates, forKey: .nearDuplicates)
    try values.encode(geometry.effectiveRank, forKey: .effectiveRank)
    try values.encode(geometry.nearestDistance(quantile: 0.5), forKey: .nearestDistance)
    try values.encode([geometry.normMinimum, geometry.normMean, geometry.normMaximum], forKey: .norms)
  }
}
