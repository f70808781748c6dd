import JSON
import Statistics

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
