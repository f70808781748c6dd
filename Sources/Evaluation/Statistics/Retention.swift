package import Statistics

/// How much of the distance from a lower to an upper bound a model keeps: the mean over families of
/// (result − lower) / (upper − lower).
///
/// The rule, stated beforehand: a family whose bounds lie within ten points of each other is reported but left out, as
/// the quotient would be noise. Which families those are is decided once, on the scores themselves, not in each
/// resample. All three models are compared on the items that all three answered.
package struct Retention: Sendable, Equatable {
  /// Bounds this close, as a share of 1, leave a family out.
  package static let closest = 0.10
  /// Means of whole questions reach ten points only up to rounding.
  private static let rounding = 1e-9

  package struct Family: Sendable, Equatable {
    package let name: String
    package let count: Int
    package let result: Double
    package let lower: Double
    package let upper: Double

    /// Whether the bounds are further apart than `closest`.
    package var isKept: Bool { upper - lower > Retention.closest + Retention.rounding }
    /// (result − lower) / (upper − lower); nil for a family that is left out.
    package var retention: Double? { isKept ? (result - lower) / (upper - lower) : nil }
  }

  package let families: [Family]
  /// Mean over the families that are kept; nil if none is.
  package let mean: Double?
  /// Cluster bootstrap of the mean, the three models resampled together.
  package let interval: Interval?

  package init(
    result: [ScoredItem], lower: [ScoredItem], upper: [ScoredItem], bootstrap: ClusterBootstrap = ClusterBootstrap()
  ) {
    let common = Set(result.map(\.key)).intersection(lower.map(\.key)).intersection(upper.map(\.key))
    let tables = [result, lower, upper].map { items in
      ClusterTable(items.filter { common.contains($0.key) }.sorted { $0.key < $1.key })
    }
    let names = tables[0].families
    precondition(tables.allSatisfy { $0.families == names }, "the models were asked the same questions")
    let counts = result.filter { common.contains($0.key) }.grouped(by: \.family)
    let sizes = Dictionary(uniqueKeysWithValues: counts.map { ($0.key, $0.elements.count) })
    let once = [Int](repeating: 1, count: tables[0].clusterCount)
    let means = tables.map { $0.means(once) }
    let families = names.indices.map { family in
      Family(
        name: names[family], count: sizes[names[family]] ?? 0, result: means[0][family] ?? 0,
        lower: means[1][family] ?? 0, upper: means[2][family] ?? 0)
    }
    self.families = families
    let kept = families.indices.filter { families[$0].isKept }
    mean = Self.mean(of: families.compactMap(\.retention))
    var resampled: [Double] = []
    if !kept.isEmpty {
      bootstrap.forEachResample(of: tables[0].clusterCount) { weights in
        let means = tables.map { $0.means(weights) }
        let quotients = kept.compactMap { Self.quotient(means[0][$0], means[1][$0], means[2][$0]) }
        if quotients.count == kept.count, let mean = Self.mean(of: quotients) { resampled.append(mean) }
      }
    }
    interval = Interval.percentile(resampled)
  }

  /// nil where a resample has no question of the family or its bounds meet; such a resample is dropped.
  private static func quotient(_ result: Double?, _ lower: Double?, _ upper: Double?) -> Double? {
    guard let result, let lower, let upper, abs(upper - lower) > rounding else { return nil }
    return (result - lower) / (upper - lower)
  }

  private static func mean(of values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }
}
