import Evidence
import Foundation
import Statistics
import Testing

@Suite("The verdict's rule, on numbers")
struct VerdictTests {
  private func verdict(_ change: (inout SyntheticEvidence) -> Void = { _ in }) -> EvidenceVerdict {
    var evidence = SyntheticEvidence()
    change(&evidence)
    return VerdictEngine(seed: 1).verdict(evidence.summary)
  }

  private func words(_ verdict: EvidenceVerdict) -> [VerdictWord] { verdict.tiers.map(\.word) }

  @Test("Clear numbers above every control are yes three times, and each number has one interval")
  func yes() throws {
    let verdict = verdict()
    #expect(words(verdict) == [.yes, .yes, .yes])
    #expect(verdict.controls.allSatisfy { $0.outcome == true }, "\(verdict.controls)")
    let content = try #require(verdict.causalNumbers?.content)
    #expect(content.interval == verdict.causes.interval && content.effect == verdict.causes.effect)
    #expect(abs(content.effect - 0.6) < 0.03 && verdict.causalNumbers?.scale == .logitDifference)
    let smallest = try #require(verdict.causes.smallestDetectable)
    #expect(abs(smallest - 0.05 - 2.8 * content.standardError) < 1e-12)
    #expect(verdict.headline.hasPrefix("voco prioritises the anchors"))
  }

  @Test("The lower of lift and same-position lift decides", arguments: [(1.0, 0.0), (0.0, 1.0)])
  func lower(_ lift: Double, _ same: Double) {
    let verdict = verdict {
      $0.lift = lift
      $0.samePosition = same
    }
    #expect(verdict.attends.word == .no && abs((verdict.attends.effect ?? 0) - 1) < 0.1)
  }

  @Test("An interval that holds the bound is undecided, and the verdict says how many pictures would decide")
  func undecided() {
    let verdict = verdict {
      ($0.lift, $0.samePosition, $0.spread) = (0.3, 0.3, 1.5)
    }
    #expect(verdict.attends.word == .undecided && verdict.attends.wouldChange?.contains("pictures") == true)
    #expect(verdict.conclusion.contains("What would change this"))
  }

  @Test("Causes is no only if both scales' intervals lie inside ±0.05")
  func equivalence() {
    let none = verdict {
      for key in [Interchanged.content, .edges, .total, .steering] { $0.effects[key] = 0 }
      $0.effectSpread = 0.05
      $0.presence = 0.001
    }
    #expect(none.causes.word == .no && none.causalNumbers?.path == CausalPath.none)
    #expect(none.headline.contains("voco attends to the anchors; what varies in an anchor weighs more than in a patch"))
    let wide = verdict {
      $0.effects[.content] = 0
      $0.effectSpread = 1.2
    }
    #expect(wide.causes.word == .undecided && wide.causes.sentence.contains("the interval includes 0.05"))
  }

  @Test("An interval that lies inside ±0.05 on one scale alone is not said to include a bound that it does not")
  func oneScale() {
    let inside = verdict {
      for key in [Interchanged.content, .edges, .total] { $0.effects[key] = 0 }
      ($0.effectSpread, $0.projectionShift) = (0.02, 0.3)
    }
    #expect(inside.causes.word == .undecided && !inside.causes.sentence.contains("includes"))
    #expect(inside.causes.sentence.contains("it lies inside ±0.05, but on E it is"), "\(inside.causes.sentence)")
    let below = verdict {
      $0.effects[.content] = -0.05
      $0.effectSpread = 0.05
    }
    #expect(below.causes.sentence.contains("the interval includes −0.05"), "\(below.causes.sentence)")
  }

  @Test("An effect against the donor is undecided, not no")
  func against() {
    let verdict = verdict { $0.effects[.content] = -0.3 }
    #expect(verdict.causes.word == .undecided && verdict.causes.sentence.contains("against the donor"))
  }

  @Test("A cause must exceed every matched control", arguments: Interchanged.controls)
  func matched(_ control: Interchanged) {
    let verdict = verdict { $0.effects[control] = 0.6 }
    #expect(verdict.causes.word == .undecided && verdict.causes.sentence.contains(control.words))
    #expect(verdict.controls.first { $0.name == .content }?.outcome == false)
  }

  @Test("A layer above the bound is named with its lift, and one below it is not")
  func layers() throws {
    let verdict = verdict { $0.layerLogs = [0: 0.1, 1: 1] }
    let found = try #require(verdict.layers.first)
    #expect(verdict.layers.count == 1 && found.layer == 1 && abs(found.lift - exp(1)) < 0.3 && found.p <= 0.05)
    #expect(self.verdict().layers.isEmpty)
  }

  @Test("Random models that reach a measure keep it undecided, claim by claim")
  func random() {
    let lifts = verdict { $0.randomLog = 40 }
    #expect(words(lifts) == [.undecided, .undecided, .yes])
    let movement = verdict { $0.randomMovement = 200 }
    #expect(words(movement) == [.yes, .yes, .undecided])
    let none = verdict { $0.randomModels = 0 }
    #expect(words(none) == [.undecided, .undecided, .undecided])
    #expect(none.controls.first { $0.name == .randomWeights }?.outcome == nil)
    #expect(none.headline.hasPrefix("An anchor gets more of voco's attention than a patch, and the answer moves"))
    #expect(none.headline.contains("random control was not run"))
  }

  @Test("Heads are chosen by the clearest of live heads in every second picture, sixteen at most")
  func headChoice() {
    let run = SyntheticEvidence().run
    let clear: [Int: Double] = [4: 2, 7: 1]
    let cells = (0..<20).map { picture -> [[Double]] in
      let noise = 0.1 * Double(picture % 3)
      return [(0..<run.liveLayers * run.heads).map { cell -> Double in (clear[cell] ?? 0) + noise }]
    }
    let choice = HeadChoice(cells: cells, run)
    #expect(choice.heads.prefix(2) == [HeadPlace(voco: 0, layer: 1, head: 1), HeadPlace(voco: 0, layer: 2, head: 1)])
    #expect(choice.heads.count == run.liveLayers * run.heads && choice.heads.allSatisfy { $0.layer < run.liveLayers })
    let many = (0..<20).map { _ in [[Double](repeating: 1, count: run.liveLayers * run.heads * 8)] }
    #expect(HeadChoice(cells: many, run).heads.count == HeadChoice.most)
    #expect([0, 1, 2].map(HeadChoice.chooses) == [true, false, true])
  }

  @Test("Of the heads tested those that carry the answer are named, with intervals wide enough for all of them")
  func headEffects() throws {
    let found = verdict {
      $0.pictures = 80
      $0.headEffects = [0.4, 0, 0.2, 0.01]
    }
    let effects = try #require(found.headEffects.first)
    #expect(effects.heads.map(\.isAbove) == [true, false, true, false])
    #expect(effects.n == 40 && effects.chosenOn == 40 && abs(effects.confidence - (1 - 0.05 / 4)) < 1e-12)
    #expect(abs(effects.heads[0].effect.effect - 0.4) < 0.03 && abs(effects.together.effect - 0.61) < 0.05)
    #expect(effects.sentence.contains("2 alone move") && effects.sentence.contains("layer 1 head 1, layer 1 head 3"))
    let alone = verdict {
      $0.pictures = 80
      $0.headEffects = [0.4]
    }
    let widths = [found, alone].compactMap { $0.headEffects.first?.heads[0].effect.interval }.map { $0.high - $0.low }
    #expect(widths.count == 2 && widths[0] > widths[1], "\(widths)")
    let few = verdict { $0.headEffects = [0.4] }
    #expect(
      few.headEffects.first?.heads[0].isAbove == false && few.headEffects.first?.sentence.contains("anecdote") == true)
    #expect(verdict().headEffects.isEmpty)
  }

  @Test("Under thirty pictures nothing is yes or no, however clear")
  func anecdote() {
    let verdict = verdict { $0.pictures = 29 }
    #expect(words(verdict) == [.undecided, .undecided, .undecided] && verdict.anecdote)
    #expect(verdict.conclusion.hasPrefix("Anecdote (29 pictures"))
  }

  @Test("Untrained parts are never yes")
  func untrained() {
    let verdict = verdict { $0.untrained = ["anchor projector"] }
    #expect(words(verdict) == [.undecided, .undecided, .undecided])
    #expect(verdict.conclusion.contains("anchor projector"))
  }

  @Test("Where the answer does not depend on the picture, it depends on no anchor: no, effect 0")
  func independent() {
    let verdict = verdict { $0.donorKL = 1e-9 }
    #expect(verdict.causes.word == .no && verdict.causes.effect == 0)
    #expect(verdict.headline.contains("does not depend on the picture"))
    // No number under it says otherwise.
    let numbers = verdict.causalNumbers
    #expect(
      numbers?.quantities.values.allSatisfy { $0.effect == 0 && $0.interval == Interval(low: 0, high: 0) } == true)
    #expect(numbers?.content != nil && numbers?.otherScale?.effect == 0 && numbers?.sufficiency == nil)
    #expect(verdict.causes.interval == Interval(low: 0, high: 0) && verdict.causes.smallestDetectable == nil)
    let noisy = self.verdict {
      $0.donorKL = 1e-4
      $0.noise = 1e-3
    }
    #expect(noisy.causes.word == .no)
  }

  @Test("Too few pictures outside the majority answer decide nothing about causes, and the claim says so")
  func fewDonors() {
    let verdict = verdict { $0.classes = 1 }
    #expect(verdict.causes.word == .undecided && verdict.causes.sentence.contains("Only 0 of 40 pictures"))
  }

  @Test("Nothing that varies contributes nothing")
  func nothingVaries() {
    let verdict = verdict { $0.isNothing = true }
    #expect(verdict.contributes.word == .no && verdict.contributes.sentence.contains("Nothing that voco reads varies"))
  }

  @Test("Short pairs are left out of LD, and too many of them make E the scale")
  func scales() {
    let verdict = verdict { $0.denominator = 0.5 }
    #expect(verdict.causalNumbers?.scale == .projection && (verdict.causalNumbers?.leftOut ?? 0) > 0)
    #expect(verdict.causes.details.contains { $0.hasPrefix("Scale: E, since") })
  }

  @Test("The table of headlines: paths, steering, presence, and the four of necessity and sufficiency")
  func headlines() {
    let none: [Interchanged: Double] = [.content: 0, .edges: 0, .total: 0, .steering: 0]
    func change(_ effects: [Interchanged: Double], presence: Double = 0.2, spread: Double = 0.05) -> String {
      verdict {
        $0.effects.merge(effects) { $1 }
        $0.effectSpread = spread
        $0.presence = presence
      }.headline
    }
    #expect(change(none.merging([.total: 0.5]) { $1 }).contains("through other tokens"))
    #expect(
      change(none.merging([.steering: 0.5, .edges: 0.5, .total: 0.5]) { $1 }).contains("steers where voco looks"))
    #expect(change(none).contains("being there, not on what they hold"))
    #expect(change(none, presence: 0.001).contains("weighs more than in a patch, but does not move the answer by 0.05"))
    let sink = verdict {
      $0.effects.merge(none) { $1 }
      ($0.effectSpread, $0.presence, $0.isNothing) = (0.05, 0.001, true)
    }
    #expect(sink.contributes.word == .no && sink.headline.contains("as to a sink"))
    #expect(change([.patches: 0.1]).contains("needed, and they suffice"))
    #expect(change([.patches: 0.9]).contains("needed, and do not suffice"))
    #expect(change([.patches: 0.1], presence: 0.001).contains("redundant"))
    #expect(change([.patches: 0.9], presence: 0.001).contains("one source among others"))
  }

  @Test("Of several voco tokens and prompts, intervals widen, and one yes is a yes")
  func several() throws {
    let one = verdict()
    let two = verdict { $0.vocoTokens = 2 }
    let first = try #require(one.attends.interval)
    let wider = try #require(two.vocos[0].attends.interval)
    #expect(two.vocos.count == 2 && two.attends.word == .yes)
    #expect(wider.high - wider.low > 0 && first.high - first.low > 0)
    let asked = verdict { $0.prompts = ["what", "how many"] }
    #expect(asked.vocos[0].causes.count == 2 && asked.headline.contains("Asked “how many”"))
  }

  @Test("A decoder of one picture is an anecdote whose words are open")
  func singleRecord() {
    let verdict = verdict { $0.pictures = 1 }
    #expect(verdict.tiers.allSatisfy { $0.word == .undecided || $0.word == .notMeasured })
  }
}

@Suite("Donors")
struct DonorTests {
  @Test("Donors answer differently, are used about alike, and the same seed draws the same")
  func balanced() {
    let answers = (0..<40).map { [Int32($0 % 4)] }
    let keys = (0..<40).map { "key \($0)" }
    let choice = DonorChoice(answers: answers, keys: keys, seed: 1)
    #expect(choice.donors.allSatisfy { $0.count == 4 && Set($0).count == 4 })
    for (picture, donors) in choice.donors.enumerated() {
      #expect(donors.allSatisfy { $0 != picture && answers[$0] != answers[picture] })
    }
    let uses = Dictionary(choice.donors.joined().map { ($0, 1) }, uniquingKeysWith: +)
    #expect(uses.count == 40 && (uses.values.max() ?? 0) <= 6, "\(uses.values.sorted())")
    #expect(choice == DonorChoice(answers: answers, keys: keys, seed: 1))
    #expect(choice != DonorChoice(answers: answers, keys: keys, seed: 2))
    #expect(choice.outsideMajority == 30 && choice.differ.allSatisfy { $0 })
  }

  @Test("Where all answers are alike others stand in, and are said not to differ")
  func alike() {
    let choice = DonorChoice(answers: [[1], [1], [1]], keys: ["a", "b", "c"], seed: 0)
    #expect(choice.donors.allSatisfy { $0.count == 2 } && !choice.differ.contains(true) && choice.outsideMajority == 0)
    #expect(DonorChoice(answers: [[1]], keys: ["a"], seed: 0).donors == [[]])
    #expect(DonorChoice.difference([1, 2, 3], [1, 2, 4]) == 2 && DonorChoice.difference([1], [1]) == nil)
  }
}

@Suite("Records of a state")
struct EvidenceCheckTests {
  @Test("A record of the run passes, and numbers that cannot be are refused by their field")
  func faults() throws {
    let evidence = SyntheticEvidence()
    let run = evidence.run
    let picture = try #require(evidence.summary.pictures.first)
    try picture.check(run, pictures: 40)
    let cases: [(String, (inout PictureEvidence) -> Void)] = [
      ("index", { $0.index = -1 }), ("vocos", { $0.vocos = [] }),
      ("vocos[0].attends.logLift", { $0.vocos[0].attends.logLift = 1e6 }),
      ("vocos[0].cells", { $0.vocos[0].cells = [] }), ("prompts", { $0.prompts = [] }),
      ("prompts[0].vocos[0].presence", { $0.prompts[0].vocos[0].presence = -1 }),
      ("prompts[0].vocos[0].pairs[0].donor", { $0.prompts[0].vocos[0].pairs[0].donor = 40 }),
      ("prompts[0].vocos[0].pairs[0].shifts", { $0.prompts[0].vocos[0].pairs[0].shifts[.content] = nil }),
      ("prompts[0].vocos[0].pairs[0].squaredNorm", { $0.prompts[0].vocos[0].pairs[0].squaredNorm = .infinity }),
    ]
    for (field, change) in cases {
      var changed = picture
      change(&changed)
      let error = #expect(throws: EvidenceFault.self) { try changed.check(run, pictures: 40) }
      #expect(error?.description.hasPrefix(field + " is") == true, "\(field): \(error?.description ?? "")")
    }
    var bad = run
    bad.layers = 1 << 40
    #expect(throws: EvidenceFault.self) { try bad.check() }
  }
}
