import Foundation

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

/// A mean with its bootstrap-t interval (Efron & Tibshirani 1993, §12.5): the picture is the unit of resampling, and each
/// resample is studentised by its own spread, so that skewed values keep their tails' rates.
package struct MeanEstimate: Sendable, Hashable {
  package let mean: Double
  /// sd/√n.
  package let standardError: Double
  package let n: Int
  /// (m* − m)/se* of the resamples, ascending, but for those of equal values; empty if all values are equal.
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
        // Of equal values, whose spread is rounding, there is nothing to studentise by.
        guard variance > 1e-12 * squares / count else { return }
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

/// The bootstrap of pairs of pictures and donors: both are drawn anew, and a pair weighs w_picture · w_donor, since pairs
/// that share a donor correlate (the pigeonhole bootstrap: Owen, Annals of Applied Statistics 2007).
package struct TwoWayBootstrap: Sendable {
  package struct Pair: Sendable, Hashable {
    package let picture: Int
    package let donor: Int

    package init(picture: Int, donor: Int) {
      self.picture = picture
      self.donor = donor
    }
  }

  /// Each draw's weight of each pair.
  private let weights: [[Float]]
  package let pairs: Int

  package init(_ pairs: [Pair], draws: Int = 2000, seed: UInt64, stream: String) {
    self.pairs = pairs.count
    func numbered(_ values: [Int]) -> (of: [Int: Int], count: Int) {
      let places = Dictionary(Set(values).sorted().enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
      return (places, places.count)
    }
    let (pictures, donors) = (numbered(pairs.map(\.picture)), numbered(pairs.map(\.donor)))
    let places = pairs.map { (pictures.of[$0.picture] ?? 0, donors.of[$0.donor] ?? 0) }
    var generator = SplitMix64(seed: seed, stream: stream)
    func counts(_ units: Int) -> [Float] {
      var counts = [Float](repeating: 0, count: units)
      for _ in 0..<units { counts[generator.below(units)] += 1 }
      return counts
    }
    weights = (0..<draws).map { _ in
      let (ofPictures, ofDonors) = (counts(pictures.count), counts(donors.count))
      return places.map { ofPictures[$0.0] * ofDonors[$0.1] }
    }
  }

  /// Σw·numerator / Σw·denominator in each draw; nil where the denominator's sum is not above 0.
  package func ratios(_ numerators: [Double], over denominators: [Double]) -> [Double?] {
    precondition(numerators.count == pairs && denominators.count == pairs)
    return weights.map { weights in
      var (top, bottom) = (0.0, 0.0)
      for pair in weights.indices where weights[pair] > 0 {
        top += Double(weights[pair]) * numerators[pair]
        bottom += Double(weights[pair]) * denominators[pair]
      }
      return bottom > 0 ? top / bottom : nil
    }
  }
}

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
