import Evidence
import Foundation
import Tensor
import TestSupport
import Testing
import Trace

@Suite("Lens and causal trace as values")
struct LensTests {
  @Test("The five likeliest tokens come likeliest first, of equal ones the first, with probabilities over all")
  func guesses() {
    let logits = Tensor(shape: [2, 7], values: [0, 3, 1, 3, -1, 2, 0.5, 9, 0, 0, 0, 0, 0, 0])
    let guesses = Lens.guesses(logits) { "piece \($0)" }
    #expect(guesses[0].map(\.id) == [1, 3, 5, 2, 6] && guesses[1].map(\.id) == [0, 1, 2, 3, 4])
    let total = [0.0, 3, 1, 3, -1, 2, 0.5].reduce(0) { $0 + exp($1) }
    #expect(close(guesses[0][2].probability, exp(2) / total, 1e-9) && guesses[0][2].piece == "piece 5")
    #expect(Lens.guesses(Tensor(shape: [1, 2], values: [0, 1])) { "\($0)" }[0].map(\.id) == [1, 0])
  }

  @Test("Rows are named by what they are, and states that no answer reads are told")
  func places() throws {
    let kinds: [SegmentKind] = [.bos, .anchors, .anchors, .patches, .patches, .patches, .patches, .voco, .text]
    let places = LensPlace.all([1, 2, 5, 7, 8], kinds: kinds)
    #expect(places.map(\.name) == ["A1", "A2", "patch (1,0)", "<voco>", "text at 8"])
    let state = [[TokenProbability]](repeating: [], count: 4)
    let lens = Lens(layers: 3, rows: places.map { Lens.Row(place: $0, states: state) }, hasVoco: true)
    #expect([SegmentKind.patches, .voco, .text].map(lens.liveStates) == [2, 3, 4])
    #expect(Lens(layers: 3, rows: [], hasVoco: false).liveStates(of: .patches) == 3)
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(lens)) as? [String: Any]
    let rows = try #require(json?["rows"] as? [[String: Any]])
    let read = rows.map { ($0["states"] as? [[String: Any]])?.compactMap { $0["read"] as? Bool } }
    #expect(read[3] == [true, true, true, false] && read[0] == [true, true, false, false])
  }

  @Test("Segments follow the sequence, and quadrants cover the patches once, also of an odd grid")
  func segments() {
    let patches = [SegmentKind](repeating: .patches, count: 9)
    let segments = TraceSegment.all([.bos, .anchors] + patches + [.newline, .voco, .newline, .text, .text])
    #expect(
      segments.map(\.name) == [
        "prefix", "anchors", "patches, top left", "patches, top right", "patches, bottom left",
        "patches, bottom right", "voco", "text",
      ])
    #expect(segments.map(\.rows.count) == [2, 1, 1, 2, 2, 4, 1, 3])
    #expect(segments[0].rows == [0, 11] && segments[7].rows == [13, 14, 15])
    #expect(Set(segments.flatMap(\.rows)).count == 16)
    let plain = TraceSegment.all([.bos, .text, .patches, .patches, .text])
    #expect(plain.map(\.name) == ["prefix", "patches", "text"] && plain[2].rows == [4])
  }

  @Test("An effect is the share of the way between two answers, or of all logits where the answers are equal")
  func scale() {
    let a = Tensor(shape: [3], values: [2, 0, 0])
    let b = Tensor(shape: [3], values: [0, 2, 0])
    #expect(CausalScale.between(a, b, answers: (0, 1)) == .logitDifference)
    let half = Tensor(shape: [3], values: [1, 1, 5])
    #expect(close(CausalScale.logitDifference.share(half, from: a, to: b, answers: (0, 1)), 0.5))
    #expect(close(CausalScale.logitDifference.share(b, from: a, to: b, answers: (0, 1)), 1))
    // A constant added to all logits is no change.
    let shifted = Tensor(shape: [3], values: [1, 3, 1])
    #expect(CausalScale.between(a, b, answers: (0, 0)) == .projection)
    #expect(close(CausalScale.projection.share(shifted, from: a, to: b, answers: (0, 0)), 1))
    #expect(close(CausalScale.projection.share(a, from: a, to: b, answers: (0, 0)), 0))
    let lifted = Tensor(shape: [3], values: [12, 10, 10])
    #expect(CausalScale.between(a, lifted, answers: (0, 0)) == nil)
    let near = Tensor(shape: [3], values: [1.8, 0, 0])
    #expect(CausalScale.between(a, near, answers: (0, 1)) == .projection)
  }
}
