/// Draws of as many units as there are, with replacement (Efron & Tibshirani 1993).
package struct Resampling: Sendable, Hashable {
  /// What is drawn from: pictures, as the questions about one are not independent.
  package let units: Int
  package let draws: Int

  package init(units: Int, draws: Int) {
    precondition(units >= 0 && draws > 0, "a resampling has draws")
    self.units = units
    self.draws = draws
  }

  /// Calls `body` with the units of each draw, in the order in which they were drawn.
  package func forEach(_ generator: SplitMix64, _ body: (_ units: UnsafeBufferPointer<Int>) -> Void) {
    var generator = generator
    withUnsafeTemporaryAllocation(of: Int.self, capacity: units) { drawn in
      drawn.initialize(repeating: 0)
      for _ in 0..<draws {
        for place in 0..<units { drawn[place] = generator.below(units) }
        body(UnsafeBufferPointer(drawn))
      }
    }
  }
}

/// The bootstrap of a mean over pictures: the picture is the unit of resampling (Efron & Tibshirani 1993).
package struct Bootstrap: Sendable, Hashable {
  /// The mean of the values themselves.
  package let estimate: Double
  package let count: Int
  /// The means of the resamples, ascending.
  package let draws: [Double]
  /// The acceleration a of BCa: Σ(x−x̄)³ / (6·(Σ(x−x̄)²)^{3/2}), the jackknife's for a mean.
  package let acceleration: Double

  /// - Parameters:
  ///   - values: one number per picture, at least one.
  ///   - stream: names the random stream, so that each statistic has its own.
  package init(_ values: [Double], draws: Int = 10_000, seed: UInt64, stream: String = "bootstrap") {
    precondition(!values.isEmpty && draws > 0)
    let estimate = values.reduce(0, +) / Double(values.count)
    let resampling = Resampling(units: values.count, draws: draws)
    var means: [Double] = []
    means.reserveCapacity(draws)
    values.withUnsafeBufferPointer { values in
      resampling.forEach(SplitMix64(seed: seed, stream: stream)) { units in
        var sum = 0.0
        for unit in units { sum += values[unit] }
        means.append(sum / Double(values.count))
      }
    }
    self.init(estimate: estimate, values: values, draws: means)
  }

  /// A bootstrap whose resampled means are given.
  package init(estimate: Double, values: [Double], draws: [Double]) {
    self.estimate = estimate
    self.count = values.count
    self.draws = draws.sorted()
    let deviations = values.map { $0 - estimate }
    let squares = deviations.reduce(0) { $0 + $1 * $1 }
    let cubes = deviations.reduce(0) { $0 + $1 * $1 * $1 }
    acceleration = squares > 0 ? cubes / (6 * squares * squares.squareRoot()) : 0
  }

  /// The interval between the quantiles of the resamples.
  package func percentileInterval(confidence: Double = 0.95) -> Interval {
    let tail = (1 - confidence) / 2
    return Interval(low: quantile(sorted: draws, tail), high: quantile(sorted: draws, 1 - tail))
  }

  /// The bias-corrected and accelerated interval (Efron 1987), as SciPy computes it: ties count half in the bias.
  package func bcaInterval(confidence: Double = 0.95) -> Interval {
    guard let first = draws.first, let last = draws.last, first < last else {
      return Interval(low: estimate, high: estimate)
    }
    // A resample that permutes the values has their mean up to rounding: a tie.
    let tolerance = 1e-12 * max(abs(first), abs(last))
    let snapped = draws.map { abs($0 - estimate) <= tolerance ? estimate : $0 }
    let bias = NormalDistribution.quantile(percentile(of: estimate, among: snapped) ?? 0.5)
    guard bias.isFinite else { return percentileInterval(confidence: confidence) }
    let level = { (z: Double) -> Double in
      NormalDistribution.cumulative(bias + (bias + z) / (1 - acceleration * (bias + z)))
    }
    let z = NormalDistribution.quantile((1 + confidence) / 2)
    return Interval(low: quantile(sorted: draws, level(-z)), high: quantile(sorted: draws, level(z)))
  }
}
