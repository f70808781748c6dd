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

  /// The mutual information of two different groups' codes at one place, beside that of shuffled codes.
  package func mutualInformation(_ a: Int, _ b: Int) -> MutualInformation { MutualInformation(pair(a, b)) }

  /// `MutualInformation.normalised` of two different groups, without the shuffles.
  package func normalised(_ a: Int, _ b: Int) -> Double { pair(a, b).normalised }

  private func pair(_ a: Int, _ b: Int) -> PairCounts {
    PairCounts(joint: joint[index(min(a, b), max(a, b))], codes: codesPerGroup)
  }

  private func index(_ first: Int, _ second: Int) -> Int {
    precondition(first < second && second < groups)
    return first * groups - first * (first + 1) / 2 + second - first - 1
  }
}

/// What two groups' codes share as observed, and how often each code of either occurs.
private struct PairCounts {
  /// Counts of the codes that occur, in the order of the codes.
  let first: [Int]
  let second: [Int]
  let samples: Int
  let bits: Double
  /// The smaller of the two groups' entropies in bits: no more can be shared.
  let limit: Double

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
    limit = min(h1, h2)
    let ordered = { (counts: [Int: Int]) in counts.sorted { $0.key < $1.key }.map(\.value) }
    self.first = ordered(first)
    self.second = ordered(second)
  }

  var normalised: Double { limit > 0 ? min(1, bits / limit) : 0 }

  /// The mutual information in bits after each of `shuffles` random permutations of one group's codes over the places.
  func shuffled(_ shuffles: Int) -> Moments {
    var information = Moments()
    guard samples > 0 else { return information }
    let ends = [first, second].map { entropy($0.map(Double.init)) / M_LN2 }
    var codes = second.enumerated().flatMap { [Int](repeating: $0.offset, count: $0.element) }
    var counts = [Int](repeating: 0, count: second.count)
    var generator = SplitMix64(seed: 0, stream: "co-occurrence")
    for _ in 0..<shuffles {
      for place in 0..<samples - 1 { codes.swapAt(place, place + generator.below(samples - place)) }
      // The first group's codes stand in order: each holds a run of places.
      var (start, sum) = (0, 0.0)
      for run in first {
        for place in start..<start + run { counts[codes[place]] += 1 }
        for place in start..<start + run where counts[codes[place]] > 0 {
          let count = Double(counts[codes[place]])
          sum += count * log2(count)
          counts[codes[place]] = 0
        }
        start += run
      }
      let joint = log2(Double(samples)) - sum / Double(samples)
      information.add(max(0, ends[0] + ends[1] - joint))
    }
    return information
  }
}

/// How much one group's code tells about another's at the same place, beside what codes that know nothing of each other
/// seem to tell in so few places.
///
/// The baseline is a permutation: one group's codes are shuffled over the same places, so that each code stays as frequent
/// as it is. Where few places stand against many pairs of codes, the bias counted from the pairs (Miller 1955) falls far
/// short of it.
package struct MutualInformation: Sendable, Hashable, Codable {
  package static let shuffles = 20
  /// So many spreads of the shuffles count as more than chance: with 20 shuffles, Student's t of 19 degrees of freedom
  /// puts 1 of 2000 unrelated pairs of groups beyond.
  private static let smallestDistance = 4.0

  /// From the observed frequencies, in bits: too high for few samples.
  package var bits: Double
  /// Mean and standard deviation over the shuffles, in bits.
  package var unrelatedBits: Double
  package var unrelatedSpread: Double
  /// Of the smaller entropy, as observed: 1 if one group's code determines the other's, or if places are too few.
  package var normalised: Double
  /// The same with what unrelated codes would give taken off both: 0…1 (Vinh, Epps & Bailey 2010).
  package var normalisedCorrected: Double
  package var samples: Int

  fileprivate init(_ pair: PairCounts) {
    let shuffled = pair.shuffled(Self.shuffles)
    (bits, samples, normalised) = (pair.bits, pair.samples, pair.normalised)
    (unrelatedBits, unrelatedSpread) = (shuffled.mean, shuffled.standardDeviation)
    let room = pair.limit - shuffled.mean
    normalisedCorrected = room > 1e-9 ? min(1, max(0, pair.bits - shuffled.mean) / room) : 0
  }

  package var bitsCorrected: Double { max(0, bits - unrelatedBits) }

  /// Whether the codes tell more of each other than shuffled ones do.
  package var isAboveUnrelated: Bool { bits - unrelatedBits > Self.smallestDistance * unrelatedSpread + 1e-9 }

  package var sentence: String {
    "\(significant(bits)) bits over \(samples) places; unrelated codes would give \(significant(unrelatedBits)) ± "
      + "\(significant(unrelatedSpread)): "
      + (isAboveUnrelated ? "\(significant(bitsCorrected)) bits above chance." : "too few places to tell.")
  }
}
