import Foundation

/// A mean with its bootstrap-t interval (Efron & Tibshirani 1993, §12.5): the picture is the unit of resampling, and each
/// resample is studentised by its own spread, so that skewed values keep their tails' rates.
package struct MeanEstimate: Sendable, Hashable {
  package let mean: Double
  /// sd/√n.
  package let standardError: Double
  package let n: Int
  /// (m* − m)/se* of the resamples, ascending; empty if all values are equal.
  private let ratios: [Double]

  /// `nil` of no values.
  ///
  /// - Parameter stream: names the random stream, so that each statistic has its own.
  package init?(_ values: [Double], draws: Int = 4999, seed: UInt64, stream: String) {
    guard !values.isEmpty else { return nil }
    let moments = Moments(values)
    mean = moments.mean
    n = values.count
    standardError = moments.standardDeviation / Double(values.count).squareRoot()
    guard values.count > 1, standardError > 1e-12 * max(1, abs(moments.mean)) else {
      ratios = []
      return
    }
    let (center, count) = (moments.mean, Double(values.count))
    let deviations = values.map { $0 - center }
    var ratios: [Double] = []
    ratios.reserveCapacity(draws)
    deviations.withUnsafeBufferPointer { deviations in
      Resampling(units: values.count, draws: draws).forEach(SplitMix64(seed: seed, stream: stream)) { units in
        var (sum, squares) = (0.0, 0.0)
        for unit in units {
          let value = deviations[unit]
          sum += value
          squares += value * value
        }
        let variance = (squares - sum * sum / count) / (count - 1)
        guard variance > 0 else { return }
        ratios.append(sum / count / (variance / count).squareRoot())
      }
    }
    self.ratios = ratios.sorted()
  }

  /// `nil` of a single value.
  package func interval(confidence: Double) -> Interval? {
    guard n > 1 else { return nil }
    guard !ratios.isEmpty else { return Interval(low: mean, high: mean) }
    let tail = (1 - confidence) / 2
    return Interval(
      low: mean - quantile(sorted: ratios, 1 - tail) * standardError,
      high: mean - quantile(sorted: ratios, tail) * standardError)
  }
}
