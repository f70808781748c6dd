import Statistics

/// The health of a codebook, its anchors and what is wrong: what `codebook` prints.
package struct CodebookReport: Sendable {
  /// One group; usage is `nil` without pictures.
  package struct Group: Sendable, Hashable {
    package var geometry: GroupGeometry
    package var usage: UsageStatistics?
    /// Mean over places of the distance from the nearest code to the next; `nil` without pictures.
    package var margin: Double?
  }

  /// Where the anchors that were looked at come from.
  package enum AnchorSource: String, Sendable, Hashable, Encodable {
    case pictures
    /// Codes drawn at random: without pictures, they still show whether the projector tells codes apart.
    case randomCodes = "random_codes"
  }

  package var groups: [Group]
  /// `nil` without an anchor projector.
  package var anchors: AnchorAccumulator?
  package var anchorSource: AnchorSource
  /// Broken first; one "ok" line if nothing is wrong.
  package var findings: [CodebookFinding]
  package var buffers: UsageBuffers
  package var pictures: PictureUsage?

  /// - Parameters:
  ///   - pictures: what pictures told, if there are any.
  ///   - probes: anchors of codes drawn at random, for a checkpoint without pictures.
  ///   - buffers: the checkpoint's own usage buffers.
  ///   - others: findings from elsewhere, such as a comparison's.
  package init(
    _ codebook: Codebook, pictures: PictureUsage? = nil, probes: AnchorAccumulator? = nil,
    buffers: UsageBuffers? = nil, others: [CodebookFinding] = []
  ) {
    let buffers =
      buffers
      ?? UsageBuffers(used: nil, probabilities: nil, groups: codebook.groups, codesPerGroup: codebook.codesPerGroup)
    groups = (0..<codebook.groups).map { group in
      Group(
        geometry: GroupGeometry(codebook, group: group), usage: pictures?.usage.statistics(group: group),
        margin: pictures.flatMap { $0.margins[group].count > 0 ? $0.margins[group].mean : nil })
    }
    anchors = pictures?.anchors ?? probes
    anchorSource = pictures?.anchors == nil ? .randomCodes : .pictures
    self.buffers = buffers
    self.pictures = pictures
    findings = []
    findings = sorted(gathered(codebook) + others)
  }

  private func gathered(_ codebook: Codebook) -> [CodebookFinding] {
    var findings = duplicateGroups(codebook).map { CodebookFinding.duplicate($0.first, $0.second) }
    for (index, group) in groups.enumerated() {
      findings += CodebookFinding.of(group.geometry, group: index)
      findings += CodebookFinding.unreachable(group.geometry, group: index)
      if let usage = group.usage {
        findings += CodebookFinding.of(usage, group: index, unreachable: group.geometry.unreachable)
      }
    }
    if let pictures { findings += Self.dependent(pictures.coOccurrence) }
    if let anchors {
      findings += (anchors.worst.map { CodebookFinding.of($0, source: anchorSource) } ?? [])
      findings += anchors.acrossPictures.map { CodebookFinding.acrossPictures($0, source: anchorSource) } ?? []
      findings += [anchors.health.finding(source: anchorSource)].compactMap { $0 }
    }
    return findings + buffers.findings
  }

  /// Broken first, else as they came; led by a clean bill if nothing is wrong.
  private func sorted(_ findings: [CodebookFinding]) -> [CodebookFinding] {
    var findings = findings
    if !findings.contains(where: { $0.severity > .ok }) {
      let over = pictures.map { " over \($0.pictures) picture\($0.pictures == 1 ? "" : "s")" } ?? ""
      findings.insert(
        CodebookFinding(.ok, .healthy, "No dead, duplicate, collapsed or non-finite codes\(over)."), at: 0)
    }
    return findings.enumerated()
      .sorted { ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset) }.map(\.element)
  }

  private static func dependent(_ coOccurrence: CoOccurrence) -> [CodebookFinding] {
    (0..<coOccurrence.groups).flatMap { first in
      (first + 1..<max(first + 1, coOccurrence.groups)).compactMap { second in
        // Corrected it is never more: most pairs need no shuffles.
        guard coOccurrence.normalised(first, second) > CodebookFinding.dependent else { return nil }
        return CodebookFinding.of(coOccurrence.mutualInformation(first, second), first, second)
      }
    }
  }
}

/// The object that `codebook --format json` prints; whatever was not measured or is not finite is `null`.
extension CodebookReport: Encodable {
  private enum CodingKeys: String, CodingKey {
    case groups, anchors, findings, buffers, pictures, positions
    case coOccurrence = "co_occurrence"
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(groups, forKey: .groups)
    try values.encode(anchors.map { AnchorJSON($0, source: anchorSource) }, forKey: .anchors)
    try values.encode(findings, forKey: .findings)
    try values.encode(buffers, forKey: .buffers)
    try values.encode(pictures?.pictures ?? 0, forKey: .pictures)
    try values.encode(pictures?.positions.map(PositionJSON.init), forKey: .positions)
    try values.encode(pictures.map { PairJSON.all($0.coOccurrence) }, forKey: .coOccurrence)
  }
}

extension CodebookReport.Group: Encodable {
  private enum CodingKeys: String, CodingKey {
    case codes, dimension, used, dead, rare, unreachable, perplexity, samples, norms, zero
    case perplexityCorrected = "perplexity_corrected"
    case entropyBits = "entropy_bits"
    case entropyBitsCorrected = "entropy_bits_corrected"
    case effectiveSamples = "effective_samples"
    case expectedUnseen = "expected_unseen"
    case expectedUnseenEffective = "expected_unseen_effective"
    case nearDuplicates = "near_duplicates"
    case effectiveRank = "effective_rank"
    case nearestDistance = "nearest_distance_median"
    case nearestDistanceMinimum = "nearest_distance_minimum"
    case margin = "margin_mean"
    case nonFinite = "non_finite"
  }

  /// The keys of the published format.
  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(geometry.codes, forKey: .codes)
    try values.encode(geometry.dimension, forKey: .dimension)
    try values.encode(usage?.used, forKey: .used)
    try values.encode(usage?.dead, forKey: .dead)
    try values.encode(usage?.rare, forKey: .rare)
    try values.encode(usage?.perplexity, forKey: .perplexity)
    try values.encode(usage?.perplexityCorrected, forKey: .perplexityCorrected)
    try values.encode(usage?.entropyBits, forKey: .entropyBits)
    try values.encode(usage?.entropyBitsCorrected, forKey: .entropyBitsCorrected)
    try values.encode(usage?.effectiveSamples, forKey: .effectiveSamples)
    try values.encode(usage?.expectedUnseen, forKey: .expectedUnseen)
    try values.encode(usage?.expectedUnseenEffective, forKey: .expectedUnseenEffective)
    try values.encode(usage?.samples ?? 0, forKey: .samples)
    try values.encode(geometry.nearDuplicates, forKey: .nearDuplicates)
    try values.encode(geometry.unreachable, forKey: .unreachable)
    try values.encode(geometry.effectiveRank, forKey: .effectiveRank)
    try values.encode(geometry.nearestDistance(quantile: 0.5), forKey: .nearestDistance)
    try values.encode(geometry.nearestDistance(quantile: 0), forKey: .nearestDistanceMinimum)
    try values.encode([geometry.normMinimum, geometry.normMean, geometry.normMaximum], forKey: .norms)
    try values.encode(geometry.zero, forKey: .zero)
    try values.encode(geometry.nonFinite, forKey: .nonFinite)
    try values.encode(margin.flatMap(finite), forKey: .margin)
  }
}

private func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }

/// Norms and pairwise cosines, means over pictures.
private struct AnchorJSON: Encodable {
  let source: CodebookReport.AnchorSource
  let norms: [Double?]
  let cosines: [[Double?]]
  let acrossPictures: [Double?]?
  let toPatchesMean: [Double?]?
  let toPatchesLargest: [Double?]?
  let health: AnchorHealth

  enum CodingKeys: String, CodingKey {
    case source, norms, cosines, health
    case acrossPictures = "across_pictures"
    case toPatchesMean = "to_patches_mean"
    case toPatchesLargest = "to_patches_largest"
  }

  init(_ anchors: AnchorAccumulator, source: CodebookReport.AnchorSource) {
    self.source = source
    norms = anchors.mean?.norms.map(finite) ?? []
    cosines = anchors.mean?.cosines.map { $0.map(finite) } ?? []
    acrossPictures = anchors.acrossPictures?.map(finite)
    toPatchesMean = anchors.toPatches?.map { finite($0.mean) }
    toPatchesLargest = anchors.toPatches?.map { finite($0.largest) }
    health = anchors.health
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(source, forKey: .source)
    try values.encode(norms, forKey: .norms)
    try values.encode(cosines, forKey: .cosines)
    try values.encode(acrossPictures, forKey: .acrossPictures)
    try values.encode(toPatchesMean, forKey: .toPatchesMean)
    try values.encode(toPatchesLargest, forKey: .toPatchesLargest)
    try values.encode(health, forKey: .health)
  }
}

/// Entropy and different codes at each place, row-major, a group.
private struct PositionJSON: Encodable {
  struct Group: Encodable {
    let entropyBits: [Double]
    let used: [Int]

    enum CodingKeys: String, CodingKey {
      case entropyBits = "entropy_bits"
      case used
    }
  }

  let height: Int
  let width: Int
  let samples: Int
  let groups: [Group]

  init(_ positions: PositionUsage) {
    height = positions.height
    width = positions.width
    samples = positions.pictures
    groups = (0..<positions.groups).map {
      Group(entropyBits: positions.entropyBits(group: $0), used: positions.used(group: $0))
    }
  }
}

/// What the codes of two groups share, groups from 0.
private struct PairJSON: Encodable {
  let first: Int
  let second: Int
  let bits: Double
  let bitsUnrelated: Double
  let bitsUnrelatedSpread: Double
  let bitsCorrected: Double
  let aboveUnrelated: Bool
  let normalised: Double
  let normalisedCorrected: Double
  let samples: Int

  enum CodingKeys: String, CodingKey {
    case first, second, bits, normalised, samples
    case bitsUnrelated = "bits_unrelated"
    case bitsUnrelatedSpread = "bits_unrelated_spread"
    case bitsCorrected = "bits_corrected"
    case aboveUnrelated = "above_unrelated"
    case normalisedCorrected = "normalised_corrected"
  }

  static func all(_ coOccurrence: CoOccurrence) -> [PairJSON] {
    (0..<coOccurrence.groups).flatMap { first in
      (first + 1..<max(first + 1, coOccurrence.groups)).map { second in
        let shared = coOccurrence.mutualInformation(first, second)
        return PairJSON(
          first: first, second: second, bits: shared.bits, bitsUnrelated: shared.unrelatedBits,
          bitsUnrelatedSpread: shared.unrelatedSpread, bitsCorrected: shared.bitsCorrected,
          aboveUnrelated: shared.isAboveUnrelated, normalised: shared.normalised,
          normalisedCorrected: shared.normalisedCorrected, samples: shared.samples)
      }
    }
  }
}
