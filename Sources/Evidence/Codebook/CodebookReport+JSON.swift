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
    case expectedUnseen = "expected_unseen"
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
    try values.encode(usage?.expectedUnseen, forKey: .expectedUnseen)
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
  let bitsCorrected: Double
  let normalised: Double
  let samples: Int

  enum CodingKeys: String, CodingKey {
    case first, second, bits, normalised, samples
    case bitsCorrected = "bits_corrected"
  }

  static func all(_ coOccurrence: CoOccurrence) -> [PairJSON] {
    (0..<coOccurrence.groups).flatMap { first in
      (first + 1..<max(first + 1, coOccurrence.groups)).map { second in
        let shared = coOccurrence.mutualInformation(first, second)
        return PairJSON(
          first: first, second: second, bits: shared.bits, bitsCorrected: shared.bitsCorrected,
          normalised: shared.normalised, samples: shared.samples)
      }
    }
  }
}
