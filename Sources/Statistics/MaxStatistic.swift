/// Which of many cells lie above a bound, with the family-wise error over all of them: the largest statistic of any cell
/// under random flips of the pictures' signs (Westfall & Young 1993), so that one cell among a thousand can be found.
package struct MaxStatistic: Sendable {
  /// `[cells]`, mean(x)/(sd + 1e-6).
  package let statistics: [Double]
  /// `[cells]`, (1 + flips whose largest statistic reaches the cell's)/(1 + flips).
  package let pValues: [Double]

  /// - Parameter values: `[pictures][cells]`, minus the bound; one-sided, above 0.
  package init(_ values: [[Double]], flips: Int = 4999, seed: UInt64, stream: String = "max-T") {
    let (count, cells) = (values.count, values.first?.count ?? 0)
    precondition(values.allSatisfy { $0.count == cells }, "every picture has all cells")
    guard count > 1, cells > 0 else {
      statistics = [Double](repeating: 0, count: cells)
      pValues = [Double](repeating: 1, count: cells)
      return
    }
    let squares = (0..<cells).map { cell in values.reduce(0) { $0 + $1[cell] * $1[cell] } }
    func statistic(_ sum: Double, _ cell: Int) -> Double {
      let mean = sum / Double(count)
      let variance = max(0, squares[cell] - Double(count) * mean * mean) / Double(count - 1)
      return mean / (variance.squareRoot() + 1e-6)
    }
    let observed = (0..<cells).map { cell in statistic(values.reduce(0) { $0 + $1[cell] }, cell) }
    var generator = SplitMix64(seed: seed, stream: stream)
    var largest: [Double] = []
    largest.reserveCapacity(flips)
    var sums = [Double](repeating: 0, count: cells)
    for _ in 0..<flips {
      for cell in 0..<cells { sums[cell] = 0 }
      var bits: UInt64 = 0
      for picture in 0..<count {
        if picture % 64 == 0 { bits = generator.next() }
        let sign: Double = bits & 1 == 1 ? -1 : 1
        bits >>= 1
        values[picture].withUnsafeBufferPointer { row in for cell in 0..<cells { sums[cell] += sign * row[cell] } }
      }
      largest.append((0..<cells).reduce(-Double.infinity) { max($0, statistic(sums[$1], $1)) })
    }
    largest.sort()
    statistics = observed
    pValues = observed.map { value in
      // The number of flips whose largest statistic is below, by bisection.
      let tolerance = 1e-12 * abs(value)
      var (low, high) = (0, largest.count)
      while low < high {
        let middle = (low + high) / 2
        if largest[middle] < value - tolerance { low = middle + 1 } else { high = middle }
      }
      return Double(1 + flips - low) / Double(1 + flips)
    }
  }
}
