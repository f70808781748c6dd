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
      if let usage = group.usage {
        findings += CodebookFinding.of(usage, group: index)
      } else {
        findings += CodebookFinding.unreachable(group.geometry, group: index)
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
        CodebookFinding.of(coOccurrence.mutualInformation(first, second), first, second)
      }
    }
  }
}
