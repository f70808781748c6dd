import Foundation
import Statistics

/// A mean over pictures with its BCa interval.
struct Estimate: Sendable, Hashable {
  let mean: Double
  let interval: Interval
  let n: Int

  /// Fewer pictures than this decide nothing: no sign-flip test could reach 0.025.
  static let fewest = 6

  var decides: Bool { n >= Estimate.fewest }
  func isAbove(_ bound: Double) -> Bool { decides && interval.low > bound }
  func isBelow(_ bound: Double) -> Bool { decides && interval.high < bound }

  /// As a ratio, the estimate being a logarithm: "×8.21 [6.9, 9.7]".
  var ratioText: String { "×\(significant(exp(mean))) \(text(interval.map(exp)))" }
  /// "0.02 [0.01, 0.03]".
  var valueText: String { "\(significant(mean)) \(text(interval))" }
  /// As a percentage: "97.1 % [95, 98.8]".
  var percentText: String {
    "\(decimal(100 * mean, digits: 1)) % [\(decimal(100 * interval.low, digits: 1)), "
      + "\(decimal(100 * interval.high, digits: 1))]"
  }

  private func text(_ interval: Interval) -> String {
    "[\(significant(interval.low)), \(significant(interval.high))]"
  }
}

extension VerdictEngine {
  /// The mean of `values`; `nil` without values. `stream` names the bootstrap's random stream.
  func estimate(_ values: [Double], _ stream: String) -> Estimate? {
    guard !values.isEmpty else { return nil }
    let bootstrap = Bootstrap(values, draws: rule.bootstrapDraws, seed: seed, stream: stream)
    return Estimate(
      mean: bootstrap.estimate, interval: bootstrap.bcaInterval(confidence: rule.confidence), n: values.count)
  }

  /// One-sided sign-flip p-value of the values lying above `bound`.
  func pAbove(_ bound: Double, _ values: [Double]) -> Double {
    SignFlipTest.pValue(values.map { $0 - bound }, alternative: .greater, draws: rule.bootstrapDraws, seed: seed)
  }

  /// The random-weights test of a tier, on the pictures that the random models saw; `nil` if too few models were run.
  func randomTest(
    _ summary: EvidenceSummary, effect: (PictureEvidence) -> Double?, random: (RandomModelRun) -> Double?,
    combine: ([Double]) -> Double?
  ) -> RandomModelTest? {
    let runs = summary.randomModels.filter { random($0) != nil }
    guard let keys = runs.first.map({ Set($0.pictures) }), runs.allSatisfy({ Set($0.pictures) == keys }) else {
      return nil
    }
    let own = summary.pictures.filter { keys.contains($0.key) }.compactMap(effect)
    guard own.count == keys.count, let combined = combine(own) else { return nil }
    return RandomModelTest(effect: combined, random: runs.compactMap(random), level: rule.randomWeightsLevel)
  }
}
