import Foundation
package import Statistics
package import Tensor
package import Trace

/// What pictures tell of a codebook: usage, places, co-occurrence, margins and anchors, added up in memory that does not
/// grow with the pictures.
package struct PictureUsage: Sendable {
  package private(set) var usage: CodeUsage
  package private(set) var coOccurrence: CoOccurrence
  /// `nil` before the first picture, and for grids too large to count place by place.
  package private(set) var positions: PositionUsage?
  /// `[G]`, over every place of every picture.
  package private(set) var margins: [Moments]
  package private(set) var anchors: AnchorAccumulator?
  private let codebook: Codebook

  package init(_ codebook: Codebook) {
    self.codebook = codebook
    usage = CodeUsage(groups: codebook.groups, codesPerGroup: codebook.codesPerGroup)
    coOccurrence = CoOccurrence(groups: codebook.groups, codesPerGroup: codebook.codesPerGroup)
    margins = [Moments](repeating: Moments(), count: codebook.groups)
  }

  package var pictures: Int { usage.pictures }

  /// Adds a picture: its codes and, if they are at hand, the latent `[C, h, w]` that they were chosen for, its anchors
  /// `[A, D]` with what stands before their projector's activations, and its patch tokens `[P, D]`.
  ///
  /// - Throws: `EvidenceError.shape` if the codes do not fit the codebook.
  package mutating func add(
    _ codes: CodeGrid, latent: Tensor? = nil, anchors picture: Tensor? = nil,
    beforeActivations layers: [Tensor] = [], patches: Tensor? = nil
  ) throws(EvidenceError) {
    try usage.add(codes)
    try coOccurrence.add(codes)
    if usage.pictures == 1 {
      positions = PositionUsage(
        groups: codes.groups, height: codes.height, width: codes.width, codesPerGroup: codebook.codesPerGroup)
    }
    try positions?.add(codes)
    if let latent {
      for (group, places) in try codebook.margins(latent).enumerated() {
        for place in places { margins[group].add(place.margin) }
      }
    }
    guard let picture else { return }
    if anchors == nil { anchors = AnchorAccumulator(anchors: picture.shape[0], dimension: picture.shape[1]) }
    anchors?.add(picture, beforeActivations: layers, patches: patches)
  }
}

/// How many different codes each place of the grid shows over pictures, a group: a place with one code tells nothing.
package struct PositionUsage: Sendable {
  package let groups: Int
  package let height: Int
  package let width: Int
  private let codesPerGroup: Int
  /// `[G][h·w][K]`, flat.
  private var counts: [UInt32]
  package private(set) var pictures = 0

  /// The largest table kept: larger grids and codebooks have no statistics a place.
  private static let largestTable = 1 << 26

  /// `nil` for a grid and a codebook too large to count place by place.
  package init?(groups: Int, height: Int, width: Int, codesPerGroup: Int) {
    let places = groups * height * width
    guard places > 0, codesPerGroup <= Self.largestTable / places else { return nil }
    self.groups = groups
    self.height = height
    self.width = width
    self.codesPerGroup = codesPerGroup
    counts = [UInt32](repeating: 0, count: places * codesPerGroup)
  }

  /// Adds a picture's codes.
  ///
  /// - Throws: `EvidenceError.shape` if the grid is another or an index is beyond the codebook.
  package mutating func add(_ grid: CodeGrid) throws(EvidenceError) {
    guard grid.groups == groups, grid.height == height, grid.width == width,
      grid.indices.allSatisfy({ $0 >= 0 && $0 < codesPerGroup })
    else {
      throw .shape(
        tensor: "mgvq.codes", found: [grid.groups, grid.height, grid.width],
        expected: "[\(groups), \(height), \(width)]")
    }
    for (place, code) in grid.indices.enumerated() { counts[place * codesPerGroup + Int(code)] += 1 }
    pictures += 1
  }

  /// The entropy at each place in bits, `[h·w]`, over as many samples as pictures.
  package func entropyBits(group: Int) -> [Double] {
    (0..<height * width).map { place in
      entropy(counts[range(group, place)].filter { $0 > 0 }.map(Double.init)) / M_LN2
    }
  }

  /// Different codes at each place, `[h·w]`.
  package func used(group: Int) -> [Int] {
    (0..<height * width).map { place in counts[range(group, place)].count { $0 > 0 } }
  }

  private func range(_ group: Int, _ place: Int) -> Range<Int> {
    let start = (group * height * width + place) * codesPerGroup
    return start..<start + codesPerGroup
  }
}

/// How often each pair of codes of two groups occurs at the same place.
///
/// Memory is bounded: once a pair of groups has shown `largestTable` pairs of codes, further pictures are left out of
/// its table, and its number of samples says so.
package struct CoOccurrence: Sendable, Hashable {
  /// Pairs of codes that are told apart for one pair of groups; 256 codes per group never reach it.
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
    try grid.check(groups: groups, codesPerGroup: codesPerGroup)
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
