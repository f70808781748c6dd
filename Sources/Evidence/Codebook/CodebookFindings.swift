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
      let sentence = "\(name): \(geometry.zero) of \(codes) codes have length 0 and cannot be normalised."
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

  /// What a group's usage over pictures tells.
  package static func of(_ usage: UsageStatistics, group: Int) -> [CodebookFinding] {
    let name = "Group \(group + 1)"
    guard usage.samples > 0 else { return [] }
    var findings: [CodebookFinding] = []
    let missing = Int(usage.expectedUnseen.rounded())
    if usage.deadPart > 0.05 {
      let sentence =
        "\(name): \(usage.dead) of \(usage.codes) codes never occur in \(usage.samples) samples; even use would miss "
        + "about \(missing)."
      findings.append(.init(usage.deadPart > 0.25 ? .broken : .warning, .deadCodes, group: group, sentence))
    }
    if usage.samples < 3 * usage.codes {
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

  /// Two groups of which one nearly determines the other; `nil` if they do not.
  package static func of(_ information: MutualInformation, _ first: Int, _ second: Int) -> CodebookFinding? {
    guard information.normalised > 0.9, information.biasBits < 0.1 * information.bits else { return nil }
    return CodebookFinding(
      .warning, .dependentGroups, group: second,
      "Groups \(first + 1) and \(second + 1) tell the same: mutual information \(information.sentence)")
  }

  /// What the anchors of one picture tell.
  package static func of(_ anchors: AnchorSimilarity) -> [CodebookFinding] {
    guard anchors.isFinite else { return [.init(.broken, .nonFinite, "An anchor is not finite.")] }
    if anchors.hasZero { return [.init(.broken, .collapsedAnchors, "An anchor has length 0.")] }
    guard let cosine = anchors.meanCosine, cosine > AnchorSimilarity.closeCosine else { return [] }
    let sentence = "The anchors are nearly one vector: mean pairwise cosine \(decimal(cosine, digits: 4))."
    return [.init(anchors.isCollapsed ? .broken : .warning, .collapsedAnchors, sentence)]
  }

  /// What the anchors of several pictures tell, from `AnchorSimilarity.acrossPictures`.
  package static func acrossPictures(_ cosines: [Double]) -> [CodebookFinding] {
    guard let cosine = mean(cosines), cosine > AnchorSimilarity.closeCosine else { return [] }
    let sentence =
      "The anchors hardly depend on the picture: mean cosine across pictures \(decimal(cosine, digits: 4))."
    return [.init(cosine > 0.999 ? .broken : .warning, .constantAnchors, sentence)]
  }

  /// What the checkpoint's own usage buffers tell. `codebook_used` starts as zeros, so that index 0 looks used.
  ///
  /// - Parameters:
  ///   - used: `codebook_used`, indices of codes used lately; `nil` if absent.
  ///   - probabilities: `embed_prob`; `nil` if absent.
  package static func buffers(used: [Float]?, probabilities: [Float]?) -> CodebookFinding? {
    let unset = { (values: [Float]?) in values.map { $0.allSatisfy { $0 == 0 } } ?? false }
    guard unset(used) || unset(probabilities) else { return nil }
    let names = [unset(used) ? "codebook_used" : nil, unset(probabilities) ? "embed_prob" : nil].compactMap { $0 }
    return CodebookFinding(
      .ok, .unpopulatedBuffers,
      "\(names.joined(separator: " and ")) was never filled: all zeros, so index 0 looks used. Usage is counted from "
        + "codes instead.")
  }
}
