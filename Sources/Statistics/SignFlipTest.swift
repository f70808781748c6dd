/// The sign-flip permutation test: under the null a picture's difference is as likely negative as positive.
package enum SignFlipTest {
  package enum Alternative: String, Sendable, Hashable, Codable {
    case greater, less, twoSided
  }

  /// Below this many pictures all 2ⁿ sign patterns are enumerated.
  private static let exactLimit = 14

  /// The p-value of the mean of `values` being 0: exact for few pictures, else from `draws` random patterns with the
  /// observed one counted (Phipson & Smyth 2010); 1 for no values.
  package static func pValue(
    _ values: [Double], alternative: Alternative = .twoSided, draws: Int = 10_000, seed: UInt64
  ) -> Double {
    guard !values.isEmpty else { return 1 }
    let observed = values.reduce(0, +)
    var tally = Tally(observed: observed)
    if values.count < exactLimit {
      for pattern in 0..<1 << values.count {
        var sum = 0.0
        for (index, value) in values.enumerated() { sum += pattern >> index & 1 == 1 ? -value : value }
        tally.add(sum)
      }
      return tally.pValue(alternative, including: 0)
    }
    var generator = SplitMix64(seed: seed, stream: "sign-flip")
    for _ in 0..<draws {
      var sum = 0.0
      var bits: UInt64 = 0
      for (index, value) in values.enumerated() {
        if index % 64 == 0 { bits = generator.next() }
        sum += bits & 1 == 1 ? -value : value
        bits >>= 1
      }
      tally.add(sum)
    }
    return tally.pValue(alternative, including: 1)
  }

  /// Counts patterns at least as extreme as the observed sum; sums within rounding of it count as equal.
  package struct Tally {
    package let observed: Double
    private let tolerance: Double
    private var count = 0
    private var above = 0
    private var below = 0

    package init(observed: Double) {
      self.observed = observed
      tolerance = abs(observed) * 1e-12
    }

    package mutating func add(_ sum: Double) {
      count += 1
      if sum >= observed - tolerance { above += 1 }
      if sum <= observed + tolerance { below += 1 }
    }

    package func pValue(_ alternative: Alternative, including extra: Int) -> Double {
      let p = { (tail: Int) in Double(tail + extra) / Double(count + extra) }
      return switch alternative {
      case .greater: p(above)
      case .less: p(below)
      case .twoSided: min(1, 2 * min(p(above), p(below)))
      }
    }
  }
}

/// Benjamini–Hochberg: controls the false discovery rate over many tests.
package enum BenjaminiHochberg {
  /// The adjusted p-values, in the order of `pValues`: reject where they are at most the wanted rate.
  package static func adjusted(_ pValues: [Double]) -> [Double] {
    let order = pValues.indices.sorted { pValues[$0] < pValues[$1] }
    var result = pValues
    var smallest = 1.0
    for (rank, index) in order.enumerated().reversed() {
      smallest = min(smallest, pValues[index] * Double(pValues.count) / Double(rank + 1))
      result[index] = smallest
    }
    return result
  }
}
