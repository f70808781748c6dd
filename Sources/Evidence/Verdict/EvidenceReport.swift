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
  let provenance: EvidenceRun

  private enum CodingKeys: String, CodingKey {
    case attends, contributes, causes, controls, conclusion, n, anecdote, seed, provenance
    case untrainedParts = "untrained_parts"
  }

  package init(_ verdict: EvidenceVerdict, run: EvidenceRun) {
    attends = Tier(verdict.attends)
    contributes = Tier(verdict.contributes)
    causes = Tier(verdict.causes)
    controls = Dictionary(
      uniqueKeysWithValues: verdict.controls.map {
        ($0.name.rawValue, Control(passed: $0.passed, measured: $0.outcome != nil, sentence: $0.sentence))
      })
    conclusion = verdict.conclusion
    n = verdict.n
    anecdote = verdict.anecdote
    seed = verdict.seed
    untrainedParts = verdict.untrainedParts
    provenance = run
  }
}
