import Statistics
import Testing

@testable import Evaluation

/// 90 items of three families and eleven pictures; an item is right if a number made of its place is below the
/// family's threshold. The same items were made in Python for the recorded numbers.
private func items(_ thresholds: [Int]) -> [ScoredItem] {
  (0..<90).map { place in
    let score = (place * 37 + place / 3) % 100 < thresholds[place % 3] ? 1.0 : 0.0
    return ScoredItem(key: place, family: ["a", "b", "c"][place % 3], cluster: "im\(place % 11)", score: score)
  }
}

private let result = items([80, 60, 55])
private let lower = items([20, 30, 50])
private let upper = items([95, 90, 58])
private let bootstrap = ClusterBootstrap(resamples: 500, seed: 7)

private func expectClose(
  _ found: Interval?, _ lower: Double, _ upper: Double, at place: SourceLocation = #_sourceLocation
) {
  guard let found else {
    Issue.record("no interval", sourceLocation: place)
    return
  }
  #expect(abs(found.low - lower) < 1e-12 && abs(found.high - upper) < 1e-12, "\(found)", sourceLocation: place)
}

@Suite("Intervals and retention")
struct StatisticsTests {
  @Test(
    "Wilson's interval is SciPy's",
    arguments: [
      (0, 10, 0.0, 0.27753279986288926), (10, 10, 0.7224672001371109, 1.0), (1, 1, 0.20654931437723745, 1.0),
      (467, 500, 0.9087605988391465, 0.9526214736402261), (81, 263, 0.2552885198782742, 0.36620957698280004),
      (1, 2017, 8.752373300733663e-05, 0.0028030834421359503),
    ])
  func wilson(right: Int, count: Int, low: Double, high: Double) {
    expectClose(.wilson(mean: Double(right) / Double(count), count: count), low, high)
  }

  @Test("The generator gives SplitMix64's published numbers")
  func generator() {
    var generator = SplitMix64(seed: 0)
    #expect(generator.next() == 0xE220_A839_7B1D_CDAF)
    #expect(generator.next() == 0x6E78_9E6A_A1B9_65F4)
    #expect(generator.next() == 0x06C4_5D18_8009_454F)
  }

  @Test("The bootstrap over pictures is NumPy's percentile of the same resamples")
  func clusterBootstrap() {
    let intervals = bootstrap.intervals(of: result)
    #expect(intervals.map(\.family) == ["a", "b", "c"])
    expectClose(intervals[0].interval, 0.71875, 0.9333333333333333)
    expectClose(intervals[1].interval, 0.4827586206896552, 0.6451612903225806)
    expectClose(intervals[2].interval, 0.4375, 0.6192540322580642)
    expectClose(bootstrap.interval(of: result), 0.5966078407425501, 0.6888888888888889)
  }

  @Test("A bootstrap repeats with its seed and changes with another")
  func seeds() {
    #expect(bootstrap.interval(of: result) == bootstrap.interval(of: result))
    #expect(bootstrap.interval(of: result) != ClusterBootstrap(resamples: 500, seed: 8).interval(of: result))
  }

  @Test("Retention leaves out the family whose bounds are close and resamples the three models together")
  func retention() throws {
    let retention = Retention(result: result, lower: lower, upper: upper, bootstrap: bootstrap)
    #expect(retention.families.map(\.isKept) == [true, true, false])
    #expect(retention.families.map(\.count) == [30, 30, 30])
    #expect(retention.families[2].retention == nil)
    #expect(abs(try #require(retention.mean) - 0.634090909090909) < 1e-12)
    expectClose(retention.interval, 0.5715277777777777, 0.6926406926406926)
  }

  @Test("Bounds exactly ten points apart are within ten points, whatever rounding does", arguments: 0..<90)
  func tenPoints(lower: Int) {
    let family = Retention.Family(
      name: "f", count: 100, result: 0.5, lower: Double(lower) / 100, upper: Double(lower + 10) / 100)
    #expect(!family.isKept)
    let wider = Retention.Family(
      name: "f", count: 100, result: 0.5, lower: Double(lower) / 100, upper: Double(lower + 11) / 100)
    #expect(wider.isKept)
  }

  @Test("An upper bound below the lower leaves its family out")
  func swapped() {
    let retention = Retention(result: result, lower: upper, upper: lower, bootstrap: bootstrap)
    #expect(retention.families.allSatisfy { !$0.isKept })
    #expect(retention.mean == nil && retention.interval == nil)
  }

  @Test("Models are compared on the items that all of them answered")
  func commonItems() {
    let retention = Retention(
      result: Array(result.dropFirst(30)), lower: lower, upper: Array(upper.dropLast(30)), bootstrap: bootstrap)
    #expect(retention.families.map(\.count) == [10, 10, 10])
    let middle = Retention(
      result: Array(result[30..<60]), lower: Array(lower[30..<60]), upper: Array(upper[30..<60]), bootstrap: bootstrap)
    #expect(retention == middle)
  }
}
