import Statistics

/// What `verify --format json` prints: a verdict by the names of the published format, with its provenance.
package struct EvidenceReport: Sendable, Hashable, Encodable {
  /// One claim.
  package struct Tier: Sendable, Hashable, Encodable {
    /// `yes`, `no` or `undecided`; what was not measured is undecided.
    let verdict: String
    let measured: Bool
    let effect: Double?
    let unit: String
    let interval: Interval?
    let n: Int
    let sentence: String
    let rule: String
    let details: [String]

    private enum CodingKeys: String, CodingKey {
      case verdict, measured, effect, unit, interval, n, sentence, rule, details
    }

    /// Writes every key, `null` for what was not measured.
    package func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(verdict, forKey: .verdict)
      try values.encode(measured, forKey: .measured)
      try values.encode(effect, forKey: .effect)
      try values.encode(unit, forKey: .unit)
      try values.encode(interval, forKey: .interval)
      try values.encode(n, forKey: .n)
      try values.encode(sentence, forKey: .sentence)
      try values.encode(rule, forKey: .rule)
      try values.encode(details, forKey: .details)
    }

    init(_ tier: TierVerdict) {
      measured = tier.word != .notMeasured
      verdict = (measured ? tier.word : .undecided).rawValue
      effect = tier.effect
      unit = tier.tier == .causes ? "KL, nats" : "lift"
      interval = tier.interval
      n = tier.n
      sentence = tier.sentence
      rule = tier.rule
      details = tier.details
    }
  }

  /// One control.
  package struct Control: Sendable, Hashable, Encodable {
    let passed: Bool
    let measured: Bool
    let sentence: String
    let details: [String]
  }

  /// The run, its pictures and its draws: what makes it repeatable.
  package struct Provenance: Sendable, Hashable, Encodable {
    let run: EvidenceRun
    let inputs: EvidenceInputs

    /// Writes both side by side.
    package func encode(to encoder: any Encoder) throws {
      try run.encode(to: encoder)
      try inputs.encode(to: encoder)
    }
  }

  /// What the run's maps, figures and texts are made of.
  package struct Measurements: Sendable, Hashable, Encodable {
    package let numbers: [Measurement]
    package let maps: EvidenceMaps
    package let blanks: [BlankPicture]
    package let randomModels: [RandomModelRun]
    /// The same of the model under test, on the pictures that they saw; `nil` if there were none.
    package let tested: RandomModelRun?
    /// The paper's heat map, unshortened.
    package let rows: [VocoRow]

    private enum CodingKeys: String, CodingKey {
      case numbers, maps, blanks, rows, tested
      case randomModels = "random_models"
    }

    package init(_ summary: EvidenceSummary, _ engine: VerdictEngine) {
      numbers = engine.measurements(summary)
      maps = EvidenceMaps(summary)
      blanks = summary.blanks
      randomModels = summary.randomModels
      tested = summary.tested
      rows = summary.rows
    }

    /// The number of that name; `nil` if it was not measured.
    package subscript(name: String) -> Measurement? { numbers.first { $0.name == name } }
  }

  let attends: Tier
  let contributes: Tier
  let causes: Tier
  let controls: [String: Control]
  let conclusion: String
  let n: Int
  let anecdote: Bool
  let seed: UInt64
  let untrainedParts: [String]
  let provenance: Provenance
  let measurements: Measurements

  private enum CodingKeys: String, CodingKey {
    case attends, contributes, causes, controls, conclusion, n, anecdote, seed, provenance, measurements
    case untrainedParts = "untrained_parts"
  }

  package init(_ verdict: EvidenceVerdict, run: EvidenceRun, inputs: EvidenceInputs, measurements: Measurements) {
    attends = Tier(verdict.attends)
    contributes = Tier(verdict.contributes)
    causes = Tier(verdict.causes)
    controls = Dictionary(
      uniqueKeysWithValues: verdict.controls.map {
        (
          $0.name.rawValue,
          Control(passed: $0.passed, measured: $0.outcome != nil, sentence: $0.sentence, details: $0.details)
        )
      })
    conclusion = verdict.conclusion
    n = verdict.n
    anecdote = verdict.anecdote
    seed = verdict.seed
    untrainedParts = verdict.untrainedParts
    provenance = Provenance(run: run, inputs: inputs)
    self.measurements = measurements
  }
}

/// What a run was fed, beside the model: named in its provenance.
package struct EvidenceInputs: Sendable, Hashable, Codable {
  /// Pictures of the whole run.
  package var pictures: Int
  /// SHA-256 over the pictures' own SHA-256, in the order of the run.
  package var picturesSHA256: String
  /// Matched draws a picture.
  package var draws: Int
  /// Matched draws a picture of the cuts in one layer or head.
  package var localDraws: Int
  /// Randomly weighted models.
  package var randomModels: Int

  package init(pictures: Int, picturesSHA256: String, draws: Int, localDraws: Int, randomModels: Int) {
    self.pictures = pictures
    self.picturesSHA256 = picturesSHA256
    self.draws = draws
    self.localDraws = localDraws
    self.randomModels = randomModels
  }
}
