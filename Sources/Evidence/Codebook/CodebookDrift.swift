import Statistics
import Tensor

/// How far the codebooks of two checkpoints are apart, code by code.
package struct CodebookDrift: Sendable, Hashable, Encodable {
  /// One group.
  package struct Group: Sendable, Hashable, Encodable {
    /// Mean cosine of each code with the code of the same index in the other checkpoint.
    package var meanCosine: Double
    /// Codes whose nearest code in the other checkpoint has another index: they changed places.
    package var renamed: Int
    package var codes: Int

    private enum CodingKeys: String, CodingKey {
      case meanCosine = "mean_cosine"
      case renamed, codes
    }
  }

  package var groups: [Group]

  /// - Throws: `EvidenceError.unmergeable` if the codebooks have other shapes.
  package init(_ first: Codebook, _ second: Codebook) throws(EvidenceError) {
    guard first.groups == second.groups, first.codesPerGroup == second.codesPerGroup,
      first.dimension == second.dimension
    else {
      throw .unmergeable(
        field: "the codebook", found: "\(first.groups)×\(first.codesPerGroup) codes of \(first.dimension) values",
        expected: "\(second.groups)×\(second.codesPerGroup) of \(second.dimension)")
    }
    groups = (0..<first.groups).map { group in
      let (a, b) = (first.normalized[group], second.normalized[group])
      let width = a.shape[1]
      var sum = 0.0
      for index in a.values.indices { sum += Double(a.values[index]) * Double(b.values[index]) }
      let nearest = twoNearest(a, in: b, skippingOwn: false, byAngle: first.metric == .cosine)
      let renamed = nearest.enumerated().count { row, nearest in
        let own = a[row: row].values
        guard nearest.first != row, nearest.first >= 0 else { return false }
        return distance(own, b, row: nearest.first) + GroupGeometry.equalDistance < distance(own, b, row: row)
      }
      return Group(
        meanCosine: sum / Double(max(1, a.values.count / max(1, width))), renamed: renamed, codes: a.shape[0])
    }
  }

  package var sentence: String {
    let cosine = mean(groups.map(\.meanCosine)) ?? 0
    let renamed = groups.reduce(0) { $0 + $1.renamed }
    let codes = groups.reduce(0) { $0 + $1.codes }
    return "Codes of the same index have a mean cosine of \(decimal(cosine, digits: 4)); \(renamed) of \(codes) codes "
      + "are nearer to a code of another index."
  }
}

/// How often two checkpoints chose the same code for the same place of the same pictures.
package struct CodeAgreement: Sendable, Hashable, Encodable {
  /// `[G]`.
  package private(set) var equal: [Int]
  package private(set) var places = 0

  package init(groups: Int) { equal = [Int](repeating: 0, count: groups) }

  /// Adds a picture's codes under both, `[G, h, w]` flat.
  package mutating func add(_ first: [Int32], _ second: [Int32]) {
    precondition(first.count == second.count && first.count % equal.count == 0)
    let cells = first.count / equal.count
    for index in first.indices where first[index] == second[index] { equal[index / cells] += 1 }
    places += cells
  }

  /// The part of the places with the same code, over all groups.
  package var part: Double { places == 0 ? 0 : Double(equal.reduce(0, +)) / Double(places * equal.count) }
}

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
