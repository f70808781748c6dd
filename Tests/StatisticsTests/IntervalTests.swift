import Foundation
import Statistics
import Testing

/// Values with a long right tail: a mixture whose skewness is about 1.6, more than the lifts' logarithms of the bundled
/// checkpoint have.
private func skewed(_ generator: inout SplitMix64) -> Double { pow(-log(1 - generator.unit()), 0.9) }

private let skewedMean = tgamma(1.9)

@Test("Bootstrap-t intervals of skewed values cover the mean at least 93 times in a hundred", arguments: [30, 80])
func bootstrapTCoverage(_ n: Int) throws {
  var generator = SplitMix64(seed: 17, stream: "coverage \(n)")
  let trials = 600
  var (below, above) = (0, 0)
  for trial in 0..<trials {
    let values = (0..<n).map { _ in skewed(&generator) }
    let estimate = try #require(MeanEstimate(values, draws: 499, seed: UInt64(trial), stream: "t"))
    let interval = try #require(estimate.interval(confidence: 0.95))
    if interval.high < skewedMean { below += 1 }
    if interval.low > skewedMean { above += 1 }
  }
  #expect(Double(trials - below - above) / Double(trials) >= 0.93, "missed \(below) below and \(above) above")
}

@Test("Two-way intervals cover a ratio of sums whose pairs share donors", arguments: [30, 80])
func twoWayCoverage(_ n: Int) {
  var generator = SplitMix64(seed: 23, stream: "coverage \(n)")
  let (trials, truth) = (200, 0.2)
  var (below, above) = (0, 0)
  for trial in 0..<trials {
    let ofPictures = (0..<n).map { _ in skewed(&generator) / skewedMean }
    let ofDonors = (0..<n).map { _ in skewed(&generator) / skewedMean }
    var pairs: [TwoWayBootstrap.Pair] = []
    var (numerators, denominators): ([Double], [Double]) = ([], [])
    for picture in 0..<n {
      for step in 1...4 {
        let donor = (picture + step * 7) % n
        pairs.append(.init(picture: picture, donor: donor))
        // A picture's and a donor's part in the effect, and a part of the pair's own: the mean of each is 1.
        let own = skewed(&generator) / skewedMean
        denominators.append(4 + 4 * generator.unit())
        numerators.append(truth * 6 * ofPictures[picture] * ofDonors[donor] * own)
      }
    }
    let bootstrap = TwoWayBootstrap(pairs, draws: 400, seed: UInt64(trial), stream: "two-way")
    let ratios = bootstrap.ratios(numerators, over: denominators).compactMap { $0 }.sorted()
    if quantile(sorted: ratios, 0.975) < truth { below += 1 }
    if quantile(sorted: ratios, 0.025) > truth { above += 1 }
  }
  #expect(Double(trials - below - above) / Double(trials) >= 0.93, "missed \(below) below and \(above) above")
}

@Test("An estimate reproduces itself by seed, and equal values have an interval without width")
func meanEstimates() throws {
  let first = try #require(MeanEstimate([1, 2, 4, 8], draws: 200, seed: 9, stream: "a"))
  #expect(first == MeanEstimate([1, 2, 4, 8], draws: 200, seed: 9, stream: "a"))
  #expect(first != MeanEstimate([1, 2, 4, 8], draws: 200, seed: 10, stream: "a"))
  #expect(first.mean == 3.75 && first.n == 4)
  // Resamples of equal values have a spread of rounding; whether it rounds to nothing must not decide.
  for others in 1...4 {
    let values = [Double](repeating: log(1e-6), count: 80 - others) + (0..<others).map { -3 - Double($0) }
    let interval = try #require(MeanEstimate(values, seed: 3, stream: "floor")?.interval(confidence: 0.95))
    #expect(interval.high < -10 && interval.low > -14.5, "\(others): \(interval)")
  }
  #expect(MeanEstimate([3, 3, 3], seed: 1, stream: "")?.interval(confidence: 0.95) == Interval(low: 3, high: 3))
  #expect(MeanEstimate([3], seed: 1, stream: "")?.interval(confidence: 0.95) == nil)
  #expect(MeanEstimate([], seed: 1, stream: "") == nil)
}

@Test("The max-T test finds one cell among a thousand, and of cells without effect at most one set in twenty has any")
func maxStatistic() {
  var generator = SplitMix64(seed: 5)
  let noise = { (generator: inout SplitMix64) in
    (-2 * log(1 - generator.unit())).squareRoot() * cos(2 * Double.pi * generator.unit())
  }
  var values = (0..<40).map { _ in (0..<1024).map { _ in noise(&generator) } }
  for picture in values.indices { values[picture][77] += 1.2 }
  let test = MaxStatistic(values, flips: 999, seed: 1)
  #expect(test.pValues.indices.filter { test.pValues[$0] <= 0.05 } == [77])
  #expect(test.pValues[77] >= 1.0 / 1000)
  var found = 0
  for trial in 0..<100 {
    let null = (0..<30).map { _ in (0..<24).map { _ in noise(&generator) } }
    if MaxStatistic(null, flips: 199, seed: UInt64(trial)).pValues.contains(where: { $0 <= 0.05 }) { found += 1 }
  }
  // Five expected of a hundred; twelve or more come once in two hundred times.
  #expect(found <= 12, "\(found)")
  #expect(MaxStatistic([[1, 2]], seed: 1).pValues == [1, 1])
}

@Test("An end of an interval that is open is null in JSON, and open when it is read")
func openIntervals() throws {
  let intervals = [Interval(low: 0.5, high: .infinity), Interval(low: -.infinity, high: 2), Interval(low: 1, high: 3)]
  let bytes = try JSONEncoder().encode(intervals)
  #expect(String(decoding: bytes, as: UTF8.self) == "[[0.5,null],[null,2],[1,3]]")
  #expect(try JSONDecoder().decode([Interval].self, from: bytes) == intervals)
}
