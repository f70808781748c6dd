/// A confidence interval; a JSON pair `[low, high]`, with `null` for an end that is open, as bootstrap-t's of a few values are.
package struct Interval: Sendable, Hashable, Codable {
  package let low: Double
  package let high: Double

  package init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  package init(from decoder: any Decoder) throws {
    var pair = try decoder.unkeyedContainer()
    low = try pair.decode(Double?.self) ?? -.infinity
    high = try pair.decode(Double?.self) ?? .infinity
  }

  package func encode(to encoder: any Encoder) throws {
    var pair = encoder.unkeyedContainer()
    // JSON has no word for infinity.
    for end in [low, high] { try end.isFinite ? pair.encode(end) : pair.encodeNil() }
  }

  /// Both ends through an increasing function, as from logarithms to ratios.
  package func map(_ transform: (Double) -> Double) -> Interval {
    Interval(low: transform(low), high: transform(high))
  }
}

extension Interval {
  /// The standard normal's 97.5 % quantile.
  private static let z = 1.959963984540054

  /// Wilson's score interval for a proportion.
  ///
  /// (p + z²/2n ± z√(p(1−p)/n + z²/4n²)) / (1 + z²/n). For fractional scores, whose variance is at most p(1−p), it is
  /// conservative. Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
  ///
  /// - Parameters:
  ///   - mean: in 0…1.
  ///   - count: at least 1.
  package static func wilson(mean: Double, count: Int) -> Interval {
    precondition((0...1).contains(mean) && count > 0, "a proportion of at least one trial")
    let n = Double(count)
    let middle = mean + z * z / (2 * n)
    let reach = z * (mean * (1 - mean) / n + z * z / (4 * n * n)).squareRoot()
    let scale = 1 + z * z / n
    return Interval(low: max(0, (middle - reach) / scale), high: min(1, (middle + reach) / scale))
  }

  /// The central 95 % of bootstrap `values`; nil of no values.
  package static func percentile(_ values: [Double]) -> Interval? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    return Interval(low: quantile(sorted: sorted, 0.025), high: quantile(sorted: sorted, 0.975))
  }
}

/// Count, mean and spread of a stream of numbers (Welford; merged by Chan, Golub & LeVeque), in constant memory.
package struct Moments: Sendable, Hashable, Codable {
  package private(set) var count = 0
  package private(set) var mean = 0.0
  /// Σ (x − mean)².
  private var squares = 0.0

  package init() {}

  package init(_ values: [Double]) {
    for value in values { add(value) }
  }

  package mutating func add(_ value: Double) {
    count += 1
    let delta = value - mean
    mean += delta / Double(count)
    squares += delta * (value - mean)
  }

  package mutating func merge(_ other: Moments) {
    guard other.count > 0 else { return }
    let total = Double(count + other.count)
    let delta = other.mean - mean
    squares += other.squares + delta * delta * Double(count) * Double(other.count) / total
    mean += delta * Double(other.count) / total
    count += other.count
  }

  /// With denominator n − 1; 0 for fewer than two numbers.
  package var variance: Double { count > 1 ? squares / Double(count - 1) : 0 }
  package var standardDeviation: Double { variance.squareRoot() }
}

/// The arithmetic mean; `nil` of nothing.
package func mean(_ values: [Double]) -> Double? {
  values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
}

/// The `fraction` quantile of ascending `sorted` values, linearly interpolated between order statistics
/// (Hyndman & Fan type 7, NumPy's default).
package func quantile(sorted: [Double], _ fraction: Double) -> Double {
  precondition(!sorted.isEmpty)
  let position = min(max(fraction, 0), 1) * Double(sorted.count - 1)
  let index = min(Int(position), sorted.count - 1)
  let upper = min(index + 1, sorted.count - 1)
  return sorted[index] + (position - Double(index)) * (sorted[upper] - sorted[index])
}

/// The part of `draws` below `value`, ties counted half: 0…1; `nil` without draws.
package func percentile(of value: Double, among draws: [Double]) -> Double? {
  guard !draws.isEmpty else { return nil }
  let below = draws.count { $0 < value }
  let equal = draws.count { $0 == value }
  return (Double(below) + Double(equal) / 2) / Double(draws.count)
}

/// Mean scores of the same items in two runs, and how far they are apart.
package struct PairedMeans: Sendable, Hashable, Codable {
  /// Of the items: a family of questions, or `overall`.
  package let name: String
  /// Items that both runs answered.
  package let count: Int
  /// Mean scores in 0…1.
  package let before: Double
  package let after: Double
  /// 95 %, of `difference`.
  package let interval: Interval
  /// Items whose score fell, and rose.
  package let lost: Int
  package let gained: Int

  package init(name: String, count: Int, before: Double, after: Double, interval: Interval, lost: Int, gained: Int) {
    (self.name, self.count, self.before, self.after) = (name, count, before, after)
    (self.interval, self.lost, self.gained) = (interval, lost, gained)
  }

  /// −1…1.
  package var difference: Double { after - before }

  private enum CodingKeys: String, CodingKey {
    case before, after, interval, lost, gained
    case name = "family"
    case count = "n"
  }
}
