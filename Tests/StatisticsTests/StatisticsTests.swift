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
