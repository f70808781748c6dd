import Foundation
package import Tensor

/// What one tensor's values look like: computed on demand in two passes that hold a block of it at a time.
package struct WeightStatistics: Sendable, Hashable, Codable {
  package let count: Int
  /// NaN and infinities; everything below is of the other values.
  package let nonFinite: Int
  package let zeros: Int
  package let mean: Double
  /// The population's standard deviation.
  package let deviation: Double
  /// The values at `fractions` of the sorted elements, exact: the largest value whose rank does not exceed the fraction.
  package let quantiles: [Float]
  /// Elements by value, in bins of equal width from the least value to the greatest.
  package let histogram: [Int]

  /// The least value, percents and quartiles, and the greatest value.
  package static let fractions = [0, 0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 1]
  /// Bins of the histogram.
  package static let bins = 64

  package var least: Float? { quantiles.first }
  package var greatest: Float? { quantiles.last }

  /// Of F32, F16 or BF16 values; nil for a tensor of another type. `check` is called once a block; what it throws ends
  /// the work.
  package init?(_ tensor: StoredTensor, check: () throws -> Void = {}) rethrows {
    guard tensor.dtype.isWeight else { return nil }
    var coarse = [Int](repeating: 0, count: 1 << 16)
    var moments = (count: 0, zeros: 0, sum: 0.0, squares: 0.0)
    var (low, high) = (Float.infinity, -Float.infinity)
    try tensor.eachBlock { block in
      try check()
      for value in block where value.isFinite {
        coarse[Int(Self.key(value) >> 16)] += 1
        moments.count += 1
        (low, high) = (min(low, value), max(high, value))
        if value == 0 { moments.zeros += 1 }
        moments.sum += Double(value)
        moments.squares += Double(value) * Double(value)
      }
    }
    count = tensor.count
    nonFinite = tensor.count - moments.count
    zeros = moments.zeros
    let finite = moments.count
    let mean = finite == 0 ? 0 : moments.sum / Double(finite)
    self.mean = mean
    deviation = finite == 0 ? 0 : max(0, moments.squares / Double(finite) - mean * mean).squareRoot()
    guard finite > 0 else {
      (quantiles, histogram) = ([], [])
      return
    }
    let wanted = Self.fractions.map { min(finite - 1, Int($0 * Double(finite - 1))) }
    let places = Self.places(of: wanted, in: coarse)
    var fine: [Int: [Int]] = [:]
    for place in places { fine[place.bucket] = [Int](repeating: 0, count: 1 << 16) }
    var bins = [Int](repeating: 0, count: Self.bins)
    let scale = high > low ? Double(Self.bins) / (Double(high) - Double(low)) : 0
    try tensor.eachBlock { block in
      try check()
      for value in block where value.isFinite {
        let key = Self.key(value)
        fine[Int(key >> 16)]?[Int(key & 0xFFFF)] += 1
        bins[min(Self.bins - 1, max(0, Int((Double(value) - Double(low)) * scale)))] += 1
      }
    }
    quantiles = places.map { place in
      let index = Self.places(of: [place.rest], in: fine[place.bucket] ?? [])[0].bucket
      return Self.value(UInt32(place.bucket << 16 | index))
    }
    histogram = bins
  }

  /// The bucket that holds each rank, and the rank within it; ranks ascend.
  private static func places(of ranks: [Int], in counts: [Int]) -> [(bucket: Int, rest: Int)] {
    var (bucket, before) = (0, 0)
    return ranks.map { rank in
      while bucket < counts.count - 1, before + counts[bucket] <= rank {
        before += counts[bucket]
        bucket += 1
      }
      return (bucket, rank - before)
    }
  }

  /// Bits that sort as the values do.
  private static func key(_ value: Float) -> UInt32 {
    let bits = (value == 0 ? 0 : value).bitPattern
    return bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
  }

  private static func value(_ key: UInt32) -> Float {
    Float(bitPattern: key & 0x8000_0000 == 0 ? ~key : key & 0x7FFF_FFFF)
  }
}

extension StoredTensor {
  /// Elements at a time: 4 MiB of floats.
  private static let block = 1 << 20

  /// Calls `body` with the elements as floats, block by block.
  package func eachBlock(_ body: ([Float]) throws -> Void) rethrows {
    for start in stride(from: 0, to: count, by: Self.block) {
      try body(floats(start..<min(start + Self.block, count)))
    }
  }
}

/// How one tensor differs from another of its shape.
package struct TensorChange: Sendable, Hashable, Codable {
  /// ‖b − a‖ / ‖a‖ in the Frobenius norm, over elements that are finite in both; nil where a is zero and b is not.
  package let relative: Double?
  /// max |b − a|.
  package let largest: Double
  /// Elements that differ.
  package let changed: Int
  /// Elements that are not finite in one of the two, or in both.
  package let nonFinite: Int

  private enum CodingKeys: String, CodingKey {
    case relative, largest, changed
    case nonFinite = "non_finite"
  }

  /// Nothing differs, to the last bit of 32.
  package var isEqual: Bool { changed == 0 }

  /// Compares the elements as floats, whatever either is stored in. `check` is called once a block; what it throws ends
  /// the work.
  package init(_ a: StoredTensor, _ b: StoredTensor, check: () throws -> Void = {}) rethrows {
    precondition(a.shape == b.shape && a.dtype.isWeight && b.dtype.isWeight, "\(a.name) and \(b.name)")
    var (squares, base, largest) = (0.0, 0.0, 0.0)
    var (changed, nonFinite, start) = (0, 0, 0)
    try a.eachBlock { block in
      try check()
      let other = b.floats(start..<start + block.count)
      start += block.count
      for (x, y) in zip(block, other) {
        if x.bitPattern != y.bitPattern && x != y { changed += 1 }
        guard x.isFinite, y.isFinite else {
          nonFinite += 1
          continue
        }
        let difference = abs(Double(y) - Double(x))
        squares += difference * difference
        base += Double(x) * Double(x)
        largest = max(largest, difference)
      }
    }
    relative = base > 0 ? (squares / base).squareRoot() : squares > 0 ? nil : 0
    self.largest = largest
    self.changed = changed
    self.nonFinite = nonFinite
  }
}

/// Two checkpoints tensor by tensor: what only one has, what is equal, and how much the rest changed.
package struct CheckpointDiff: Sendable, Hashable, Codable {
  package enum Status: String, Sendable, Hashable, Codable, CaseIterable {
    case equal, changed
    /// Of another shape, or of a type that holds no weights and other bytes.
    case incomparable
    case onlyFirst = "only in the first"
    case onlySecond = "only in the second"
  }

  package struct Row: Sendable, Hashable, Codable {
    package let name: String
    package let status: Status
    /// Of the first, else of the second.
    package let shape: [Int]
    /// Of the second, where it is another.
    package let otherShape: [Int]?
    /// Types in the first and the second.
    package let dtypes: [String]
    /// Of equal and changed weights.
    package let change: TensorChange?

    private enum CodingKeys: String, CodingKey {
      case name, status, shape, dtypes, change
      case otherShape = "other_shape"
    }

    package init(
      name: String, status: Status, shape: [Int], otherShape: [Int]? = nil, dtypes: [String],
      change: TensorChange? = nil
    ) {
      self.name = name
      self.status = status
      self.shape = shape
      self.otherShape = otherShape
      self.dtypes = dtypes
      self.change = change
    }
  }

  package let first: String
  package let second: String
  /// By name.
  package let rows: [Row]

  /// Whether every tensor is in both with the same values; a type may differ that holds them all.
  package var isEqual: Bool { rows.allSatisfy { $0.status == .equal } }

  package func count(_ status: Status) -> Int { rows.count { $0.status == status } }

  package init(first: String, second: String, rows: [Row]) {
    self.first = first
    self.second = second
    self.rows = rows
  }
}
