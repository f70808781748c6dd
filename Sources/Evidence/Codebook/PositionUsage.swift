import Foundation
package import Trace

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
