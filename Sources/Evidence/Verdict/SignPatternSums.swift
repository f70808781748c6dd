import Foundation
import Statistics

/// The sign-flip test of many cells over a stream of pictures, in memory that does not grow with their number: every
/// random sign pattern keeps one running sum a cell. A picture's signs come from its key, so shards add up to the same
/// numbers in any order.
struct SignPatternSums: Sendable, Hashable, Codable {
  let seed: UInt64
  let cells: Int
  /// `[draws, cells]`, the differences summed under each pattern of random signs.
  private var sums: PackedDoubles

  /// The number of sign patterns.
  var draws: Int { sums.values.count / cells }

  /// - Parameter draws: at most; fewer for many cells so that the sums stay under 16 MiB.
  init(cells: Int, seed: UInt64, draws: Int) {
    precondition(cells > 0 && draws > 0)
    self.seed = seed
    self.cells = cells
    sums = PackedDoubles(values: [Double](repeating: 0, count: max(1, min(draws, (2 << 20) / cells)) * cells))
  }

  /// Whether the sums read from a file are those of so many cells.
  func fits(cells: Int, seed: UInt64) -> Bool {
    self.cells == cells && self.seed == seed && !sums.values.isEmpty && sums.values.count % cells == 0
  }

  /// Adds a picture's differences `[cells]`.
  mutating func add(_ differences: [Double], key: String) {
    precondition(differences.count == cells)
    var generator = SplitMix64(seed: seed, stream: key)
    let draws = self.draws
    differences.withUnsafeBufferPointer { differences in
      sums.values.withUnsafeMutableBufferPointer { sums in
        var bits: UInt64 = 0
        for draw in 0..<draws {
          if draw % 64 == 0 { bits = generator.next() }
          let sign = bits & 1 == 1 ? -1.0 : 1.0
          bits >>= 1
          let offset = draw * differences.count
          for cell in 0..<differences.count { sums[offset + cell] += sign * differences[cell] }
        }
      }
    }
  }

  mutating func merge(_ other: SignPatternSums) {
    precondition(other.cells == cells && other.seed == seed && other.draws == draws)
    for index in sums.values.indices { sums.values[index] += other.sums.values[index] }
  }

  /// `[cells]`, two-sided, the observed signs counted as one pattern.
  func pValues(_ differences: [Moments]) -> [Double] {
    (0..<cells).map { cell in
      let moments = differences[cell]
      guard moments.count > 0 else { return 1 }
      var tally = SignFlipTest.Tally(observed: moments.mean * Double(moments.count))
      for draw in 0..<draws { tally.add(sums.values[draw * cells + cell]) }
      return tally.pValue(.twoSided, including: 1)
    }
  }

  /// `[cells]`: which differences are above or below 0, by Benjamini–Hochberg at `rate` over all cells.
  func findings(_ differences: [Moments], rate: Double) -> [CellFinding] {
    let pValues = self.pValues(differences)
    let adjusted = BenjaminiHochberg.adjusted(pValues)
    return (0..<cells).map { cell in
      let mean = differences[cell].mean
      let direction: CellFinding.Direction = adjusted[cell] > rate ? .none : mean > 0 ? .above : .below
      return CellFinding(excess: mean, pValue: pValues[cell], adjusted: adjusted[cell], direction: direction)
    }
  }
}

/// Many numbers as one base64 string of little-endian doubles, so that a shard's file stays small and exact.
private struct PackedDoubles: Sendable, Hashable, Codable {
  var values: [Double]

  init(values: [Double]) { self.values = values }

  init(from decoder: any Decoder) throws {
    let data = try decoder.singleValueContainer().decode(Data.self)
    guard data.count % 8 == 0 else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "\(data.count) bytes are no whole doubles"))
    }
    values = data.withUnsafeBytes { bytes in
      (0..<data.count / 8).map { index in
        Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)))
      }
    }
  }

  func encode(to encoder: any Encoder) throws {
    var data = Data(capacity: values.count * 8)
    for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) } }
    var container = encoder.singleValueContainer()
    try container.encode(data)
  }
}
