import Evidence
import Foundation
import Statistics
import Testing

/// Models whose answer is known by construction.
private enum Constructed {
  /// Attends to the anchors wherever they stand, and uses what they hold.
  static var uses: ToyModel {
    var model = ToyModel()
    model.anchorBias = [2.5, 2]
    return model
  }
  /// Attends to the anchors wherever they stand; their values are next to nothing.
  static var sink: ToyModel {
    var model = uses
    model.anchorGain = 0.002
    return model
  }
  /// Attends to patches and uses them.
  static var patchesOnly: ToyModel {
    var model = ToyModel()
    model.anchorBias = [-4, -4]
    return model
  }
  /// Attends to what stands first, whatever it is.
  static var position: ToyModel {
    var model = ToyModel()
    model.firstBias = 2.5
    return model
  }
  /// Attends to what stands first or last, whatever it is.
  static var bothEnds: ToyModel {
    var model = position
    model.lastBias = 2.5
    return model
  }
  static let controls = (100..<139).map { ToyModel.random(seed: UInt64($0)) }
}

private let engine = VerdictEngine(seed: 11)

private func verdict(_ model: ToyModel, untrained: [String] = []) throws -> EvidenceVerdict {
  engine.verdict(try model.summary(pictures: 32, controls: Constructed.controls, untrained: untrained))
}

@Test("A model that attends to the anchors and uses them is yes on all three claims")
func uses() throws {
  let verdict = try verdict(Constructed.uses)
  #expect(verdict.tiers.map(\.word) == [.yes, .yes, .yes], "\(verdict.tiers.map(\.sentence))")
  #expect(!verdict.anecdote && verdict.n == 32)
  #expect(verdict.controls.first { $0.name == .order }?.passed == true)
  #expect(verdict.controls.first { $0.name == .content }?.passed == true)
  #expect(verdict.controls.first { $0.name == .randomWeights }?.passed == true)
  let interval = try #require(verdict.attends.interval)
  // Biases of 2.5 and 2 make e^2.5 and e^2 by head.
  #expect(interval.low < exp(2.5) && interval.high > exp(2))
}

@Test("A sink attends, but neither contributes nor causes, although cutting it moves attention elsewhere")
func sink() throws {
  let verdict = try verdict(Constructed.sink)
  #expect(verdict.tiers.map(\.word) == [.yes, .no, .no], "\(verdict.tiers.map(\.sentence))")
  #expect(try #require(verdict.causes.effect) > 0.01)
  #expect(verdict.causes.sentence.contains("does not use what they hold"))
  #expect(verdict.conclusion.contains("attends but not causal"))
  #expect(verdict.controls.first { $0.name == .content }?.outcome == false)
}

@Test("A model of patches only is no on all three claims")
func patchesOnly() throws {
  let verdict = try verdict(Constructed.patchesOnly)
  #expect(verdict.tiers.map(\.word) == [.no, .no, .no], "\(verdict.tiers.map(\.sentence))")
}

@Test("Attention to the first position, or to both ends, is not attention to the anchors")
func position() throws {
  for model in [Constructed.position, Constructed.bothEnds] {
    let verdict = try verdict(model)
    #expect(verdict.attends.word == .no && verdict.contributes.word == .no, "\(verdict.tiers.map(\.sentence))")
    #expect(verdict.causes.word == .undecided)
    #expect(verdict.attends.sentence.contains("follows the position"))
    #expect(verdict.conclusion == "voco attends to where the anchors stand, not to the anchors.")
    #expect(verdict.controls.first { $0.name == .order }?.outcome == false)
  }
}

@Test("Untrained parts, missing controls or too few pictures never yield a yes")
func neverYes() throws {
  #expect(
    try verdict(Constructed.uses, untrained: ["decoder"]).tiers.map(\.word) == [.undecided, .undecided, .undecided])
  let uncontrolled = engine.verdict(try Constructed.uses.summary(pictures: 32, controls: []))
  #expect(uncontrolled.tiers.map(\.word) == [.undecided, .undecided, .undecided])
  #expect(uncontrolled.controls.last?.outcome == nil)
  let few = engine.verdict(try Constructed.uses.summary(pictures: 5, controls: Constructed.controls))
  #expect(few.tiers.map(\.word) == [.undecided, .undecided, .undecided] && few.anecdote)
  #expect(few.conclusion.hasPrefix("Anecdote (5 pictures"))
  let none = engine.verdict(try Constructed.uses.summary(pictures: 6, controls: Constructed.controls))
  #expect(none.tiers.map(\.word) == [.yes, .yes, .yes] && none.anecdote)
}

@Test("Of 200 randomly weighted models at most five in a hundred get a yes on any claim")
func falsePositives() throws {
  var rule = VerdictRule()
  rule.bootstrapDraws = 100
  let engine = VerdictEngine(rule: rule, seed: 3)
  var counts: [EvidenceTier: Int] = [:]
  var anyYes = 0
  var wouldAttend = 0
  for trial in 0..<200 {
    let base = UInt64(1_000 + trial * 100)
    let controls = (1...39).map { ToyModel.random(seed: base + UInt64($0)) }
    let summary = try ToyModel.random(seed: base).summary(
      pictures: 6, draws: 10, controls: controls, controlled: 3, signFlipDraws: 50)
    let verdict = engine.verdict(summary)
    if let interval = verdict.attends.interval, interval.low > rule.minimumLift { wouldAttend += 1 }
    let yes = verdict.tiers.filter { $0.word == .yes }
    for tier in yes { counts[tier.tier, default: 0] += 1 }
    anyYes += yes.isEmpty ? 0 : 1
  }
  #expect(anyYes <= 10, "\(anyYes) of 200: \(counts)")
  // The null is not an empty one: by chance many of these models do attend to their anchors.
  #expect(wouldAttend >= 20, "\(wouldAttend) of 200")
}
