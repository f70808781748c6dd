package import Statistics

/// One model's part of a comparison.
package struct ModelReport: Sendable, Equatable {
  package let model: String
  package let scorecard: Scorecard
  package let families: [FamilyScore]
  /// nil where nothing was answered.
  package let overall: FamilyScore?
  /// The mean of the families' scores, each counting the same; nil where nothing was answered.
  package var familyMean: Double? {
    families.isEmpty ? nil : families.reduce(0) { $0 + $1.score } / Double(families.count)
  }
  /// Against the comparison's bounds; nil for the bounds themselves and where there are none.
  package let retention: Retention?
}

/// The scores of several models on the same questions.
package struct Comparison: Sendable, Equatable {
  /// Which models bound the others (places among the models).
  package struct Bounds: Sendable, Equatable {
    package let lower: Int
    package let upper: Int

    package init(lower: Int, upper: Int) {
      self.lower = lower
      self.upper = upper
    }
  }

  package let benchmark: Benchmark
  package let file: String
  package let questionCount: Int
  package let method: IntervalMethod
  package let models: [ModelReport]

  /// Scores each model's answers.
  ///
  /// - Parameters:
  ///   - answers: by model, the text for the question of each index.
  ///   - bounds: the models that retention is measured against.
  ///   - bootstrap: for retention's interval.
  package init(
    _ questions: QuestionSet, answers: [(model: String, answers: [Int: String])], method: IntervalMethod = .wilson,
    bounds: Bounds? = nil, bootstrap: ClusterBootstrap = ClusterBootstrap()
  ) {
    if let bounds {
      precondition(
        answers.indices.contains(bounds.lower) && answers.indices.contains(bounds.upper), "bounds are models")
    }
    benchmark = questions.benchmark
    file = questions.file
    questionCount = questions.questions.count
    self.method = method
    let scorecards = answers.map { questions.score($0.answers) }
    models = answers.indices.map { place in
      let items = scorecards[place].items
      let retention: Retention? = bounds.flatMap { bounds in
        if place == bounds.lower || place == bounds.upper { return nil }
        return Retention(
          result: items, lower: scorecards[bounds.lower].items, upper: scorecards[bounds.upper].items,
          bootstrap: bootstrap)
      }
      return ModelReport(
        model: answers[place].model, scorecard: scorecards[place], families: items.families(method),
        overall: items.overall(method), retention: retention)
    }
  }

  /// The families of all models, in the order of the questions.
  package var familyNames: [String] {
    models.flatMap { $0.families.map(\.name) }.grouped(by: \.self).map(\.key)
  }
}

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
