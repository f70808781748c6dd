/// A 95 % interval.
package struct Interval: Sendable, Equatable {
  package let lower: Double
  package let upper: Double

  package init(lower: Double, upper: Double) {
    self.lower = lower
    self.upper = upper
  }

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
    return Interval(lower: max(0, (middle - reach) / scale), upper: min(1, (middle + reach) / scale))
  }

  /// The 2.5 % and 97.5 % quantiles of bootstrap values, interpolated linearly between order statistics.
  ///
  /// - Returns: nil of no values.
  static func percentile(_ values: [Double]) -> Interval? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    func quantile(_ share: Double) -> Double {
      let place = share * Double(sorted.count - 1)
      let below = Int(place)
      let above = min(below + 1, sorted.count - 1)
      return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }
    return Interval(lower: quantile(0.025), upper: quantile(0.975))
  }
}
