/// A codebook, or its usage, beside another: of other pictures or of another checkpoint.
package struct CodebookComparison: Sendable, Hashable, Encodable {
  /// What it is compared with, as it was named.
  package var against: String
  /// Pictures counted on the other side.
  package var pictures: Int
  /// How far the usages of each group are apart; empty without pictures on both sides.
  package var usage: [UsageDrift]
  /// The other checkpoint's code vectors; `nil` for two folders.
  package var codes: CodebookDrift?
  /// Places of the same pictures with the same code, 0…1; `nil` for two folders, or without pictures.
  package var agreement: Double?

  package init(
    against: String, pictures: Int, usage: [UsageDrift], codes: CodebookDrift? = nil, agreement: Double? = nil
  ) {
    self.against = against
    self.pictures = pictures
    self.usage = usage
    self.codes = codes
    self.agreement = agreement
  }

  /// Groups whose usages differ by more than this many times what samples of one distribution would show have drifted.
  package static let chanceFactor = 3.0

  package var findings: [CodebookFinding] {
    var findings: [CodebookFinding] = []
    for (group, drift) in usage.enumerated() where drift.bits > Self.chanceFactor * drift.expectedBits {
      findings.append(
        CodebookFinding(
          drift.bits > 0.5 ? .warning : .ok, .usageDrift, group: group,
          "Group \(group + 1) is used differently than in \(against): \(drift.sentence)"))
    }
    if let codes {
      let moved = codes.groups.contains { $0.meanCosine < 0.99 || $0.renamed > 0 }
      findings.append(CodebookFinding(.ok, .codeDrift, moved ? codes.sentence : "The codes are those of \(against)."))
    }
    return findings
  }
}
