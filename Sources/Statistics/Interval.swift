/// A confidence interval; a JSON pair `[low, high]`.
package struct Interval: Sendable, Hashable, Codable {
  package let low: Double
  package let high: Double

  package init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  package init(from decoder: any Decoder) throws {
    var pair = try decoder.unkeyedContainer()
    low = try pair.decode(Double.self)
    high = try pair.decode(Double.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var pair = encoder.unkeyedContainer()
    try pair.encode(low)
    try pair.encode(high)
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
