import Evidence
import Tensor
import Testing

@Suite("What weights look like, and how they changed")
struct WeightStatisticsTests {
  private func stored(_ values: [Float]) -> StoredTensor {
    StoredTensor(name: "w", tensor: Tensor(shape: [values.count], values: values))
  }

  @Test("Quantiles are elements of the sorted values, whatever their sign and size")
  func quantiles() throws {
    var values = (0..<10_000).map { Float(($0 * 7919) % 10_007) - 5_000 }
    values += [1e-30, -1e-30, 3e38, -3e38, 0, -0.0]
    let statistics = try #require(try WeightStatistics(stored(values)))
    let sorted = values.sorted()
    let expected = WeightStatistics.fractions.map { sorted[Int($0 * Double(sorted.count - 1))] }
    #expect(statistics.quantiles == expected)
    #expect(statistics.count == values.count && statistics.nonFinite == 0)
    #expect(statistics.zeros == values.count { $0 == 0 })
    #expect(statistics.least == -3e38 && statistics.greatest == 3e38)
  }

  @Test("What is not finite is counted and left out of everything else; no value is no quantile")
  func notFinite() throws {
    let statistics = try #require(try WeightStatistics(stored([1, .nan, 3, .infinity, -.infinity, 2])))
    #expect(statistics.nonFinite == 3 && statistics.mean == 2 && statistics.quantiles[5] == 2)
    #expect(abs(statistics.deviation - (2.0 / 3).squareRoot()) < 1e-12)
    let none = try #require(try WeightStatistics(stored([.nan])))
    #expect(none.quantiles.isEmpty && none.histogram.isEmpty && none.nonFinite == 1)
    #expect(try WeightStatistics(StoredTensor(name: "i", shape: [2], integers: [1, 2])) == nil)
  }

  @Test("The histogram counts every finite value once, in bins from the least to the greatest")
  func histogram() throws {
    let statistics = try #require(try WeightStatistics(stored((0..<6_400).map { Float($0) / 6_399 * 2 - 1 })))
    #expect(statistics.histogram.reduce(0, +) == 6_400 && statistics.histogram.count == WeightStatistics.bins)
    let each = 6_400 / WeightStatistics.bins
    #expect(statistics.histogram.allSatisfy { abs($0 - each) <= 5 })
    #expect(try #require(try WeightStatistics(stored([4, 4, 4]))).histogram.max() == 3)
  }

  @Test("A change is the norm of the difference over that of the first")
  func change() throws {
    let change = try TensorChange(stored([3, 4, 0]), stored([3, 4.5, 0]))
    #expect(abs((change.relative ?? 0) - 0.1) < 1e-7 && change.largest == 0.5 && change.changed == 1)
    #expect(try TensorChange(stored([1, 2]), stored([1, 2])).isEqual)
    #expect(try TensorChange(stored([0, 0]), stored([0, 1])).relative == nil)
    let broken = try TensorChange(stored([1, .nan]), stored([1, 2]))
    #expect(broken.nonFinite == 1 && broken.changed == 1 && broken.relative == 0)
    // The same NaN in both is no change; a zero's sign is none either.
    #expect(try TensorChange(stored([.nan, 0]), stored([.nan, -0.0])).isEqual)
  }
}
