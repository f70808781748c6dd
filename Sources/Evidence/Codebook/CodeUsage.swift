import Foundation
import Statistics
package import Trace

/// How often each code of each group occurs over pictures; adds up and merges in constant memory.
package struct CodeUsage: Sendable, Hashable, Codable {
  package let groups: Int
  package let codesPerGroup: Int
  /// `[G][K]`.
  package private(set) var counts: [[Int]]
  package private(set) var pictures = 0

  package init(groups: Int, codesPerGroup: Int) {
    self.groups = groups
    self.codesPerGroup = codesPerGroup
    counts = [[Int]](repeating: [Int](repeating: 0, count: codesPerGroup), count: groups)
  }

  /// Adds a picture's codes.
  ///
  /// - Throws: `EvidenceError.shape` if the grid has other groups or an index beyond the codebook.
  package mutating func add(_ grid: CodeGrid) throws(EvidenceError) {
    try grid.check(groups: groups, codesPerGroup: codesPerGroup)
    let cells = grid.height * grid.width
    for group in 0..<groups {
      for cell in 0..<cells { counts[group][Int(grid.indices[group * cells + cell])] += 1 }
    }
    pictures += 1
  }

  /// Adds another shard's counts.
  ///
  /// - Throws: `EvidenceError.unmergeable` if it counts another codebook.
  package mutating func merge(_ other: CodeUsage) throws(EvidenceError) {
    guard other.groups == groups, other.codesPerGroup == codesPerGroup else {
      throw .unmergeable(
        field: "codebook", found: "\(other.groups)×\(other.codesPerGroup)", expected: "\(groups)×\(codesPerGroup)")
    }
    for group in 0..<groups {
      for code in 0..<codesPerGroup { counts[group][code] += other.counts[group][code] }
    }
    pictures += other.pictures
  }

  /// The statistics of one group.
  package func statistics(group: Int) -> UsageStatistics {
    UsageStatistics(counts: counts[group], pictures: pictures)
  }
}

/// What a histogram of codes tells, with what its sample size does to the numbers.
package struct UsageStatistics: Sendable, Hashable, Codable {
  /// A code counts as rare below this part of an even share of the samples.
  package static let rarePart = 0.1

  package var codes: Int
  /// Places of all pictures.
  package var samples: Int
  package var pictures: Int
  package var used: Int
  /// Codes that occur, but less than `rarePart` of samples/codes.
  package var rare: Int
  /// −Σ p log₂ p of the observed frequencies: too low for few samples.
  package var entropyBits: Double
  /// Plus (used − 1)/(2·samples·ln 2) (Miller 1955), at most log₂ codes.
  package var entropyBitsCorrected: Double

  package init(counts: [Int], pictures: Int = 1) {
    codes = counts.count
    self.pictures = pictures
    let total = counts.reduce(0, +)
    samples = total
    let usedCodes = counts.count { $0 > 0 }
    used = usedCodes
    let even = Double(total) / Double(max(1, counts.count))
    rare = counts.count { $0 > 0 && Double($0) < Self.rarePart * even }
    entropyBits = entropy(counts.map(Double.init)) / M_LN2
    let bias = total > 0 ? Double(usedCodes - 1) / (2 * Double(total) * M_LN2) : 0
    entropyBitsCorrected = min(entropyBits + bias, log2(Double(max(1, counts.count))))
  }

  /// Codes that never occur.
  package var dead: Int { codes - used }
  /// 2^entropy: as many evenly used codes would have this entropy.
  package var perplexity: Double { exp2(entropyBits) }
  package var perplexityCorrected: Double { exp2(entropyBitsCorrected) }
  /// How many codes so few samples would miss even if all were used alike and every place were a sample of its own:
  /// codes·(1 − 1/codes)^samples.
  package var expectedUnseen: Double { unseen(Double(samples)) }
  /// How many independent samples the places are worth, √(pictures·places): no fewer than the pictures, as if each showed
  /// one thing, and no more than the places, as if neighbours were unrelated; the geometric mean of both.
  package var effectiveSamples: Double { (Double(pictures) * Double(samples)).squareRoot() }
  /// codes·(1 − 1/codes)^effectiveSamples.
  package var expectedUnseenEffective: Double { unseen(effectiveSamples) }

  /// The part of the codes that is missing beyond `expected` ones; codes that cannot be chosen are another matter.
  package func deadPart(beyond expected: Double, unreachable: Int = 0) -> Double {
    max(0, Double(dead - unreachable) - expected) / Double(max(1, codes))
  }

  private func unseen(_ samples: Double) -> Double { Double(codes) * pow(1 - 1 / Double(max(1, codes)), samples) }
}

/// How far two usages of one codebook are apart.
package struct UsageDrift: Sendable, Hashable, Codable {
  /// Jensen–Shannon divergence of the observed frequencies in bits, 0…1.
  package var bits: Double
  /// What two samples of these sizes from one distribution would show on average:
  /// (m − 1)·(1/n₁ + 1/n₂)/(8 ln 2) for m codes in use.
  package var expectedBits: Double

  /// `nil` if either has no samples, or they count different codebooks.
  package init?(_ first: [Int], _ second: [Int]) {
    let (n, m) = (first.reduce(0, +), second.reduce(0, +))
    guard first.count == second.count, n > 0, m > 0 else { return nil }
    bits = Divergence.jensenShannon(first.map { Double($0) / Double(n) }, second.map { Double($0) / Double(m) })
    let used = zip(first, second).count { $0 + $1 > 0 }
    expectedBits = Double(used - 1) * (1 / Double(n) + 1 / Double(m)) / (8 * M_LN2)
  }

  package var sentence: String {
    "Jensen–Shannon \(significant(bits)) bits; two samples of these sizes from one distribution would show "
      + "\(significant(expectedBits))."
  }
}

/// What a checkpoint's own buffers say of usage: a record of training, not of the pictures at hand.
package struct UsageBuffers: Sendable, Hashable, Encodable {
  /// `codebook_used`: a window over the indices chosen last, zeros where it was never written.
  package struct Window: Sendable, Hashable, Encodable {
    package var places: Int
    /// Different values among them, index 0 counted whether it was chosen or never written.
    package var distinct: Int
    package var zeros: Int
  }

  /// `embed_prob` of one group: a running frequency of each code.
  package struct Frequencies: Sendable, Hashable, Encodable {
    package var codes: Int
    /// Codes with less than `UsageBuffers.hardly` of an even share.
    package var hardlyChosen: Int

    private enum CodingKeys: String, CodingKey {
      case codes
      case hardlyChosen = "hardly_chosen"
    }
  }

  /// Below this part of an even share, training hardly chose a code.
  package static let hardly = 0.001

  /// `nil` if the checkpoint has no such buffer.
  package var codebookUsed: Window?
  /// One per group; `nil` if the checkpoint has no such buffer, or one that does not fit.
  package var embedProbabilities: [Frequencies]?

  private enum CodingKeys: String, CodingKey {
    case codebookUsed = "codebook_used"
    case embedProbabilities = "embed_prob"
  }

  /// - Parameters:
  ///   - used: `codebook_used`, of any length.
  ///   - probabilities: `embed_prob` `[G, K]`, flat.
  package init(used: [Float]?, probabilities: [Float]?, groups: Int, codesPerGroup: Int) {
    codebookUsed = used.map {
      Window(places: $0.count, distinct: Set($0).count, zeros: $0.count { $0 == 0 })
    }
    guard let probabilities, probabilities.count == groups * codesPerGroup else { return }
    embedProbabilities = (0..<groups).map { group in
      let own = probabilities[group * codesPerGroup..<(group + 1) * codesPerGroup].map(Double.init)
      let even = own.reduce(0, +) / Double(codesPerGroup)
      return Frequencies(codes: codesPerGroup, hardlyChosen: own.count { !($0 >= Self.hardly * even) || $0 <= 0 })
    }
  }

  private var isWindowEmpty: Bool { codebookUsed.map { $0.zeros == $0.places } ?? false }
  private var areFrequenciesEmpty: Bool {
    embedProbabilities.map { $0.allSatisfy { $0.hardlyChosen == $0.codes } } ?? false
  }

  /// What to know before believing the buffers.
  package var sentence: String {
    let trap = "codebook_used starts as zeros, so index 0 looks used"
    switch (codebookUsed, embedProbabilities) {
    case (nil, nil):
      return "codebook_used and embed_prob are not in the checkpoint. (Where they are: \(trap).) Usage is counted from "
        + "codes."
    case (let window?, _) where !isWindowEmpty:
      return "codebook_used holds \(window.distinct) different indices in \(window.places) places, \(window.zeros) of "
        + "them 0: \(trap) wherever the window was not written. Usage is counted from codes."
    default:
      return "Of the buffers codebook_used and embed_prob, \(trap). Usage is counted from codes."
    }
  }

  /// What the buffers tell about the checkpoint.
  package var findings: [CodebookFinding] {
    let names = [isWindowEmpty ? "codebook_used" : nil, areFrequenciesEmpty ? "embed_prob" : nil].compactMap { $0 }
    var findings: [CodebookFinding] = []
    if !names.isEmpty {
      let sentence =
        "\(names.joined(separator: " and ")) was never filled: all zeros, so index 0 looks used. Usage is counted from "
        + "codes instead."
      findings.append(CodebookFinding(.ok, .unpopulatedBuffers, sentence))
    }
    guard !areFrequenciesEmpty else { return findings }
    for (group, frequencies) in (embedProbabilities ?? []).enumerated() {
      let part = Double(frequencies.hardlyChosen) / Double(max(1, frequencies.codes))
      guard part > 0.05 else { continue }
      let sentence =
        "Group \(group + 1): by embed_prob, training hardly chose \(frequencies.hardlyChosen) of \(frequencies.codes) "
        + "codes (under a thousandth of an even share); over how many samples, the buffer does not say."
      findings.append(.init(.warning, .deadCodes, group: group, sentence))
    }
    return findings
  }
}

extension CodeGrid {
  /// Throws `EvidenceError.shape` if the grid has other groups or an index beyond the codebook.
  func check(groups: Int, codesPerGroup: Int) throws(EvidenceError) {
    guard self.groups == groups, indices.allSatisfy({ $0 >= 0 && $0 < codesPerGroup }) else {
      throw .shape(
        tensor: "mgvq.codes", found: [self.groups, height, width],
        expected: "\(groups) groups of codes below \(codesPerGroup)")
    }
  }
}
