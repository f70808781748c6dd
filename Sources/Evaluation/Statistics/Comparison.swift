import Statistics

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
