import Foundation
import Statistics

/// Effects of one prompt and voco token: ratios of sums over pairs, with intervals that resample pictures and donors.
struct CausalEffects {
  let scale: EffectScale
  let pairs: [PairEvidence]
  let pictures: Int
  /// Which of the pairs given are read.
  private let kept: [Int]
  private let denominators: [Double]
  private let bootstrap: TwoWayBootstrap
  private let confidence: Double

  /// `nil` without pairs that can be read on the scale.
  init?(
    _ all: [(picture: Int, pair: PairEvidence)], _ scale: EffectScale, _ engine: VerdictEngine, confidence: Double,
    draws: Int = 2000
  ) {
    let places = all.indices.filter {
      scale == .projection || all[$0].pair.logitDifference >= engine.rule.smallestDenominator
    }
    let kept = places.map { all[$0] }
    let denominators = kept.map { scale == .projection ? $0.pair.squaredNorm : $0.pair.logitDifference }
    guard denominators.reduce(0, +) > 0 else { return nil }
    self.scale = scale
    self.kept = places
    self.confidence = confidence
    self.denominators = denominators
    pairs = kept.map(\.pair)
    pictures = Set(kept.map(\.picture)).count
    bootstrap = TwoWayBootstrap(
      kept.map { .init(picture: $0.picture, donor: $0.pair.donor) }, draws: draws, seed: engine.seed,
      stream: "causes \(scale.rawValue)")
  }

  private func values(_ quantity: Interchanged) -> [Double] { pairs.map { value($0.shifts[quantity] ?? .zero) } }

  private func value(_ shift: EffectShift) -> Double {
    scale == .projection ? shift.projection : shift.logitDifference
  }

  private func estimate(_ numerators: [Double], over denominators: [Double]) -> EffectEstimate? {
    let bottom = denominators.reduce(0, +)
    guard bottom > 0 else { return nil }
    let draws = bootstrap.ratios(numerators, over: denominators).compactMap { $0 }
    return estimate(numerators.reduce(0, +) / bottom, draws)
  }

  private func estimate(_ effect: Double, _ draws: [Double]) -> EffectEstimate {
    let sorted = draws.sorted()
    let tail = (1 - confidence) / 2
    let interval =
      pictures > 1 && !sorted.isEmpty
      ? Interval(low: quantile(sorted: sorted, tail), high: quantile(sorted: sorted, 1 - tail)) : nil
    return EffectEstimate(
      effect: effect, interval: interval, standardError: Moments(draws).standardDeviation, n: pictures)
  }

  func effect(_ quantity: Interchanged) -> EffectEstimate? { estimate(values(quantity), over: denominators) }

  /// Of other shifts of the pairs that were given, in their order.
  func effect(of shifts: [EffectShift]) -> EffectEstimate? {
    estimate(kept.map { value(shifts[$0]) }, over: denominators)
  }

  /// One effect minus another, of the same pairs.
  func difference(_ a: Interchanged, _ b: Interchanged) -> EffectEstimate? {
    estimate(zip(values(a), values(b)).map { $0 - $1 }, over: denominators)
  }

  /// 1 − patches/visual.
  var sufficiency: EffectEstimate? {
    let (patches, visual) = (values(.patches), values(.visual))
    let bottom = visual.reduce(0, +)
    guard bottom > 0 else { return nil }
    let draws = bootstrap.ratios(patches, over: visual).compactMap { $0.map { 1 - $0 } }
    return estimate(1 - patches.reduce(0, +) / bottom, draws)
  }
}

extension VerdictEngine {
  /// "causes" of one voco token and prompt, and the numbers behind it.
  func causalVerdict(
    _ summary: EvidenceSummary, voco: Int, prompt: Int
  ) -> (verdict: TierVerdict, numbers: CausalNumbers?) {
    let run = summary.run
    let text = rule.sentence(.causes, anchors: run.anchors, patches: run.patches)
    let evidence = summary.pictures.map { ($0.index, $0.prompts[prompt]) }
    guard !evidence.isEmpty, let numbers = causalNumbers(summary, evidence, voco: voco, prompt: prompt) else {
      return (
        TierVerdict(
          tier: .causes, word: .notMeasured, n: evidence.count,
          sentence: "Not measured: it takes another picture to lend its anchors.", rule: text), nil
      )
    }
    let decision = causalWord(numbers, summary, voco: voco, prompt: prompt)
    let content = numbers.content
    let nulls = summary.randomModels.map { $0.movement[prompt] }
    return (
      TierVerdict(
        tier: .causes, word: decision.word, effect: numbers.dependsOnPicture ? content?.effect : 0,
        interval: content?.interval, n: content?.n ?? evidence.count,
        smallestDetectable: numbers.dependsOnPicture
          ? content.map { rule.minimumEffect + 2.8 * $0.standardError } : nil,
        sentence: decision.sentence, rule: text,
        details: causalDetails(numbers, summary, nulls: nulls),
        wouldChange: content.flatMap { change(decision.word, $0, bound: rule.minimumEffect) } ?? decision.lacks),
      numbers
    )
  }

  private func causalNumbers(
    _ summary: EvidenceSummary, _ evidence: [(Int, PromptEvidence)], voco: Int, prompt: Int
  ) -> CausalNumbers? {
    let confidence = 1 - rule.error / Double(summary.run.vocoTokens * summary.run.prompts.count)
    let name = "\(voco) \(prompt)"
    let floor = rule.floor(noise: evidence.map(\.1.noise).max() ?? 0)
    let logKL = { (kl: Double) in log(max(kl, floor)) }
    guard
      let presence = estimate(
        evidence.map { logKL($0.1.vocos[voco].presence) }, "presence \(name)", confidence: confidence),
      let matched = estimate(
        evidence.map { logKL($0.1.vocos[voco].presence) - logKL($0.1.vocos[voco].matchedPresence) },
        "presence over matched \(name)", confidence: confidence),
      let donorKL = estimate(
        evidence.compactMap { $0.1.donorKL.isEmpty ? nil : mean($0.1.donorKL.map(logKL)) }, "donor KL \(prompt)",
        confidence: confidence)
    else { return nil }
    let all = evidence.flatMap { picture, prompt in prompt.vocos[voco].pairs.map { (picture: picture, pair: $0) } }
    let logit = CausalEffects(all, .logitDifference, self, confidence: confidence)
    let projection = CausalEffects(all, .projection, self, confidence: confidence)
    let (scale, reason) = scale(logit, pairs: all.count)
    let effects = scale == .logitDifference ? logit : projection
    let other = scale == .logitDifference ? projection : logit
    let isAbove = { (estimate: EffectEstimate?) in (estimate?.interval?.low ?? -.infinity) > rule.minimumEffect }
    let dependsOnPicture = (donorKL.interval?.high ?? .infinity) > log(floor * (1 + 1e-9))
    // There is no way to go, so nothing goes any part of it, whatever the rounding of two equal answers is a part of.
    let counted = { (estimate: EffectEstimate?) in dependsOnPicture ? estimate : estimate.map(Self.nothing) }
    let quantities = Dictionary(
      uniqueKeysWithValues: Interchanged.allCases.compactMap { quantity in
        counted(effects?.effect(quantity)).map { (quantity, $0) }
      })
    var path: CausalPath?
    if let effects, effects.pictures > 1 {
      let isDirect = isAbove(quantities[.edges])
      path =
        isAbove(effects.difference(.total, .edges))
        ? (isDirect ? .both : .indirect) : isDirect ? .direct : isInside(quantities[.total]) ? CausalPath.none : nil
    }
    return CausalNumbers(
      scale: scale, scaleReason: reason, quantities: quantities, otherScale: counted(other?.effect(.content)),
      overControls: Dictionary(
        uniqueKeysWithValues: Interchanged.controls.compactMap { control in
          counted(effects?.difference(.content, control)).map { (control, $0) }
        }),
      sufficiency: isAbove(quantities[.visual]) ? effects?.sufficiency : nil, presence: Self.exponential(presence),
      presenceOverMatched: Self.exponential(matched), donorKL: Self.exponential(donorKL), pairs: all.count,
      leftOut: all.count - (logit?.pairs.count ?? 0), outsideMajority: summary.donors[prompt].outsideMajority,
      flipsToDonor: all.count { $0.pair.flip == .donor }, flipsToThird: all.count { $0.pair.flip == .third },
      path: dependsOnPicture ? path : CausalPath.none, dependsOnPicture: dependsOnPicture,
      isMatchedAtFloor: presence.effect - matched.effect < log(floor * 1.01))
  }

  private func scale(_ logit: CausalEffects?, pairs: Int) -> (EffectScale, String) {
    let leftOut = pairs - (logit?.pairs.count ?? 0)
    let share = "\(leftOut) of \(pairs) pairs are less than \(decimal(rule.smallestDenominator, digits: 1)) apart"
    if (logit?.pictures ?? 0) < rule.anecdoteBelow {
      return (.projection, "E, since \(logit?.pictures ?? 0) pictures keep a pair on LD (\(share))")
    }
    return Double(leftOut) > rule.mostLeftOut * Double(pairs)
      ? (.projection, "E, since \(share)") : (.logitDifference, "LD; \(share) and left out")
  }

  private static func exponential(_ log: EffectEstimate) -> EffectEstimate {
    EffectEstimate(
      effect: exp(log.effect), interval: log.interval.map { $0.map(exp) }, standardError: log.standardError, n: log.n)
  }

  private static func nothing(_ estimate: EffectEstimate) -> EffectEstimate {
    EffectEstimate(
      effect: 0, interval: estimate.interval.map { _ in Interval(low: 0, high: 0) }, standardError: 0, n: estimate.n)
  }

  func isInside(_ estimate: EffectEstimate?) -> Bool {
    guard let interval = estimate?.interval else { return false }
    return interval.low > -rule.minimumEffect && interval.high < rule.minimumEffect
  }

  private func causalWord(
    _ numbers: CausalNumbers, _ summary: EvidenceSummary, voco: Int, prompt: Int
  ) -> (word: VerdictWord, sentence: String, lacks: String?) {
    let n = summary.pictures.count
    guard n >= rule.anecdoteBelow else {
      let numbers = numbers.content.map { ": effect \($0.text)" } ?? ""
      return (.undecided, "\(n) pictures are an anecdote\(numbers).", nil)
    }
    guard numbers.dependsOnPicture else {
      let kl = numbers.donorKL.map { " (KL \($0.text) nats to another picture)" } ?? ""
      return (.no, "The answer does not depend on the picture\(kl).", nil)
    }
    let outside = numbers.outsideMajority
    guard outside >= rule.fewestOutsideMajority, let content = numbers.content, let interval = content.interval else {
      let least = rule.fewestOutsideMajority
      return (
        .undecided,
        "Only \(outside) of \(n) pictures are answered otherwise than most, and at least \(least) must be: too few donors.",
        "a question, or pictures, with at least \(least) answers outside the majority"
      )
    }
    let lead = lead(numbers, content)
    if isInside(content) && isInside(numbers.otherScale) {
      return (
        .no,
        lead + "both scales' intervals lie inside ±\(decimal(rule.minimumEffect, digits: 2))."
          + unchanged(numbers, pictures: content.n),
        nil
      )
    }
    if interval.high < -rule.minimumEffect { return (.undecided, lead + "it moves against the donor.", nil) }
    guard interval.low > rule.minimumEffect else {
      let (reason, lacks) = open(interval, numbers)
      return (.undecided, lead + reason, lacks)
    }
    for control in Interchanged.controls {
      guard let over = numbers.overControls[control], (over.interval?.low ?? -1) > 0 else {
        let found = numbers.overControls[control].map { " (difference \($0.text))" } ?? ""
        return (.undecided, lead + "it does not clearly exceed the \(control.words)\(found).", nil)
      }
    }
    if !summary.run.untrainedParts.isEmpty {
      return (.undecided, lead + "but parts of the model are untrained.", "trained weights")
    }
    switch randomCausalTest(summary, voco: voco, prompt: prompt) {
    case nil: return (.undecided, lead + "but the random control was not run.", Self.lacksRandomControl)
    case false?:
      return (.undecided, lead + "but models of permuted weights move their logits as far on the same pairs.", nil)
    case true?:
      return (
        .yes,
        lead + "more than every matched control, and no model of permuted weights moves its logits as far on the same "
          + "pairs.",
        nil
      )
    }
  }

  /// What a claim lacks of which everything else is there.
  static let lacksRandomControl = "the random control: --random-models"

  /// Why an interval that does not lie above the bound is no "no" either, and what would have to be known.
  private func open(_ interval: Interval, _ numbers: CausalNumbers) -> (reason: String, lacks: String?) {
    let bound = decimal(rule.minimumEffect, digits: 2)
    if interval.high >= rule.minimumEffect { return ("the interval includes \(bound).", nil) }
    if interval.low <= -rule.minimumEffect { return ("the interval includes −\(bound).", "more pictures") }
    let name = numbers.scale == .projection ? EffectScale.logitDifference : .projection
    guard let other = numbers.otherScale else {
      return ("it lies inside ±\(bound), but \(name.rawValue) could not be read.", "pairs that both scales can read")
    }
    return (
      "it lies inside ±\(bound), but on \(name.rawValue) it is \(other.text), which does not.",
      "pictures on which the two scales agree"
    )
  }

  /// Nothing in n still allows 3/n (95 %); of pictures, since the pairs of one are no independent trials.
  private func unchanged(_ numbers: CausalNumbers, pictures: Int) -> String {
    guard numbers.flipsToDonor + numbers.flipsToThird == 0 else { return "" }
    return
      " No answer of \(pictures) pictures changed, which still allows \(significant(300 / Double(max(1, pictures)))) % that do."
  }

  private func lead(_ numbers: CausalNumbers, _ content: EffectEstimate) -> String {
    let flips =
      content.effect >= rule.arrives
      ? "the donor's answer arrives" : "the donor's answer comes in \(numbers.flipsToDonor) of \(numbers.pairs) pairs"
    return "A donor's values of the anchors move the answer \(content.text) of the way to the donor's "
      + "(\(numbers.scale.rawValue)); \(flips), a third in \(numbers.flipsToThird); "
  }

  /// Whether `content` moves the answer further, on the pairs that the random models saw, than in any of them.
  func randomCausalTest(_ summary: EvidenceSummary, voco: Int, prompt: Int) -> Bool? {
    guard summary.randomModels.count >= rule.randomModels else { return nil }
    let byIndex = Dictionary(uniqueKeysWithValues: summary.pictures.map { ($0.index, $0) })
    let moved = summary.randomModels[0].pairs[prompt].compactMap { pair in
      byIndex[pair.picture]?.prompts[prompt].vocos[voco].pairs.first { $0.donor == pair.donor }?
        .shifts[.content]?.logitDifference
    }
    guard let observed = mean(moved) else { return nil }
    return summary.randomModels.allSatisfy { $0.movement[prompt] < observed }
  }

  private func presence(_ numbers: CausalNumbers) -> String {
    let (cut, over, isFloor) = (numbers.presence, numbers.presenceOverMatched, numbers.isMatchedAtFloor)
    return
      "Edges to the anchors cut: KL \(cut.text) nats, \(isFloor ? "at least " : "")×\(over.text) of as many random "
      + "patches (geometric means)\(isFloor ? ", of which a cut shows nothing" : "")."
  }

  private func causalDetails(_ numbers: CausalNumbers, _ summary: EvidenceSummary, nulls: [Double]) -> [String] {
    var lines = ["Scale: \(numbers.scaleReason)."]
    lines += Interchanged.allCases.compactMap { quantity in
      numbers.quantities[quantity].map { "Interchanged, \(quantity.words): \($0.text)." }
    }
    if let other = numbers.otherScale {
      lines.append("The anchors' values on \(numbers.scale == .projection ? "LD" : "E"): \(other.text).")
    }
    lines.append(
      numbers.sufficiency.map { "Sufficiency, 1 − patches/all: \($0.text)." }
        ?? "Sufficiency is undefined: all visual edges do not clearly move the answer.")
    lines.append(presence(numbers))
    if let kl = numbers.donorKL { lines.append("Another picture instead: KL \(kl.text) nats.") }
    if let path = numbers.path { lines.append("Path: \(path.rawValue).") }
    if let least = nulls.min(), let most = nulls.max() {
      lines.append(
        "Models of permuted weights move the logit difference by \(significant(least)) to \(significant(most)) logits.")
    }
    return lines
  }
}
