package import Statistics

/// The three claims about the anchors, tested apart.
package enum EvidenceTier: String, Sendable, Hashable, Codable, CaseIterable {
  /// voco's attention goes to an anchor more than to a patch.
  case attends
  /// The anchors' values weigh more in voco's head outputs than the patches'.
  case contributes
  /// What the model says depends on voco seeing the anchors, more than on as many patches.
  case causes
}

package enum VerdictWord: String, Sendable, Hashable, Codable {
  case yes, no, undecided
  case notMeasured = "not measured"
}

/// What was found about one claim.
package struct TierVerdict: Sendable, Hashable, Codable {
  package var tier: EvidenceTier
  package var word: VerdictWord
  /// The effect size: a lift (1 = like a patch) for attends and contributes, a KL in nats for causes.
  package var effect: Double?
  /// The effect's confidence interval; `nil` for one picture.
  package var interval: Interval?
  /// Pictures.
  package var n: Int
  /// The verdict and why, in a sentence or two.
  package var sentence: String
  /// The rule that decided.
  package var rule: String
  /// Further numbers, one sentence each.
  package var details: [String]

  package init(
    tier: EvidenceTier, word: VerdictWord, effect: Double? = nil, interval: Interval? = nil, n: Int, sentence: String,
    rule: String, details: [String] = []
  ) {
    self.tier = tier
    self.word = word
    self.effect = effect
    self.interval = interval
    self.n = n
    self.sentence = sentence
    self.rule = rule
    self.details = details
  }

  /// The effect as the panel prints it: "×8.21", "KL 0.02".
  package var effectText: String? {
    effect.map { tier == .causes ? "KL \(significant($0))" : "×\(significant($0))" }
  }

  /// The interval as the panel prints it: "[6.9, 9.7]".
  package var intervalText: String? {
    interval.map { "[\(significant($0.low)), \(significant($0.high))]" }
  }
}

/// A control experiment, by the names of the JSON output.
package enum ControlName: String, Sendable, Hashable, Codable, CaseIterable {
  /// Anchors behind the patches, or swapped with patches.
  case order
  /// Anchors of another picture.
  case content
  /// Blank and noise pictures.
  case blank
  case randomWeights = "random_weights"
}

/// What a control tells.
package struct ControlResult: Sendable, Hashable, Codable {
  package var name: ControlName
  /// `nil` if the control was not run.
  package var outcome: Bool?
  package var sentence: String
  /// What each of its variants showed, one sentence each.
  package var details: [String]

  package init(name: ControlName, outcome: Bool?, sentence: String, details: [String] = []) {
    self.name = name
    self.outcome = outcome
    self.sentence = sentence
    self.details = details
  }

  /// A control that was not run is not passed.
  package var passed: Bool { outcome == true }
}

/// The whole answer to "does `<voco>` prioritise the anchors?".
package struct EvidenceVerdict: Sendable, Hashable, Codable {
  package var attends: TierVerdict
  package var contributes: TierVerdict
  package var causes: TierVerdict
  /// One of each name, in the order of `ControlName`.
  package var controls: [ControlResult]
  /// The three verdicts in one sentence.
  package var conclusion: String
  /// Pictures.
  package var n: Int
  /// Too few pictures to speak of pictures in general.
  package var anecdote: Bool
  package var seed: UInt64
  package var untrainedParts: [String]

  package init(
    attends: TierVerdict, contributes: TierVerdict, causes: TierVerdict, controls: [ControlResult],
    conclusion: String, n: Int, anecdote: Bool, seed: UInt64, untrainedParts: [String]
  ) {
    self.attends = attends
    self.contributes = contributes
    self.causes = causes
    self.controls = controls
    self.conclusion = conclusion
    self.n = n
    self.anecdote = anecdote
    self.seed = seed
    self.untrainedParts = untrainedParts
  }

  package var tiers: [TierVerdict] { [attends, contributes, causes] }
}
