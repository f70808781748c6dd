import Foundation
package import Statistics

/// The three claims about the anchors, tested apart.
package enum EvidenceTier: String, Sendable, Hashable, Codable, CaseIterable {
  /// voco's attention goes to an anchor more than to a patch.
  case attends
  /// What varies in the anchors' values weighs more in voco's head outputs than what varies in the patches'.
  case contributes
  /// The answer follows what the anchors hold.
  case causes
}

package enum VerdictWord: String, Sendable, Hashable, Codable {
  case yes, no, undecided
  case notMeasured = "not measured"
}

/// What was found about one claim.
package struct TierVerdict: Sendable, Hashable {
  package var tier: EvidenceTier
  package var word: VerdictWord
  /// A lift (1 = like a patch) for attends and contributes, a part of the answer moved for causes.
  package var effect: Double?
  /// `nil` for one picture.
  package var interval: Interval?
  /// Pictures.
  package var n: Int
  /// The smallest effect that this many pictures would find with 80 % power: bound + 2.8 standard errors.
  package var smallestDetectable: Double?
  /// The verdict and why, in a sentence or two.
  package var sentence: String
  /// The rule that decided.
  package var rule: String
  /// Further numbers, one sentence each.
  package var details: [String]
  /// What would change the word, in words; `nil` where nothing is known to.
  package var wouldChange: String?
  /// The same-position lift of models of permuted weights, the largest over voco tokens, on the pictures that they see.
  package var nulls: [Double] = []

  package init(
    tier: EvidenceTier, word: VerdictWord, effect: Double? = nil, interval: Interval? = nil, n: Int,
    smallestDetectable: Double? = nil, sentence: String, rule: String, details: [String] = [],
    wouldChange: String? = nil, nulls: [Double] = []
  ) {
    self.tier = tier
    self.word = word
    self.effect = effect
    self.interval = interval
    self.n = n
    self.smallestDetectable = smallestDetectable
    self.sentence = sentence
    self.rule = rule
    self.details = details
    self.wouldChange = wouldChange
    self.nulls = nulls
  }

  /// The smallest effect of interest.
  package var threshold: Double { tier == .causes ? VerdictRule().minimumEffect : VerdictRule().minimumLift }

  /// The effect as the panel prints it: "×8.21", "0.62 of the way".
  package var effectText: String? {
    effect.map { tier == .causes ? "\(significant($0)) of the way" : "×\(significant($0))" }
  }

  /// The interval as the panel prints it: "[6.9, 9.7]".
  package var intervalText: String? { interval.map { "[\(significant($0.low)), \(significant($0.high))]" } }
}

/// An effect with its interval.
package struct EffectEstimate: Sendable, Hashable {
  package var effect: Double
  package var interval: Interval?
  package var standardError: Double
  /// Pictures.
  package var n: Int

  package init(effect: Double, interval: Interval?, standardError: Double, n: Int) {
    (self.effect, self.interval, self.standardError, self.n) = (effect, interval, standardError, n)
  }

  package var text: String {
    significant(effect) + (interval.map { " [\(significant($0.low)), \(significant($0.high))]" } ?? "")
  }
}

/// On which scale effects are read.
package enum EffectScale: String, Sendable, Hashable, Codable {
  /// The logit difference of the two answers.
  case logitDifference = "LD"
  /// The projection of all logits' change.
  case projection = "E"
}

/// How what the anchors hold reaches the answer.
package enum CausalPath: String, Sendable, Hashable, Codable {
  case direct, indirect, both, none
}

/// The numbers of one prompt and voco token.
package struct CausalNumbers: Sendable, Hashable {
  package var scale: EffectScale
  /// Why that scale, in words.
  package var scaleReason: String
  package var quantities: [Interchanged: EffectEstimate]
  /// `content` on the other scale.
  package var otherScale: EffectEstimate?
  /// `content` minus each control.
  package var overControls: [Interchanged: EffectEstimate]
  /// 1 − E(patches)/E(visual); `nil` where E(visual) is not clearly above 0.05.
  package var sufficiency: EffectEstimate?
  /// Geometric mean KL of the edges cut, in nats, and its ratio to as many random patches cut.
  package var presence: EffectEstimate
  package var presenceOverMatched: EffectEstimate
  /// Geometric mean KL(base → donor picture), in nats.
  package var donorKL: EffectEstimate?
  package var pairs: Int
  package var leftOut: Int
  package var outsideMajority: Int
  /// Pairs whose answer became the donor's, and a third one, by `content`.
  package var flipsToDonor: Int
  package var flipsToThird: Int
  package var path: CausalPath?
  package var dependsOnPicture: Bool
  /// Whether as many random patches cut change nothing that can be measured, so that the ratio to them is a lower bound.
  package var isMatchedAtFloor = false

  package var content: EffectEstimate? { quantities[.content] }
}

/// One voco token's three claims.
package struct VocoVerdict: Sendable, Hashable {
  package var attends: TierVerdict
  package var contributes: TierVerdict
  /// One per prompt.
  package var causes: [TierVerdict]
  package var numbers: [CausalNumbers?]
}

/// A control experiment, by the names of the JSON output.
package enum ControlName: String, Sendable, Hashable, Codable, CaseIterable {
  /// Anchors and patches in each other's positions.
  case order
  /// As many patches' values interchanged.
  case content
  /// Pictures with nothing in them but their mean colour.
  case blank
  case randomWeights = "random_weights"
}

/// What a control tells.
package struct ControlResult: Sendable, Hashable {
  package var name: ControlName
  /// `nil` if it was not run or tells nothing.
  package var outcome: Bool?
  package var sentence: String

  package init(name: ControlName, outcome: Bool?, sentence: String) {
    self.name = name
    self.outcome = outcome
    self.sentence = sentence
  }
}

/// A head whose attention to the anchors stands out.
package struct HeadFinding: Sendable, Hashable {
  package var voco: Int
  package var layer: Int
  package var head: Int
  /// The same-position lift.
  package var lift: Double
  /// Family-wise over all live heads.
  package var pValue: Double
}

/// A layer whose attention to the anchors stands out.
package struct LayerFinding: Sendable, Hashable, Encodable {
  package var voco: Int
  package var layer: Int
  /// The same-position lift, the layer's heads pooled.
  package var lift: Double
  /// Family-wise over all live layers.
  package var p: Double
}

/// The whole answer to "does `<voco>` prioritise the anchors?".
package struct EvidenceVerdict: Sendable, Hashable {
  package var attends: TierVerdict
  package var contributes: TierVerdict
  package var causes: TierVerdict
  /// Every voco token's own.
  package var vocos: [VocoVerdict]
  /// The voco token that the headline speaks of, and the prompt that "causes" does.
  package var headlineVoco: Int
  package var headlinePrompt = 0
  package var prompts: [String]
  /// One of each name, in the order of `ControlName`.
  package var controls: [ControlResult]
  /// Heads that stand out, the most first.
  package var heads: [HeadFinding]
  /// Layers that stand out, in their order.
  package var layers: [LayerFinding] = []
  /// What single heads carry of what the anchors hold, a prompt; empty where that was not measured.
  package var headEffects: [HeadEffects] = []
  /// What came out, in one sentence.
  package var headline: String
  /// The headline, what limits it, and what would change it.
  package var conclusion: String
  /// Pictures.
  package var n: Int
  /// Too few pictures to speak of pictures in general.
  package var anecdote: Bool
  package var seed: UInt64
  package var untrainedParts: [String]
  /// Layers of voco that text reads.
  package var liveLayers: Int

  package init(
    attends: TierVerdict, contributes: TierVerdict, causes: TierVerdict, vocos: [VocoVerdict], headlineVoco: Int,
    prompts: [String], controls: [ControlResult], heads: [HeadFinding], headline: String, conclusion: String, n: Int,
    anecdote: Bool, seed: UInt64, untrainedParts: [String], liveLayers: Int
  ) {
    self.attends = attends
    self.contributes = contributes
    self.causes = causes
    self.vocos = vocos
    self.headlineVoco = headlineVoco
    self.prompts = prompts
    self.controls = controls
    self.heads = heads
    self.headline = headline
    self.conclusion = conclusion
    self.n = n
    self.anecdote = anecdote
    self.seed = seed
    self.untrainedParts = untrainedParts
    self.liveLayers = liveLayers
  }

  package var tiers: [TierVerdict] { [attends, contributes, causes] }

  /// The numbers behind `causes`.
  package var causalNumbers: CausalNumbers? {
    guard vocos.indices.contains(headlineVoco), vocos[headlineVoco].numbers.indices.contains(headlinePrompt) else {
      return nil
    }
    return vocos[headlineVoco].numbers[headlinePrompt]
  }

  /// Which of several prompts `causes` and its numbers are of; nothing where there is one.
  package var askedWords: String { prompts.count > 1 ? "asked “\(prompts[headlinePrompt])”" : "" }
  /// The same behind a title.
  package var askedClause: String { askedWords.isEmpty ? "" : ", \(askedWords)" }
}

extension EvidenceVerdict {
  /// The same words about another token than voco.
  func speaking(of asker: String) -> EvidenceVerdict {
    let renamed = { (text: String) -> String in
      let named = text.replacing(#/<voco>|\bvoco\b/#, with: asker)
      return named.hasPrefix(asker) ? named.prefix(1).uppercased() + named.dropFirst() : named
    }
    let ofTier = { (tier: TierVerdict) -> TierVerdict in
      var tier = tier
      (tier.sentence, tier.rule, tier.details) = (renamed(tier.sentence), renamed(tier.rule), tier.details.map(renamed))
      tier.wouldChange = tier.wouldChange.map(renamed)
      return tier
    }
    var verdict = self
    (verdict.attends, verdict.contributes, verdict.causes) = (ofTier(attends), ofTier(contributes), ofTier(causes))
    for index in vocos.indices {
      verdict.vocos[index].attends = ofTier(vocos[index].attends)
      verdict.vocos[index].contributes = ofTier(vocos[index].contributes)
      verdict.vocos[index].causes = vocos[index].causes.map(ofTier)
    }
    for index in controls.indices { verdict.controls[index].sentence = renamed(controls[index].sentence) }
    (verdict.headline, verdict.conclusion) = (renamed(headline), renamed(conclusion))
    return verdict
  }
}

/// The thresholds of the verdicts, fixed before the data are seen and printed with every verdict.
package struct VerdictRule: Sendable, Hashable, Codable {
  /// The smallest lift worth the word "prioritises".
  package var minimumLift = 1.25
  /// The smallest part of the answer's way to a donor's that is worth the word "causes".
  package var minimumEffect = 0.05
  /// Of the intervals, before it is divided among voco tokens and prompts.
  package var error = 0.05
  /// Under this many pictures the verdict is an anecdote.
  package var anecdoteBelow = 30
  /// Pictures outside the majority answer that a cause needs.
  package var fewestOutsideMajority = 10
  /// Pairs whose whole way is shorter are left out of the logit difference's effect.
  package var smallestDenominator = 0.5
  /// The part of pairs that may be left out so.
  package var mostLeftOut = 0.2
  /// A KL below this many times the noise of a rerun, or below `smallestKL`, is none.
  package var noiseMultiple = 10.0
  package var smallestKL = 1e-6
  /// A geometric mean KL of cut edges above this is "large", in nats.
  package var largePresence = 0.01
  /// Anchors suffice from this part of the answer that stays with them.
  package var sufficient = 0.5
  /// "The donor's answer arrives" is said from this effect.
  package var arrives = 0.9
  package var randomModels = 39
  /// Heads and layers are tested from this many pictures on.
  package var fewestFlipped = 6

  package init() {}

  var logMinimumLift: Double { log(minimumLift) }

  /// A KL below this is none.
  ///
  /// - Parameter noise: the KL of a rerun.
  package func floor(noise: Double) -> Double { max(smallestKL, noiseMultiple * noise) }

  /// The rule of a claim in words.
  package func sentence(_ tier: EvidenceTier, anchors: Int, patches: Int) -> String {
    switch tier {
    case .attends: attendsSentence(anchors, patches)
    case .contributes: contributesSentence(anchors, patches)
    case .causes: causesSentence(anchors)
    }
  }

  private var decision: String {
    let bound = "×\(decimal(minimumLift, digits: 2))"
    return
      "The lower of it and the same-position lift decides. Yes: its interval lies above \(bound), and the same-position lift on "
      + "the pictures that models of permuted weights see above that of each of them (\(randomModels) models, p = "
      + "1/\(randomModels + 1)). No: the interval lies below \(bound). Else, and under \(anecdoteBelow) pictures, undecided. "
      + "Untrained parts: never yes."
  }

  private func attendsSentence(_ anchors: Int, _ patches: Int) -> String {
    "Lift = (anchor share/\(anchors))/(patch share/\(patches)) of the softmax weights, means over live layers and heads, "
      + "geometric mean over pictures, bootstrap-t interval. " + decision
  }

  private func contributesSentence(_ anchors: Int, _ patches: Int) -> String {
    "The same lift of α·‖(v − v_donor)·W_o‖/√2, root-mean-square over donor pictures: a vector that is the same in every "
      + "picture carries nothing. " + decision
  }

  private func causesSentence(_ anchors: Int) -> String {
    let bound = decimal(minimumEffect, digits: 2)
    return
      "Effect = the part of the answer's way to a donor picture's answer that putting the donor's values of the \(anchors > 0 ? "\(anchors) anchors" : "anchors") "
      + "into voco's edges goes (LD: logit difference of the two answers; E: projection of all logits), ratio of sums over "
      + "pairs, bootstrap over pictures and donors. Yes: its interval lies above \(bound), it exceeds as many random, most attended, "
      + "largest-norm and nearest patches of the same donor, and no model of permuted weights moves its logits as far on the "
      + "same pairs. No: "
      + "both LD's and E's intervals lie inside ±\(bound). Else, under \(anecdoteBelow) pictures, or with fewer than "
      + "\(fewestOutsideMajority) pictures outside the majority answer, undecided. Untrained parts: never yes."
  }
}
