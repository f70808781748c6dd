import Foundation
import Statistics

/// Effects of one prompt and voco token: ratios of sums over pairs, with intervals that resample pictures and donors.
struct CausalEffects {
  let scale: EffectScale
  let pairs: [PairEvidence]
  let pictures: Int
  /// Which of the pairs given are read.
  private let kept: [Int]
  private let denominators: [Double]
  private let bootstrap: TwoWayBootstrap
  private let confidence: Double

  /// `nil` without pairs that can be read on the scale.
  init?(
    _ all: [(picture: Int, pair: PairEvidence)], _ scale: EffectScale, _ engine: VerdictEngine, confidence: Double,
    draws: Int = 2000
  ) {
    let places = all.indices.filter {
      scale == .projection || all[$0].pair.logitDifference >= engine.rule.smallestDenominator
    }
    let kept = places.map { all[$0] }
    let denominators = kept.map { scale == .projection ? $0.pair.squaredNorm : $0.pair.logitDifference }
    guard denominators.reduce(0, +) > 0 else { return nil }
    self.scale = scale
    self.kept = places
    self.confidence = confidence
    self.denominators = denominators
    pairs = kept.map(\.pair)
    pictures = Set(kept.map(\.picture)).count
    bootstrap = TwoWayBootstrap(
      kept.map { .init(picture: $0.picture, donor: $0.pair.donor) }, draws: draws, seed: engine.seed,
      stream: "causes \(scale.rawValue)")
  }

  private func values(_ quantity: Interchanged) -> [Double] { pairs.map { value($0.shifts[quantity] ?? .zero) } }

  private func value(_ shift: EffectShift) -> Double {
    scale == .projection ? shift.projection : shift.logitDifference
  }

  private func estimate(_ numerators: [Double], over denominators: [Double]) -> EffectEstimate? {
    let bottom = denominators.reduce(0, +)
    guard bottom > 0 else { return nil }
    let draws = bootstrap.ratios(numerators, over: denominators).compactMap { $0 }
    return estimate(numerators.reduce(0, +) / bottom, draws)
  }

  private func estimate(_ effect: Double, _ draws: [Double]) -> EffectEstimate {
    let sorted = draws.sorted()
    let tail = (1 - confidence) / 2
    let interval =
      pictures > 1 && !sorted.isEmpty
      ? Interval(low: quantile(sorted: sorted, tail), high: quantile(sorted: sorted, 1 - tail)) : nil
    return EffectEstimate(
      effect: effect, interval: interval, standardError: Moments(draws).standardDeviation, n: pictures)
  }

  func effect(_ quantity: Interchanged) -> EffectEstimate? { estimate(values(quantity), over: denominators) }

  /// Of other shifts of the pairs that were given, in their order.
  func effect(of shifts: [EffectShift]) -> EffectEstimate? {
    estimate(kept.map { value(shifts[$0]) }, over: denominators)
  }

  /// One effect minus another, of the same pairs.
  func difference(_ a: Interchanged, _ b: Interchanged) -> EffectEstimate? {
    estimate(zip(values(a), values(b)).map { $0 - $1 }, over: denominators)
  }

  /// 1 − patches/visual.
  var sufficiency: EffectEstimate? {
    let (patches, visual) = (values(.patches), values(.visual))
    let bottom = visual.reduce(0, +)
    guard bottom > 0 else { return nil }
    let draws = bootstrap.ratios(patches, over: visual).compactMap { $0.map { 1 - $0 } }
    return estimate(1 - patches.reduce(0, +) / bottom, draws)
  }
}
