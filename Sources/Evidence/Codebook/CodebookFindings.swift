import Statistics

extension CodebookFinding {
  /// What a group's vectors tell.
  package static func of(_ geometry: GroupGeometry, group: Int) -> [CodebookFinding] {
    let (codes, dimension) = (geometry.codes, geometry.dimension)
    let name = "Group \(group + 1)"
    var findings: [CodebookFinding] = []
    if geometry.nonFinite > 0 {
      findings.append(
        .init(.broken, .nonFinite, group: group, "\(name): \(geometry.nonFinite) of \(codes) codes are not finite."))
    }
    if geometry.zero > 0 {
      let sentence = "\(name): \(geometry.zero) of \(codes) codes have length 0 and cannot be normalized."
      findings.append(.init(.broken, .zeroCodes, group: group, sentence))
    }
    let duplicates = Double(geometry.nearDuplicates) / Double(codes)
    if duplicates > 0.01 {
      let sentence =
        "\(name): \(geometry.nearDuplicates) of \(codes) codes lie within \(GroupGeometry.duplicateDistance) of another."
      findings.append(.init(duplicates > 0.25 ? .broken : .warning, .nearDuplicates, group: group, sentence))
    }
    if dimension > 1, geometry.effectiveRank < 0.5 * Double(dimension) {
      let rank = significant(geometry.effectiveRank)
      let sentence = "\(name): the codes fill \(rank) of \(dimension) dimensions (effective rank)."
      findings.append(.init(geometry.effectiveRank < 1.05 ? .broken : .warning, .lowRank, group: group, sentence))
    }
    return findings
  }

  /// What a group's usage over pictures tells, beside codes that are `unreachable` by their vectors alone.
  ///
  /// Codes are missing where the pictures show fewer than even use would, by more than 5 % of the codes. They are dead
  /// only if that holds for the effective samples too, and broken beyond 25 %: with codes·(1 − 1/codes)^n missed by even
  /// use, no usage is broken below n = codes·ln(4/3), which for 256 codes and 441 places a picture is 4 pictures, and
  /// half a codebook is not below codes·ln 4, 17 pictures.
  package static func of(_ usage: UsageStatistics, group: Int, unreachable: Int = 0) -> [CodebookFinding] {
    let name = "Group \(group + 1)"
    guard usage.samples > 0 else { return [] }
    var findings: [CodebookFinding] = []
    let missing = Int(usage.expectedUnseen.rounded())
    let isFew = usage.samples < 3 * usage.codes
    if usage.deadPart(beyond: usage.expectedUnseen, unreachable: unreachable) > 0.05 {
      let part = usage.deadPart(beyond: usage.expectedUnseenEffective, unreachable: unreachable)
      let over = "\(usage.samples) places of \(usage.pictures) picture\(usage.pictures == 1 ? "" : "s")"
      let chance = Int(usage.expectedUnseenEffective.rounded())
      let judged =
        part > 0.05
        ? "; even use would miss \(missing == chance ? "about" : "\(missing) to") \(chance)."
        : ", too few to call them dead: even use may miss about \(chance)."
      findings.append(
        .init(
          part > 0.25 ? .broken : .warning, .deadCodes, group: group,
          "\(name): \(usage.dead) of \(usage.codes) codes never occur in \(over)\(judged)"))
    }
    if isFew {
      let sentence =
        "\(name): \(usage.samples) samples are few for \(usage.codes) codes: even use would miss about \(missing), and "
        + "entropy reads about \(significant(usage.entropyBitsCorrected - usage.entropyBits)) bits low."
      findings.append(.init(.warning, .fewSamples, group: group, sentence))
    } else if Double(usage.rare) > 0.25 * Double(usage.codes) {
      let sentence = "\(name): \(usage.rare) of \(usage.codes) codes occur less than a tenth of an even share."
      findings.append(.init(.warning, .rareCodes, group: group, sentence))
    }
    return findings
  }

  /// Two groups with the same codes.
  package static func duplicate(_ first: Int, _ second: Int) -> CodebookFinding {
    CodebookFinding(
      .broken, .duplicateGroups, group: second, "Groups \(first + 1) and \(second + 1) hold the same codes.")
  }

  /// Two groups of which one nearly determines the other, most of it by more than chance; `nil` if they do not.
  package static func of(_ information: MutualInformation, _ first: Int, _ second: Int) -> CodebookFinding? {
    guard information.normalisedCorrected > dependent, information.isAboveUnrelated,
      information.unrelatedBits < 0.5 * information.bits
    else { return nil }
    return CodebookFinding(
      .warning, .dependentGroups, group: second,
      "Groups \(first + 1) and \(second + 1) tell the same: mutual information \(information.sentence)")
  }

  /// Above this part of the smaller entropy one group determines the other.
  static let dependent = 0.9

  /// Codes that a group's vectors alone show to be dead.
  package static func unreachable(_ geometry: GroupGeometry, group: Int) -> [CodebookFinding] {
    let part = Double(geometry.unreachable) / Double(max(1, geometry.codes))
    guard part > 0.05 else { return [] }
    let sentence =
      "Group \(group + 1): \(geometry.unreachable) of \(geometry.codes) codes can never be chosen: of length 0, not "
      + "finite, or equal to an earlier code."
    return [.init(part > 0.25 ? .broken : .warning, .deadCodes, group: group, sentence)]
  }

  /// What the anchors of one picture tell.
  package static func of(
    _ anchors: AnchorSimilarity, source: CodebookReport.AnchorSource = .pictures
  ) -> [CodebookFinding] {
    let of = source == .pictures ? "" : " of random codes"
    guard anchors.isFinite else { return [.init(.broken, .nonFinite, "An anchor\(of) is not finite.")] }
    if anchors.hasZero { return [.init(.broken, .collapsedAnchors, "An anchor\(of) has length 0.")] }
    guard let cosine = anchors.meanCosine, cosine > AnchorSimilarity.closeCosine else {
      return twins(anchors).map { first, second in
        let names = "A\(first + 1) and A\(second + 1)\(of)"
        return .init(.warning, .collapsedAnchors, "\(names) are nearly one vector.")
      }
    }
    let sentence = "The anchors\(of) are nearly one vector: mean pairwise cosine \(decimal(cosine, digits: 4))."
    return [.init(anchors.isCollapsed ? .broken : .warning, .collapsedAnchors, sentence)]
  }

  /// Pairs of anchors that point the same way.
  private static func twins(_ anchors: AnchorSimilarity) -> [(Int, Int)] {
    anchors.cosines.indices.flatMap { second in
      (0..<second).filter { anchors.cosines[second][$0] > AnchorSimilarity.collapsedCosine }.map { ($0, second) }
    }
  }

  /// What the anchors of several pictures tell, from `AnchorAccumulator.acrossPictures`. Random codes all look alike to
  /// a projector that averages, so that only equal anchors prove anything.
  package static func acrossPictures(
    _ cosines: [Double], source: CodebookReport.AnchorSource = .pictures
  ) -> [CodebookFinding] {
    let limit = source == .pictures ? AnchorSimilarity.closeCosine : 1 - 1e-7
    guard let cosine = mean(cosines), cosine > limit else { return [] }
    let sentence =
      source == .pictures
      ? "The anchors hardly depend on the picture: mean cosine across pictures \(decimal(cosine, digits: 4))."
      : "The anchors do not depend on the codes: random codes all give the same vectors."
    return [
      .init(source == .randomCodes || cosine > 0.999 ? .broken : .warning, .constantAnchors, sentence)
    ]
  }
}

/// One thing a codebook report says.
package struct CodebookFinding: Sendable, Hashable, Codable {
  package enum Severity: String, Sendable, Hashable, Codable, Comparable {
    case ok, warning, broken

    package static func < (a: Severity, b: Severity) -> Bool { a.order < b.order }
    private var order: Int { self == .ok ? 0 : self == .warning ? 1 : 2 }
  }

  /// Stable words for scripts.
  package enum What: String, Sendable, Hashable, Codable, CaseIterable {
    case healthy
    case nonFinite = "non_finite"
    case zeroCodes = "zero_codes"
    case nearDuplicates = "near_duplicates"
    case lowRank = "low_rank"
    case duplicateGroups = "duplicate_groups"
    case deadCodes = "dead_codes"
    case rareCodes = "rare_codes"
    case fewSamples = "few_samples"
    case dependentGroups = "dependent_groups"
    case collapsedAnchors = "collapsed_anchors"
    case constantAnchors = "constant_anchors"
    case collapsedProjector = "projector_collapsed"
    case unpopulatedBuffers = "unpopulated_buffers"
    case missingAnchors = "missing_anchors"
    case usageDrift = "usage_drift"
    case codeDrift = "code_drift"
    case quantizerKind = "quantizer_kind"
  }

  package var severity: Severity
  package var what: What
  /// From 0; `nil` for what concerns all groups.
  package var group: Int?
  package var sentence: String

  package init(_ severity: Severity, _ what: What, group: Int? = nil, _ sentence: String) {
    self.severity = severity
    self.what = what
    self.group = group
    self.sentence = sentence
  }
}
