import Foundation
import Statistics
package import Trace

/// What `verify --format json` prints: a verdict by the names of the published format, with its provenance.
package struct EvidenceReport: Sendable, Encodable {
  /// An effect and its interval.
  struct Effect: Encodable {
    let effect: Double
    let interval: Interval?
    let n: Int

    init(_ estimate: EffectEstimate) {
      effect = estimate.effect
      interval = estimate.interval
      n = estimate.n
    }

    private enum CodingKeys: String, CodingKey { case effect, interval, n }

    func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(effect, forKey: .effect)
      try values.encode(interval, forKey: .interval)
      try values.encode(n, forKey: .n)
    }
  }

  /// One claim; `causes` has the numbers behind it too.
  struct Tier: Encodable {
    let tier: TierVerdict
    let numbers: CausalNumbers?
    /// The prompt that `causes` speaks of.
    var prompt: String?

    private enum Key: String, CodingKey {
      case verdict, measured, effect, unit, interval, n, sentence, rule, details, nulls, scale, path, flips, donors
      case prompt
      case smallestDetectable = "smallest_detectable"
      case leftOut = "left_out"
      case content, steering, edges, total, sufficiency, presence, patches, visual
      case otherScale = "content_other_scale"
      case overControls = "content_over_controls"
      case presenceOverMatched = "presence_over_matched"
      case donorKL = "donor_kl"
    }

    /// Writes every key, `null` for what was not measured.
    func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: Key.self)
      let measured = tier.word != .notMeasured
      try values.encode((measured ? tier.word : .undecided).rawValue, forKey: .verdict)
      try values.encode(measured, forKey: .measured)
      try values.encode(tier.effect, forKey: .effect)
      try values.encode(
        tier.tier == .causes ? "part of the answer's way to the donor's" : "lift", forKey: .unit)
      try values.encode(tier.interval, forKey: .interval)
      try values.encode(tier.n, forKey: .n)
      try values.encode(tier.smallestDetectable, forKey: .smallestDetectable)
      try values.encode(tier.sentence, forKey: .sentence)
      try values.encode(tier.rule, forKey: .rule)
      try values.encode(tier.details, forKey: .details)
      try values.encode(tier.nulls, forKey: .nulls)
      try values.encodeIfPresent(prompt, forKey: .prompt)
      if tier.tier == .causes { try encodeNumbers(&values) }
    }

    private func encodeNumbers(_ values: inout KeyedEncodingContainer<Key>) throws {
      let keys: [(Key, Interchanged)] = [
        (.content, .content), (.steering, .steering), (.edges, .edges), (.total, .total), (.patches, .patches),
        (.visual, .visual),
      ]
      for (key, quantity) in keys { try values.encode(numbers?.quantities[quantity].map(Effect.init), forKey: key) }
      try values.encode(numbers?.sufficiency.map(Effect.init), forKey: .sufficiency)
      try values.encode(numbers.map { Effect($0.presence) }, forKey: .presence)
      try values.encode(numbers.map { Effect($0.presenceOverMatched) }, forKey: .presenceOverMatched)
      try values.encode(numbers?.donorKL.map(Effect.init), forKey: .donorKL)
      try values.encode(numbers?.otherScale.map(Effect.init), forKey: .otherScale)
      let controls = (numbers?.overControls ?? [:]).map { ($0.key.rawValue, Effect($0.value)) }
      try values.encode(Dictionary(uniqueKeysWithValues: controls), forKey: .overControls)
      try values.encode(numbers?.scale.rawValue, forKey: .scale)
      try values.encode(numbers?.leftOut, forKey: .leftOut)
      try values.encode(
        numbers.map { ["pairs": $0.pairs, "outside_majority": $0.outsideMajority] }, forKey: .donors)
      try values.encode(numbers.map { ["donor": $0.flipsToDonor, "third": $0.flipsToThird] }, forKey: .flips)
      try values.encode(numbers?.path?.rawValue, forKey: .path)
    }
  }

  struct Voco: Encodable {
    let attends: Tier
    let contributes: Tier
    /// One per prompt.
    let causes: [Tier]

    init(_ voco: VocoVerdict) {
      attends = Tier(tier: voco.attends, numbers: nil)
      contributes = Tier(tier: voco.contributes, numbers: nil)
      causes = zip(voco.causes, voco.numbers).map { Tier(tier: $0, numbers: $1) }
    }
  }

  struct Control: Encodable {
    let control: ControlResult

    private enum Key: String, CodingKey { case passed, sentence }

    func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: Key.self)
      try values.encode(control.outcome, forKey: .passed)
      try values.encode(control.sentence, forKey: .sentence)
    }
  }

  struct Head: Encodable {
    let voco, layer, head: Int
    let lift, p: Double
  }

  /// What single heads carry, asked one prompt.
  struct HeadEffectsJSON: Encodable {
    struct One: Encodable {
      let voco, layer, head: Int
      let effect: Effect
      let above: Bool

      private enum Key: String, CodingKey { case voco, layer, head, above }

      func encode(to encoder: any Encoder) throws {
        try effect.encode(to: encoder)
        var values = encoder.container(keyedBy: Key.self)
        try values.encode(voco, forKey: .voco)
        try values.encode(layer, forKey: .layer)
        try values.encode(head, forKey: .head)
        try values.encode(above, forKey: .above)
      }
    }

    let prompt, scale, sentence: String
    let chosenOn, n, pairs: Int
    let confidence: Double
    let heads: [One]
    let together: Effect

    init(_ effects: HeadEffects, prompts: [String]) {
      prompt = prompts[effects.prompt]
      (scale, sentence, confidence) = (effects.scale.rawValue, effects.sentence, effects.confidence)
      (chosenOn, n, pairs) = (effects.chosenOn, effects.n, effects.pairs)
      heads = effects.heads.map {
        One(
          voco: $0.place.voco, layer: $0.place.layer, head: $0.place.head, effect: Effect($0.effect), above: $0.isAbove)
      }
      together = Effect(effects.together)
    }

    private enum CodingKeys: String, CodingKey {
      case prompt, scale, sentence, n, pairs, confidence, heads, together
      case chosenOn = "chosen_on"
    }
  }

  /// The run, its pictures and its draws: what makes it repeatable.
  struct Provenance: Encodable {
    let run: EvidenceRun
    let inputs: EvidenceInputs

    func encode(to encoder: any Encoder) throws {
      try run.encode(to: encoder)
      try inputs.encode(to: encoder)
    }
  }

  let attends: Tier
  let contributes: Tier
  let causes: Tier
  let vocoTokens: [Voco]
  let prompts: [String]
  let liveLayers: [Int]
  let inspected: String
  let controls: [String: Control]
  let heads: [Head]
  let layers: [LayerFinding]
  let headEffects: [HeadEffectsJSON]
  let anecdote: Bool
  let headline: String
  let conclusion: String
  let n: Int
  let seed: UInt64
  let untrainedParts: [String]
  let provenance: Provenance
  let maps: EvidenceMaps
  let rows: [VocoRow]

  private enum CodingKeys: String, CodingKey {
    case attends, contributes, causes, prompts, controls, heads, layers, anecdote, headline, conclusion, n, seed
    case provenance, maps, rows, inspected
    case headEffects = "head_effects"
    case vocoTokens = "voco_tokens"
    case liveLayers = "live_layers"
    case untrainedParts = "untrained_parts"
  }

  package init(_ verdict: EvidenceVerdict, _ summary: EvidenceSummary, inputs: EvidenceInputs) {
    attends = Tier(tier: verdict.attends, numbers: nil)
    contributes = Tier(tier: verdict.contributes, numbers: nil)
    causes = Tier(
      tier: verdict.causes, numbers: verdict.causalNumbers, prompt: verdict.prompts[verdict.headlinePrompt])
    vocoTokens = verdict.vocos.map(Voco.init)
    prompts = verdict.prompts
    liveLayers = Array(0..<verdict.liveLayers)
    inspected = summary.run.inspected.map { "last prompt token “\($0)”" } ?? "<voco>"
    controls = Dictionary(uniqueKeysWithValues: verdict.controls.map { ($0.name.rawValue, Control(control: $0)) })
    heads = verdict.heads.map { Head(voco: $0.voco, layer: $0.layer, head: $0.head, lift: $0.lift, p: $0.pValue) }
    layers = verdict.layers
    headEffects = verdict.headEffects.map { HeadEffectsJSON($0, prompts: verdict.prompts) }
    anecdote = verdict.anecdote
    headline = verdict.headline
    conclusion = verdict.conclusion
    n = verdict.n
    seed = verdict.seed
    untrainedParts = verdict.untrainedParts
    provenance = Provenance(run: summary.run, inputs: inputs)
    maps = EvidenceMaps(summary, voco: verdict.headlineVoco)
    rows = summary.rows
  }
}

/// What a run was fed, beside the model: named in its provenance.
package struct EvidenceInputs: Sendable, Hashable, Codable {
  /// Pictures of the whole run.
  package var pictures: Int
  /// SHA-256 over the pictures' own SHA-256, in the order of the run.
  package var picturesSHA256: String
  /// Draws of random patches a pair.
  package var draws: Int
  /// Blank pictures.
  package var blanks: Int
  /// Models of permuted weights.
  package var randomModels: Int
  /// What decoding found odd, a line for each picture of which anything was; nil for none.
  package var pictureWarnings: [String]?

  package init(
    pictures: Int, picturesSHA256: String, draws: Int, blanks: Int, randomModels: Int, pictureWarnings: [String] = []
  ) {
    self.pictures = pictures
    self.picturesSHA256 = picturesSHA256
    self.draws = draws
    self.blanks = blanks
    self.randomModels = randomModels
    self.pictureWarnings = pictureWarnings.isEmpty ? nil : pictureWarnings
  }
}

/// What all pictures of a run share: parts merge only if this is equal.
package struct EvidenceRun: Sendable, Hashable, Codable {
  package var version: String
  package var modelName: String
  package var configSHA256: String
  package var weightsSHA256: String
  package var prompts: [String]
  package var layers: Int
  package var heads: Int
  package var anchors: Int
  package var patches: Int
  package var vocoTokens: Int
  package var untrainedParts: [String]
  package var seed: UInt64
  /// nil in states of a version that did not keep it.
  package var precision: String?
  /// In a model without voco, the text of the token that is inspected in its place: the prompt's last.
  package var inspected: String?

  package init(
    provenance: Provenance, model: ModelDescription, prompts: [String], vocoTokens: Int, seed: UInt64,
    inspected: String? = nil
  ) {
    self.inspected = inspected
    version = provenance.version
    modelName = provenance.modelName
    configSHA256 = provenance.configSHA256
    weightsSHA256 = provenance.weightsSHA256
    self.prompts = prompts
    layers = model.layers
    heads = model.heads
    anchors = model.anchors
    patches = model.patchRows * model.patchGrid
    self.vocoTokens = vocoTokens
    untrainedParts = model.untrainedParts
    self.seed = seed
    precision = model.precision.rawValue
  }

  /// Layers whose attention is read: at voco all but the last, at a predicting token all.
  package var liveLayers: Int { inspected == nil ? layers - 1 : layers }

  /// What sentences call the token that looks at the anchors.
  package var asker: String { inspected == nil ? "voco" : "the last prompt token" }
  /// The same in titles.
  package var askerName: String { inspected == nil ? "<voco>" : asker }
}

/// The evidence of many pictures, in the order of the run, from one part or several.
package struct EvidenceSummary: Sendable, Hashable {
  package let run: EvidenceRun
  /// Which pictures lend to which, a prompt.
  package let donors: [DonorChoice]
  /// Ascending by index, so that every order of measuring gives the same verdict.
  package private(set) var pictures: [PictureEvidence] = []
  package private(set) var blanks: [BlankEvidence] = []
  package private(set) var randomModels: [RandomModelEvidence] = []
  /// Effects of single heads, of every second picture.
  package private(set) var heads: [HeadEvidence] = []
  /// Why no random models were run, if that was decided.
  package let hasRandomModels: Bool

  package init(
    run: EvidenceRun, donors: [DonorChoice], pictures: [PictureEvidence] = [], blanks: [BlankEvidence] = [],
    randomModels: [RandomModelEvidence] = [], heads: [HeadEvidence] = [], hasRandomModels: Bool = true
  ) {
    self.run = run
    self.donors = donors
    self.hasRandomModels = hasRandomModels
    self.pictures = pictures.sorted { $0.index < $1.index }
    self.blanks = blanks.sorted { $0.index < $1.index }
    self.heads = heads.sorted { $0.index < $1.index }
    self.randomModels = randomModels.sorted { $0.number < $1.number }
  }

  /// The rows of the run's first pictures.
  package var rows: [VocoRow] { pictures.compactMap(\.row) }
}

/// What is per live layer and head over all pictures of a run: the numbers behind its maps.
package struct EvidenceMaps: Sendable, Hashable, Encodable {
  /// `[live layers][H]`, geometric means over pictures of (anchor share/A)/(patch share/P), and in the same positions.
  package var lift: [[Double]]
  package var samePosition: [[Double]]

  private enum CodingKeys: String, CodingKey {
    case lift
    case samePosition = "same_position"
  }

  package init(_ summary: EvidenceSummary, voco: Int) {
    let heads = summary.run.heads
    let count = Double(max(1, summary.pictures.count))
    let map = { (cells: (VocoEvidence) -> [Double]) -> [[Double]] in
      var sums = [Double](repeating: 0, count: summary.run.liveLayers * heads)
      for picture in summary.pictures {
        for (cell, value) in cells(picture.vocos[voco]).enumerated() { sums[cell] += value }
      }
      let means = sums.map { exp($0 / count) }
      return (0..<summary.run.liveLayers).map { Array(means[$0 * heads..<($0 + 1) * heads]) }
    }
    lift = map { $0.cellLifts }
    samePosition = map { $0.cells }
  }
}
