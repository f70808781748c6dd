import JSON
package import Statistics

/// What a changed run of a model gains or loses on the items that the unchanged run answered too.
package struct PairedDifference: Sendable, Equatable {
  /// In the order of their first item.
  package let families: [PairedMeans]
  /// Over all items; nil of none.
  package let overall: PairedMeans?

  package init(before: [ScoredItem], after: [ScoredItem], method: IntervalMethod) {
    let changed = Dictionary(uniqueKeysWithValues: after.map { ($0.key, $0.score) })
    let pairs = before.compactMap { item in changed[item.key].map { ScorePair(item: item, after: $0) } }
    families = pairs.grouped(by: \.item.family).map { PairedMeans($0.key, $0.elements, method) }
    overall = pairs.isEmpty ? nil : PairedMeans("overall", pairs, method)
  }
}

/// An item's score in both runs.
private struct ScorePair {
  let item: ScoredItem
  let after: Double

  var difference: Double { after - item.score }
}

extension PairedMeans {
  fileprivate init(_ name: String, _ pairs: [ScorePair], _ method: IntervalMethod) {
    let before = mean(pairs.map(\.item.score)) ?? 0
    let after = mean(pairs.map(\.after)) ?? 0
    let interval: Interval
    switch method {
    case .wilson: interval = .newcombe(before: pairs.map(\.item.score), after: pairs.map(\.after))
    case .clusterBootstrap(let bootstrap):
      let clusters = pairs.grouped(by: \.item.cluster).map { group in
        (sum: group.elements.reduce(0) { $0 + $1.difference }, count: group.elements.count)
      }
      interval = Self.resampled(clusters, bootstrap)
    }
    self.init(
      name: name, count: pairs.count, before: before, after: after, interval: interval,
      lost: pairs.count { $0.difference < 0 }, gained: pairs.count { $0.difference > 0 })
  }

  /// The central 95 % of the resampled mean difference; where nothing differs, no resample does either, and up to three
  /// of n pictures may still be changed (the rule of three, Hanley & Lippman-Hand 1983).
  private static func resampled(
    _ clusters: [(sum: Double, count: Int)], _ bootstrap: ClusterBootstrap
  ) -> Interval {
    guard clusters.contains(where: { $0.sum != 0 }) else {
      let most = min(1, 3 / Double(clusters.count))
      return Interval(low: -most, high: most)
    }
    var means: [Double] = []
    bootstrap.forEachResample(of: clusters.count) { weights in
      var (sum, count) = (0.0, 0)
      for (weight, cluster) in zip(weights, clusters) where weight > 0 {
        sum += Double(weight) * cluster.sum
        count += weight * cluster.count
      }
      if count > 0 { means.append(sum / Double(count)) }
    }
    return Interval.percentile(means) ?? Interval(low: -1, high: 1)
  }
}

extension Interval {
  /// The interval of a difference of paired proportions by squaring and adding Wilson's (Newcombe 1998, method 10).
  ///
  /// With φ the scores' correlation, corrected for continuity where it is positive: lower
  /// d − √((p₂−l₂)² − 2φ(p₂−l₂)(u₁−p₁) + (u₁−p₁)²), upper likewise. Scores may be fractions.
  package static func newcombe(before: [Double], after: [Double]) -> Interval {
    precondition(before.count == after.count && !before.isEmpty)
    let n = Double(before.count)
    let (first, second) = (before.reduce(0, +) / n, after.reduce(0, +) / n)
    let product = zip(before, after).reduce(0) { $0 + $1.0 * $1.1 } / n
    var covariance = product - first * second
    if covariance > 0 { covariance = max(0, covariance - 1 / (2 * n)) }
    let spread = (first * (1 - first) * second * (1 - second)).squareRoot()
    let correlation = spread > 0 ? max(-1, min(1, covariance / spread)) : 0
    let (a, b) = (Interval.wilson(mean: first, count: before.count), Interval.wilson(mean: second, count: before.count))
    func reach(_ x: Double, _ y: Double) -> Double { (x * x - 2 * correlation * x * y + y * y).squareRoot() }
    let difference = second - first
    return Interval(
      low: max(-1, difference - reach(second - b.low, a.high - first)),
      high: min(1, difference + reach(b.high - second, first - a.low)))
  }
}

/// A seeded bootstrap over clusters: questions about one picture are not independent, so pictures are resampled.
package struct ClusterBootstrap: Sendable, Equatable {
  package var resamples: Int
  package var seed: UInt64

  package init(resamples: Int = 2000, seed: UInt64 = 0) {
    precondition(resamples > 0, "a bootstrap has resamples")
    self.resamples = resamples
    self.seed = seed
  }

  /// Calls `body` with the weight of each cluster in each resample, that is how often it was drawn.
  func forEachResample(of clusters: Int, _ body: (_ weights: [Int]) -> Void) {
    var weights = [Int](repeating: 0, count: clusters)
    Resampling(units: clusters, draws: resamples).forEach(SplitMix64(seed: seed)) { drawn in
      for cluster in weights.indices { weights[cluster] = 0 }
      for cluster in drawn { weights[cluster] += 1 }
      body(weights)
    }
  }

  /// The interval of each family's mean score; families in the order of their first item.
  ///
  /// A resample without an item of a family says nothing about that family.
  func intervals(of items: [ScoredItem]) -> [(family: String, interval: Interval?)] {
    let table = ClusterTable(items)
    var means = [[Double]](repeating: [], count: table.families.count)
    forEachResample(of: table.clusterCount) { weights in
      for (family, mean) in table.means(weights).enumerated() {
        if let mean { means[family].append(mean) }
      }
    }
    return zip(table.families, means).map { ($0, Interval.percentile($1)) }
  }

  /// The interval of the mean score over all items.
  func interval(of items: [ScoredItem]) -> Interval? {
    let pooled = items.map { ScoredItem(key: $0.key, family: "", cluster: $0.cluster, score: $0.score) }
    return intervals(of: pooled).first?.interval
  }
}

/// Sums and counts of scores by cluster and family.
struct ClusterTable {
  let families: [String]
  let clusterCount: Int
  private let cells: [Cell]

  private struct Cell {
    let cluster: Int
    let family: Int
    var sum: Double
    var count: Int
  }

  init(_ items: [ScoredItem]) {
    let families = items.grouped(by: \.family).map(\.key)
    let clusters = items.grouped { ExactText($0.cluster) }
    let places = Dictionary(uniqueKeysWithValues: families.enumerated().map { ($0.element, $0.offset) })
    self.families = families
    clusterCount = clusters.count
    cells = clusters.enumerated().flatMap { cluster, group in
      group.elements.grouped(by: \.family).map { family, items in
        Cell(cluster: cluster, family: places[family] ?? 0, sum: items.reduce(0) { $0 + $1.score }, count: items.count)
      }
    }
  }

  /// Each family's mean where cluster c counts `weights[c]` times; nil without a question.
  func means(_ weights: [Int]) -> [Double?] {
    var sums = [Double](repeating: 0, count: families.count)
    var counts = [Int](repeating: 0, count: families.count)
    for cell in cells where weights[cell.cluster] > 0 {
      sums[cell.family] += Double(weights[cell.cluster]) * cell.sum
      counts[cell.family] += weights[cell.cluster] * cell.count
    }
    return zip(sums, counts).map { $1 > 0 ? $0 / Double($1) : nil }
  }
}
