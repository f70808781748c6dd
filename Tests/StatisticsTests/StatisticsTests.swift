import Foundation
import Statistics
import TestSupport
import Testing

@Test("SplitMix64 yields the published sequence, and streams of one seed differ")
func splitMix() {
  // First outputs of Vigna's splitmix64.c for the state 1234567.
  var generator = SplitMix64(seed: 1_234_567)
  #expect(generator.next() == 6_457_827_717_110_365_317)
  #expect(generator.next() == 3_203_168_211_198_807_973)
  var a = SplitMix64(seed: 1, stream: "a")
  var b = SplitMix64(seed: 1, stream: "b")
  #expect(a.next() != b.next())
  #expect((0..<1000).allSatisfy { _ in (0..<7).contains(a.below(7)) })
  let drawn = a.distinct(4, below: 5)
  #expect(Set(drawn).count == 4 && drawn.allSatisfy { (0..<5).contains($0) })
}

@Test("The normal distribution and its quantiles agree with SciPy to rounding")
func normalDistribution() throws {
  let recorded = try RecordedStatistics.load().normal
  for (z, expected) in zip(recorded.z, recorded.cdf) {
    #expect(abs(NormalDistribution.cumulative(z) - expected) <= 1e-13 * expected)
  }
  for (p, expected) in zip(recorded.p, recorded.ppf) { #expect(close(NormalDistribution.quantile(p), expected, 1e-12)) }
}

@Test("Student's upper tail agrees with SciPy")
func student() throws {
  let recorded = try RecordedStatistics.load().student
  for index in recorded.t.indices {
    let tail = StudentDistribution.upperTail(recorded.t[index], degrees: recorded.df[index])
    #expect(abs(tail - recorded.upper[index]) <= 1e-12 * recorded.upper[index])
  }
}

@Test("Among random models an effect is judged by rank, and by prediction when they are few")
func randomModels() throws {
  let many = (0..<39).map { Double($0) / 39 }
  let top = try #require(RandomModelTest(effect: 2, random: many, level: 0.025))
  #expect(top.method == .rank && close(top.pValue, 1.0 / 40) && top.reached == 0)
  let inside = try #require(RandomModelTest(effect: 0.9, random: many, level: 0.025))
  #expect(close(inside.pValue, 4.0 / 40) == (inside.reached == 3) && inside.pValue > 0.025)
  let few = try #require(RandomModelTest(effect: 10, random: [0, 1, 2, 1, 0.5], level: 0.025))
  // t = (10 − 0.9) / (s·√(1 + 1/5)) with s² = 0.55 and 4 degrees of freedom.
  let t = 9.1 / (0.55 * 1.2).squareRoot()
  #expect(few.method == .prediction && close(few.pValue, StudentDistribution.upperTail(t, degrees: 4), 1e-12))
  #expect(RandomModelTest(effect: 1, random: [0, 0, 0, 0], level: 0.025) == nil)
}

@Test("Percentile and BCa intervals of the same resamples agree with SciPy")
func bca() throws {
  for recorded in try RecordedStatistics.load().bca {
    let estimate = try #require(mean(recorded.values))
    let bootstrap = Bootstrap(estimate: estimate, values: recorded.values, draws: recorded.draws)
    let interval = bootstrap.bcaInterval()
    #expect(close(interval.low, recorded.low, 1e-9) && close(interval.high, recorded.high, 1e-9))
    let percentile = bootstrap.percentileInterval()
    #expect(close(percentile.low, recorded.percentile[0], 1e-12))
    #expect(close(percentile.high, recorded.percentile[1], 1e-12))
  }
}

@Test("The bootstrap reproduces itself by seed, covers the mean and has no width for equal values")
func bootstrap() {
  var generator = SplitMix64(seed: 3)
  let first = Bootstrap([1, 2, 4, 8], draws: 500, seed: 9)
  #expect(first == Bootstrap([1, 2, 4, 8], draws: 500, seed: 9))
  #expect(first != Bootstrap([1, 2, 4, 8], draws: 500, seed: 10))
  #expect(Bootstrap([3, 3, 3], seed: 1).bcaInterval() == Interval(low: 3, high: 3))
  var covered = 0
  for trial in 0..<300 {
    let values = (0..<40).map { _ in generator.unit() }
    let interval = Bootstrap(values, draws: 400, seed: UInt64(trial)).bcaInterval()
    if interval.low <= 0.5, interval.high >= 0.5 { covered += 1 }
  }
  // 95 % nominal; five standard errors of 300 trials are 6.3 %.
  #expect(covered >= 266 && covered <= 299)
}

@Test("Exact sign-flip p-values agree with SciPy, and random ones with the exact ones")
func signFlip() throws {
  for recorded in try RecordedStatistics.load().signFlip {
    let p = { SignFlipTest.pValue(recorded.values, alternative: $0, seed: 1) }
    #expect(close(p(.greater), recorded.greater, 1e-12))
    #expect(close(p(.less), recorded.less, 1e-12))
    #expect(close(p(.twoSided), recorded.twoSided, 1e-12))
  }
  let values = (0..<20).map { Double($0 % 5) - 1.2 }
  var above = 0
  for pattern in 0..<1 << 20 {
    var sum = 0.0
    for index in 0..<20 { sum += pattern >> index & 1 == 1 ? -values[index] : values[index] }
    if sum >= values.reduce(0, +) - 1e-9 { above += 1 }
  }
  let p = SignFlipTest.pValue(values, alternative: .greater, draws: 20_000, seed: 2)
  #expect(abs(p - Double(above) / Double(1 << 20)) < 0.01)
  #expect(SignFlipTest.pValue([], seed: 1) == 1)
}

@Test("Benjamini–Hochberg agrees with statsmodels")
func benjaminiHochberg() throws {
  let recorded = try RecordedStatistics.load().bh
  for (p, expected) in zip(BenjaminiHochberg.adjusted(recorded.p), recorded.adjusted) {
    #expect(close(p, expected, 1e-12))
  }
  #expect(BenjaminiHochberg.adjusted([]).isEmpty)
}

@Test("Percentiles, quantiles and moments agree with SciPy and NumPy")
func descriptive() throws {
  let recorded = try RecordedStatistics.load()
  #expect(
    close(percentile(of: recorded.percentile.value, among: recorded.percentile.draws), recorded.percentile.percentile))
  #expect(percentile(of: 1, among: []) == nil)
  for (fraction, expected) in zip(recorded.quantile.q, recorded.quantile.expected) {
    #expect(close(quantile(sorted: recorded.quantile.values, fraction), expected, 1e-12))
  }
  let moments = Moments(recorded.moments.values)
  #expect(close(moments.mean, recorded.moments.mean) && close(moments.variance, recorded.moments.variance, 1e-12))
  var merged = Moments(Array(recorded.moments.values.prefix(11)))
  merged.merge(Moments(Array(recorded.moments.values.dropFirst(11))))
  merged.merge(Moments())
  #expect(merged.count == moments.count && close(merged.mean, moments.mean, 1e-12))
  #expect(close(merged.variance, moments.variance, 1e-12))
}
