/// The benchmarks whose files and scoring rules are known.
package enum Benchmark: String, Sendable, CaseIterable {
  /// LLaVA's question format with the answers in it, scored by exact match.
  case llava
  case pope
  case mme
  case gqa
  case vqav2
  case mmbench
  case seedbench
  case scienceqa

  /// The name that papers print.
  package var title: String {
    switch self {
    case .llava: "Questions"
    case .pope: "POPE"
    case .mme: "MME"
    case .gqa: "GQA"
    case .vqav2: "VQAv2"
    case .mmbench: "MMBench"
    case .seedbench: "SEED-Bench (image)"
    case .scienceqa: "ScienceQA (image)"
    }
  }
}

extension QuestionSet {
  /// How a benchmark's files are read, where there is a choice.
  package struct Options: Sendable, Equatable {
    /// Where the right answers are, if apart from the questions.
    package var annotations: String?
    /// MMBench: ask every rotation of the options.
    package var circular: Bool
    /// ScienceQA: which split of `pid_splits.json`.
    package var split: String

    package init(annotations: String? = nil, circular: Bool = true, split: String = "test") {
      self.annotations = annotations
      self.circular = circular
      self.split = split
    }
  }

  /// Reads a benchmark's questions.
  ///
  /// - Parameters:
  ///   - path: the benchmark's own file or directory, or LLaVA's question file for it.
  ///   - options: see each benchmark's type for the files that it needs.
  /// - Throws: `EvaluationError` that names file, line and key.
  package init(_ benchmark: Benchmark, path: String, options: Options = Options()) throws(EvaluationError) {
    let questions =
      switch benchmark {
      case .llava: try LLaVAQuestions.readAnswered(path)
      case .pope: try POPE.read(path, annotations: options.annotations)
      case .mme: try MME.read(path, annotations: options.annotations)
      case .gqa: try GQA.read(path, annotations: options.annotations)
      case .vqav2: try VQAv2.read(path, annotations: options.annotations)
      case .mmbench: try MMBench.read(path, circular: options.circular)
      case .seedbench: try SEEDBench.read(path, annotations: options.annotations)
      case .scienceqa: try ScienceQA.read(path, annotations: options.annotations, split: options.split)
      }
    try self.init(benchmark: benchmark, file: path, questions: questions)
  }
}

extension Benchmark {
  /// Items and figures of answered questions by the benchmark's rules.
  func score(_ answered: [AnsweredQuestion], of questions: [Question]) -> ([ScoredItem], [Metric]) {
    func withAccuracy(_ items: [ScoredItem]) -> ([ScoredItem], [Metric]) {
      (items, [Metric(name: "accuracy", value: items.meanScore, isHeadline: true)])
    }
    switch self {
    case .llava: return withAccuracy(ExactMatch.items(answered))
    case .pope: return (POPE.items(answered), POPE.metrics(answered))
    case .mme: return (MME.items(answered), MME.metrics(answered))
    case .gqa:
      let items = ExactMatch.items(answered)
      return (items, GQA.metrics(items))
    case .vqav2: return withAccuracy(VQAv2.items(answered))
    case .mmbench:
      let items = MMBench.items(answered, of: questions)
      return (items, MMBench.metrics(answered, items: items))
    case .seedbench: return withAccuracy(SEEDBench.items(answered))
    case .scienceqa: return withAccuracy(ScienceQA.items(answered))
    }
  }
}

extension [ScoredItem] {
  /// The mean score; nil of no items.
  package var meanScore: Double? {
    isEmpty ? nil : reduce(0) { $0 + $1.score } / Double(count)
  }
}
