import Foundation
import Statistics
package import Trace

/// How often each pair of codes of two groups occurs at the same place.
///
/// Memory is bounded: once a pair of groups has shown `largestTable` pairs of codes, further pictures are left out of
/// its table, and its number of samples says so.
package struct CoOccurrence: Sendable, Hashable {
  /// Pairs of codes that are told apart for one pair of groups; 256 codes a group never reach it.
  package static let largestTable = 1 << 16

  package let groups: Int
  package let codesPerGroup: Int
  /// Per pair of groups, in the order (0,1), (0,2) … (G−2, G−1): counts by first·K + second.
  private var joint: [[Int: Int]]

  package init(groups: Int, codesPerGroup: Int) {
    self.groups = groups
    self.codesPerGroup = codesPerGroup
    joint = [[Int: Int]](repeating: [:], count: groups * (groups - 1) / 2)
  }

  /// Adds a picture's codes.
  ///
  /// - Throws: `EvidenceError.shape` if the grid has other groups or an index beyond the codebook.
  package mutating func add(_ grid: CodeGrid) throws(EvidenceError) {
    guard grid.groups == groups, grid.indices.allSatisfy({ $0 >= 0 && $0 < codesPerGroup }) else {
      throw .shape(
        tensor: "mgvq.codes", found: [grid.groups, grid.height, grid.width],
        expected: "\(groups) groups of codes below \(codesPerGroup)")
    }
    let cells = grid.height * grid.width
    for first in 0..<groups {
      for second in first + 1..<max(first + 1, groups) {
        let pair = index(first, second)
        if joint[pair].count >= Self.largestTable, codesPerGroup * codesPerGroup > Self.largestTable { continue }
        for cell in 0..<cells {
          let key = Int(grid.indices[first * cells + cell]) * codesPerGroup + Int(grid.indices[second * cells + cell])
          joint[pair][key, default: 0] += 1
        }
      }
    }
  }

  /// The mutual information of two different groups' codes at one place.
  package func mutualInformation(_ a: Int, _ b: Int) -> MutualInformation {
    MutualInformation(joint: joint[index(min(a, b), max(a, b))], codes: codesPerGroup)
  }

  private func index(_ first: Int, _ second: Int) -> Int {
    precondition(first < second && second < groups)
    return first * groups - first * (first + 1) / 2 + second - first - 1
  }
}

/// How much one group's code tells about another's.
package struct MutualInformation: Sendable, Hashable, Codable {
  /// From the observed frequencies, in bits: too high for few samples.
  package var bits: Double
  /// By how much, about: (pairs − used₁ − used₂ + 1)/(2·samples·ln 2) (Miller 1955; Panzeri & Treves 1996).
  package var biasBits: Double
  /// Of the part of the smaller entropy that is shared: 1 if one group's code determines the other's.
  package var normalised: Double
  package var samples: Int

  init(joint: [Int: Int], codes: Int) {
    var (first, second) = ([Int: Int](), [Int: Int]())
    for (key, count) in joint {
      first[key / codes, default: 0] += count
      second[key % codes, default: 0] += count
    }
    // Sorted, so that the sum does not depend on the dictionary's order.
    let bitsOf = { (counts: [Int: Int]) in entropy(counts.values.sorted().map(Double.init)) / M_LN2 }
    let (h1, h2, h12) = (bitsOf(first), bitsOf(second), bitsOf(joint))
    samples = joint.values.reduce(0, +)
    bits = max(0, h1 + h2 - h12)
    let excess = Double(joint.count - first.count - second.count + 1)
    biasBits = samples > 0 ? max(0, excess) / (2 * Double(samples) * M_LN2) : 0
    normalised = min(h1, h2) > 0 ? min(1, bits / min(h1, h2)) : 0
  }

  package var bitsCorrected: Double { max(0, bits - biasBits) }

  package var sentence: String {
    "\(significant(bits)) bits over \(samples) places, of which about \(significant(min(bits, biasBits))) is the bias "
      + "of so few samples."
  }
}
