package import Statistics

/// A family's mean score with its 95 % interval.
package struct FamilyScore: Sendable, Equatable {
  package let name: String
  /// Number of items.
  package let count: Int
  /// In 0…1.
  package let score: Double
  package let interval: Interval
}

/// How intervals of accuracies are computed.
package enum IntervalMethod: Sendable, Equatable {
  /// Wilson's, as if questions were independent.
  case wilson
  /// By resampling pictures.
  case clusterBootstrap(ClusterBootstrap)

  package var title: String {
    switch self {
    case .wilson: "Wilson"
    case .clusterBootstrap(let bootstrap):
      "bootstrap over images, \(bootstrap.resamples) resamples, seed \(bootstrap.seed)"
    }
  }
}

extension [ScoredItem] {
  /// The families' scores, in the order of their first item.
  package func families(_ method: IntervalMethod) -> [FamilyScore] {
    let resampled: [String: Interval?] =
      switch method {
      case .wilson: [:]
      case .clusterBootstrap(let bootstrap):
        Dictionary(uniqueKeysWithValues: bootstrap.intervals(of: self).map { ($0.family, $0.interval) })
      }
    return grouped(by: \.family).map { family, items in
      FamilyScore(name: family, items: items, interval: resampled[family] ?? nil)
    }
  }

  /// The score over all items; nil of none.
  package func overall(_ method: IntervalMethod) -> FamilyScore? {
    guard !isEmpty else { return nil }
    switch method {
    case .wilson: return FamilyScore(name: "overall", items: self, interval: nil)
    case .clusterBootstrap(let bootstrap):
      return FamilyScore(name: "overall", items: self, interval: bootstrap.interval(of: self))
    }
  }
}

extension FamilyScore {
  /// - Parameter interval: nil for Wilson's.
  fileprivate init(name: String, items: [ScoredItem], interval: Interval?) {
    let mean = items.meanScore ?? 0
    self.init(
      name: name, count: items.count, score: mean, interval: interval ?? .wilson(mean: mean, count: items.count))
  }
}
