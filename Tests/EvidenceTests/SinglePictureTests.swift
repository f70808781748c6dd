import Evidence
import Foundation
import Tensor
import Testing

@Suite("What one picture shows")
struct SinglePictureTests {
  private func uniform(_ sample: SampleAttention, anchor: Float) -> (Int, Int) -> [Float] {
    { layer, _ in
      var row = [Float](repeating: 0, count: sample.length)
      // The last layer, which nobody reads, looks at the first anchor alone.
      if layer == sample.layers - 1 {
        row[sample.anchorStart] = 1
        return row
      }
      let total = Float(sample.anchors) * anchor + Float(sample.patches)
      for key in 0..<sample.anchors { row[sample.anchorStart + key] = anchor / total }
      for key in 0..<sample.patches { row[sample.patchStart + key] = 1 / total }
      return row
    }
  }

  @Test("It is an anecdote whose words are open, with the lift of the layers that text reads")
  func anecdote() throws {
    let sample = SampleAttention(layers: 3)
    let trace = sample.trace(rows: uniform(sample, anchor: 4))
    let verdict = try VerdictEngine().verdict(picture: trace)
    #expect(verdict.anecdote && verdict.n == 1 && verdict.liveLayers == 2)
    #expect(verdict.attends.word == .undecided && verdict.contributes.word == .notMeasured)
    #expect(verdict.causes.word == .notMeasured)
    #expect(abs((verdict.attends.effect ?? 0) - 4) < 1e-4)
    #expect(verdict.controls.allSatisfy { $0.outcome == nil })
    #expect(verdict.conclusion.hasPrefix("Anecdote"))
  }

  @Test("Another token's row is read in all layers, and one that sees no anchor has what it knows from voco")
  func otherToken() throws {
    let sample = SampleAttention(layers: 2)
    let trace = sample.trace(rows: uniform(sample, anchor: 4))
    let length = sample.length
    func attention(sees: Bool) throws -> VocoAttention {
      let roles = (0..<length).map { key -> KeyRole in
        if key == length - 1 { return .itself }
        let anchor = key - sample.anchorStart
        let patch = key - sample.patchStart
        if (0..<sample.anchors).contains(anchor) { return sees ? .anchor(anchor) : .unseen }
        return (0..<sample.patches).contains(patch) && sees ? .patch(row: 0, column: patch) : .prefix
      }
      let layout = KeyLayout(roles: roles, query: length - 1, patchGrid: sample.patches, isVoco: false)
      // In each layer twice as much for an anchor as in the one before: 2 and 4 patches' shares.
      let values = (0..<2 * sample.heads).flatMap { cell -> [Float] in
        let anchor: Float = cell / sample.heads == 0 ? 2 : 4
        let total = Float(sample.anchors) * anchor + Float(sample.patches)
        return (0..<length).map { key in
          if (0..<sample.anchors).contains(key - sample.anchorStart) { return anchor / total }
          return (0..<sample.patches).contains(key - sample.patchStart) ? 1 / total : 0
        }
      }
      return try VocoAttention(
        layout: layout, attention: Tensor(shape: [2, sample.heads, length], values: values))
    }
    let seen = VerdictEngine().verdict(trace, try attention(sees: true), token: "“cat”")
    let (a, p) = (Double(sample.anchors), Double(sample.patches))
    let expected = (2 / (2 * a + p) + 4 / (4 * a + p)) / (1 / (2 * a + p) + 1 / (4 * a + p))
    #expect(
      abs((seen.attends.effect ?? 0) - expected) < 1e-5 && seen.liveLayers == 2 && seen.attends.word == .undecided)
    #expect(seen.causes.sentence.contains("<voco>'s edges"))
    let blind = VerdictEngine().verdict(trace, try attention(sees: false), token: "“cat”")
    #expect(blind.attends.word == .notMeasured)
    #expect(
      blind.attends.sentence == "Not measured: “cat” sees no anchor; what it knows of the picture it has from <voco>.")
  }

  @Test("Without anchors there is nothing to measure")
  func noAnchors() throws {
    let sample = SampleAttention(anchors: 0, layers: 3)
    let trace = sample.trace { _, _ in
      [Float](repeating: 1 / Float(sample.length), count: sample.length)
    }
    let verdict = try VerdictEngine().verdict(picture: trace)
    #expect(verdict.attends.word == .notMeasured)
  }
}

@Suite("Anchors and patches in each other's positions")
struct ExchangeTests {
  private func attention(
    _ sample: SampleAttention, _ score: @escaping (_ holds: Int, _ position: Int) -> Double, holds: [Int]
  )
    throws -> VocoAttention
  {
    try VocoAttention(
      sample.trace { _, _ in
        let weights = (0..<sample.length).map { key in
          key <= sample.vocoPosition && key > 0 && key < sample.vocoPosition ? exp(score(holds[key], key)) : 0
        }
        let total = weights.reduce(0, +)
        return weights.map { Float($0 / total) }
      })
  }

  @Test("Scores that add up from content and position are told apart: only content counts in the same positions")
  func additive() throws {
    let sample = SampleAttention(layers: 3)
    // Anchors stand at 1 and 2, patches at 3 to 6; they change places with patches 4 and 6.
    let plain = Array(0..<sample.length)
    var moved = plain
    moved.swapAt(1, 4)
    moved.swapAt(2, 6)
    let pairs = [(1, 4), (2, 6)]
    for content in [0.0, 1.5] {
      let score = { (holds: Int, position: Int) in (holds <= 2 ? content : 0) + (position <= 2 ? 3.0 : 0) }
      let exchange = ExchangedAttention(
        plain: try attention(sample, score, holds: plain), exchanged: try attention(sample, score, holds: moved),
        pairs: pairs)
      #expect(abs(exchange.shares.logSamePosition - content) < 1e-5)
      #expect(abs(exchange.shares.logLift - content - 3) < 1e-5)
      #expect(exchange.cells.count == 2 * 2 && exchange.cells.allSatisfy { abs($0 - content) < 1e-5 })
    }
  }

  @Test("Contributions weigh what varies: equal values count as nothing, and the patch takes its own along")
  func contributions() throws {
    let sample = SampleAttention(layers: 3)
    let plain = Array(0..<sample.length)
    var moved = plain
    moved.swapAt(1, 4)
    moved.swapAt(2, 6)
    let even = { (_: Int, _: Int) in 0.0 }
    let exchange = ExchangedAttention(
      plain: try attention(sample, even, holds: plain), exchanged: try attention(sample, even, holds: moved),
      pairs: [(1, 4), (2, 6)])
    func differences(_ anchor: Float, _ patch: Float) -> [Float] {
      (0..<3 * 2).flatMap { _ in
        (0..<sample.length).map { (1...2).contains($0) ? anchor : (3...6).contains($0) ? patch : 0 }
      }
    }
    let three = exchange.contributions(differences(3, 1), epsilon: 1e-9)
    #expect(abs(exp(three.priority.logLift) - 3) < 1e-5 && abs(exp(three.priority.logSamePosition) - 3) < 1e-5)
    #expect(!three.isNothing)
    #expect(exchange.contributions(differences(0, 0), epsilon: 1e-9).isNothing)
    let constant = exchange.contributions(differences(0, 1), epsilon: 1e-6)
    #expect(constant.priority.logLift < -10 && !constant.isNothing)
  }
}

@Suite("Interchange effects")
struct InterchangeTests {
  @Test("The donor's own logits are the whole way on both scales, and no change none of it")
  func ends() {
    let base = Tensor(shape: [4], values: [3, 1, 0, 0])
    let donor = Tensor(shape: [4], values: [1, 4, 0, 2])
    let scale = InterchangeScale(base: base, donor: donor, own: 0, other: 1)
    #expect(scale.logitDifference == 5)
    let whole = scale.shift(donor)
    #expect(whole.logitDifference == scale.logitDifference)
    #expect(abs(whole.projection - scale.squaredNorm) < 1e-9)
    #expect(scale.shift(base) == .zero)
    // A shift of all logits alike is none.
    let shifted = Tensor(shape: [4], values: [13, 11, 10, 10])
    #expect(abs(scale.shift(shifted).projection) < 1e-9 && scale.shift(shifted).logitDifference == 0)
    #expect(scale.flip(donor) == .donor && scale.flip(base) == .own)
    #expect(scale.flip(Tensor(shape: [4], values: [0, 0, 9, 0])) == .third)
  }
}
