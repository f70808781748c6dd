import Evidence
import Foundation
import Tensor
import TestSupport
import Testing
import Trace

/// bos, A1, A2, four patches, voco, two text tokens. Two layers of two heads.
private let rows: [[[Float]]] = [
  [
    [0.2, 0.1, 0.3, 0.05, 0.1, 0.15, 0, 0.1, 0, 0],
    [0.6, 0, 0.1, 0.05, 0.05, 0.05, 0.05, 0.1, 0, 0],
  ],
  [
    [0, 0.25, 0.25, 0.125, 0.125, 0.125, 0.125, 0, 0, 0],
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ],
]

private func sample() throws -> VocoAttention {
  try VocoAttention(SampleAttention().trace { rows[$0][$1] })
}

@Test("The voco row divides into anchors, patches, prefix and itself")
func divides() throws {
  let shares = try sample().shares(layer: 0, head: 0)
  #expect(close(shares.anchors, 0.4) && close(shares.patches, 0.3))
  #expect(close(shares.prefix, 0.2) && close(shares.itself, 0.1))
  #expect(shares.anchorCount == 2 && shares.patchCount == 4 && shares.visibleCount == 8)
  #expect(close(shares.anchorsOfVisual, 0.4 / 0.7))
  #expect(close(shares.lift, (0.4 / 2) / (0.3 / 4)))
  #expect(close(shares.liftOverUniform, 0.4 / (2.0 / 8)))
}

@Test("Without attention on a patch, or without anchors, there is no lift")
func undefinedLift() throws {
  #expect(try sample().shares(layer: 1, head: 1).lift == nil)
  #expect(try sample().shares(layer: 1, head: 1).anchorsOfVisual == nil)
  var shape = SampleAttention()
  shape.anchors = 0
  let uniform = [Float](repeating: 1 / 6, count: 6) + [0, 0]
  let attention = try VocoAttention(shape.trace { _, _ in uniform })
  let shares = attention.shares(layer: 0, head: 0)
  #expect(shares.lift == nil && shares.liftOverUniform == nil && attention.layout.uniformAnchorShare == 0)
}

@Test("Over almost no attention on the patches a lift stops at the smallest share that counts")
func flooredLift() throws {
  let row: [Float] = [0, 0.5, 0.5, 1e-20, 0, 0, 0, 0, 0, 0]
  let attention = try VocoAttention(SampleAttention().trace { _, _ in row })
  #expect(close(attention.shares(layer: 0, head: 0).lift, 0.5 / smallestShare))
  let query = AttentionQuery(layer: .single(0), head: .single(0), metric: .lift)
  let view = try #require(AttentionView(attention, query))
  #expect(close(view.lift(of: 1), 0.5 / smallestShare) && close(view.anchorValues[0], 0.5 / smallestShare))
}

@Test("Uniform attention has lift 1, entropy ln of the visible keys and as many effective keys")
func uniform() throws {
  let row = [Float](repeating: 0.125, count: 8) + [0, 0]
  let attention = try VocoAttention(SampleAttention().trace { _, _ in row })
  for statistic in CellStatistic.allCases {
    guard let expected = statistic.uniform(layout: attention.layout) else { continue }
    #expect(close(attention.value(statistic, layer: 0, head: 0), expected), "\(statistic)")
    #expect(close(attention.curve(statistic)[1], expected), "\(statistic)")
  }
  #expect(close(attention.value(.entropy, layer: 0, head: 0), log(8)))
}

@Test("Heads and layers aggregate by mean, by max and singly, and say so")
func aggregation() throws {
  let attention = try sample()
  let layout = attention.layout
  let mean = try #require(AttentionView(attention, AttentionQuery(layer: .single(0))))
  #expect(close(mean.values[2], 0.2) && close(mean.values[0], 0.4))
  #expect(mean.formula == "mean over heads of share")
  let maximum = try #require(AttentionView(attention, AttentionQuery(layer: .single(0), head: .max)))
  #expect(close(maximum.values[2], 0.3) && close(maximum.values[0], 0.6))
  #expect(maximum.formula == "max over heads of share")
  let all = try #require(AttentionView(attention, AttentionQuery()))
  // Of two layers the second is read by nobody.
  #expect(close(all.values[2], (0.3 + 0.1) / 2))
  #expect(all.formula == "mean over live layers and heads of share")
  let one = try #require(AttentionView(attention, AttentionQuery(layer: .single(1), head: .single(0))))
  #expect(one.values == attention.row(layer: 1, head: 0) && one.formula == "share")
  #expect(
    AttentionQuery(metric: .lift).formula(layout: layout)
      == "lift = a key's share/(patch share/4), mean over live layers and heads of share")
  #expect(AttentionView(attention, AttentionQuery(layer: .single(2))) == nil)
  #expect(AttentionView(attention, AttentionQuery(head: .single(2))) == nil)
}

@Test("The lift metric is each key over the mean patch, and the anchors' mean lift is the shares' lift")
func liftMetric() throws {
  let view = try #require(AttentionView(sample(), AttentionQuery(layer: .single(0), head: .single(0), metric: .lift)))
  #expect(close(view.values[1], 0.1 / 0.075) && close(view.values[3], 0.05 / 0.075))
  #expect(close(view.lift(of: 1), 0.1 / 0.075))
  #expect(close(view.anchorValues.reduce(0, +) / 2, view.shares.lift ?? .nan))
  #expect(view.uniform == 1)
}

@Test("Ranks count the shown keys with a larger value, ties sharing the better rank")
func ranks() throws {
  let view = try #require(AttentionView(sample(), AttentionQuery(layer: .single(0), head: .single(0))))
  #expect(view.rank(of: 2) == 1 && view.rank(of: 0) == 2 && view.rank(of: 5) == 3)
  #expect(view.rank(of: 1) == 4 && view.rank(of: 4) == 4 && view.rank(of: 7) == 4)
  #expect(view.rank(of: 6) == 8 && view.rank(of: 8) == nil)
  #expect(view.anchorRanks == [4, 1] && view.shownCount == 8)
  #expect(view.range.lowerBound == 0 && close(view.range.upperBound, 0.3))
  #expect(view.patchValues.count == 4 && close(view.patchValues[2], 0.15))
}

@Test("A key above the threshold in half of the heads is a sink, the prefix always, and hiding them renormalizes")
func sinks() throws {
  let attention = try sample()
  let rule = SinkRule(uniformMultiple: 2, share: 0.3, headFraction: 0.5)
  #expect(close(rule.threshold(visible: 8), 0.25))
  #expect(attention.sinks(.single(0), rule: rule) == [0, 2])
  #expect(attention.sinks(.single(1), rule: rule) == [0])
  #expect(attention.sinks(.all, rule: rule) == [0, 2], "the second layer is read by nobody")
  #expect(SinkRule().sentence(visible: 583).contains("4.3 %"))
  let query = AttentionQuery(layer: .single(0), head: .single(0), hidesSinks: true)
  let view = try #require(AttentionView(attention, query, sinkRule: rule))
  #expect(view.sinks == [0, 2] && !view.shown[0] && !view.shown[2] && view.rank(of: 2) == nil)
  #expect(close(view.values[1], 0.1 / 0.5) && close(view.shares.anchors, 0.2) && view.shares.anchorCount == 1)
  #expect(close(view.shares.lift, 0.2 / (0.6 / 4)))
  #expect(view.formula == "share, without sinks")
}

@Test("Visual keys alone sum to one in every head before they are averaged")
func visualOnly() throws {
  let attention = try sample()
  let view = try #require(AttentionView(attention, AttentionQuery(layer: .single(0), visualOnly: true)))
  #expect(close(view.shares.anchors + view.shares.patches, 1))
  #expect(close(view.shares.anchors, (0.4 / 0.7 + 0.1 / 0.3) / 2))
  #expect(!view.shown[0] && !view.shown[7] && view.values[0] == 0)
  #expect(view.formula == "mean over heads of share, of visual keys alone")
}

@Test("Norm-weighted attention is α·‖v·W_o‖ normalized per head")
func normWeighted() throws {
  let norms: [Float] = [0, 2, 2, 1, 1, 1, 1, 0, 0, 0]
  let trace = SampleAttention().trace(valueNorms: { _, _ in norms }, rows: { rows[$0][$1] })
  let attention = try VocoAttention(trace)
  let row = try #require(attention.normWeightedRow(layer: 0, head: 0))
  #expect(close(row[1], 0.2 / 1.1) && close(row[2], 0.6 / 1.1) && row[0] == 0)
  #expect(close(attention.value(.normWeightedShare, layer: 0, head: 0), 0.8 / 1.1))
  #expect(close(attention.value(.normWeightedLift, layer: 0, head: 0), (0.8 / 2) / (0.3 / 4)))
  let view = try #require(
    AttentionView(attention, AttentionQuery(layer: .single(0), head: .single(0), metric: .normWeighted)))
  #expect(view.values == row && view.formula == "α·‖v·W_o‖ / Σ over keys")
  #expect(try sample().value(.normWeightedShare, layer: 0, head: 0) == nil)
  #expect(try AttentionView(sample(), AttentionQuery(metric: .normWeighted)) == nil)
}

@Test("What an anchor brings over a patch is summed over heads before it is divided: a faint head counts for little")
func rawContribution() throws {
  let layout = KeyLayout(
    roles: [.anchor(0), .patch(row: 0, column: 0), .patch(row: 0, column: 1), .itself], query: 3, patchGrid: 2)
  let attention = try VocoAttention(
    layout: layout, attention: Tensor(shape: [1, 2, 4], values: [0.1, 0.4, 0.4, 0.1, 0.8, 0.05, 0.05, 0.1]),
    valueNorms: Tensor(shape: [1, 2, 4], values: [10, 10, 10, 5, 0.1, 0.1, 0.1, 5]))
  let found = try #require(attention.logRawContribution)
  #expect(close(exp(found), (0.1 * 10 + 0.8 * 0.1) / ((0.8 * 10 + 0.1 * 0.1) / 2)))
  #expect(try sample().logRawContribution == nil)
}

@Test("Rollout shows the chosen layer, and the last that is read for all layers")
func rollout() throws {
  let rolled: [[Float]] = [[0.5, 0.1, 0.1, 0, 0, 0, 0, 0.3, 0, 0], [0.4, 0.2, 0.1, 0, 0, 0, 0, 0.3, 0, 0]]
  let attention = try VocoAttention(SampleAttention().trace(rollout: rolled) { rows[$0][$1] })
  let first = try #require(AttentionView(attention, AttentionQuery(layer: .single(0), metric: .rollout)))
  #expect(close(first.values[1], 0.1) && first.formula == "rollout through layer 1, heads averaged, residual ½")
  let last = try #require(AttentionView(attention, AttentionQuery(metric: .rollout)))
  #expect(close(last.values[1], 0.1) && last.formula.hasPrefix("rollout through the live layers"))
  #expect(attention.metrics == [.share, .lift, .rollout])
}

@Test("A mean's layers are named by those that somebody reads: all of a predicting token, not the last of voco")
func liveWords() throws {
  func words(layers: Int, query: Int) throws -> [String] {
    var roles = [KeyRole](repeating: .prefix, count: 4)
    roles[query] = .itself
    let attention = try VocoAttention(
      layout: KeyLayout(roles: roles, query: query, patchGrid: 1, isVoco: query == 2),
      attention: .zeros([layers, 1, roles.count]))
    return [attention.liveWords, attention.shortLiveWords]
  }
  #expect(try words(layers: 4, query: 2) == ["layers 1–3 (live)", "1–3, live"])
  #expect(try words(layers: 2, query: 2) == ["layer 1 (live)", "1, live"])
  #expect(try words(layers: 4, query: 3) == ["all 4 layers", "all 4"])
}

@Test("The matrix holds every head and the curve the head-averaged shares of a layer")
func matrixAndCurve() throws {
  let attention = try sample()
  let matrix = attention.matrix(.anchorShare)
  #expect(close(matrix[0][0], 0.4) && close(matrix[0][1], 0.1) && close(matrix[1][0], 0.5) && close(matrix[1][1], 0))
  #expect(attention.matrix(.lift)[1][1] == nil)
  #expect(close(attention.curve(.anchorShare)[0], 0.25))
  #expect(close(attention.curve(.lift)[0], (0.5 / 2 / 2) / (0.5 / 2 / 4)))
}

@Test("A trace without decoder, or with rows of another length, is refused by name")
func refusals() throws {
  var trace = SampleAttention().trace { rows[$0][$1] }
  trace.language?.attentionVoco = .zeros([2, 2, 9])
  #expect(throws: EvidenceError.shape(tensor: "attention.voco", found: [2, 2, 9], expected: "[L, H, 10]")) {
    try VocoAttention(trace)
  }
  trace.language = nil
  #expect(throws: EvidenceError.missing(stage: "decoder")) { try VocoAttention(trace) }
  trace.sequence?.spans.removeAll { $0.kind == .voco }
  // A checkpoint without voco is inspected at its last prompt token, whose attention is read in every layer.
  let layout = try KeyLayout(trace)
  #expect(layout.query == 9 && layout.roles[9] == .itself && !layout.isVoco)
  trace.sequence = SampleAttention().sequence
  trace.model.patchGrid = 3
  #expect(throws: EvidenceError.shape(tensor: "patches", found: [4], expected: "3×3")) { try KeyLayout(trace) }
}

@Test("Roles follow the spans and the mask, also with anchors behind the patches")
func roles() throws {
  var shape = SampleAttention()
  shape.anchorsLast = true
  let layout = try KeyLayout(shape.sequence, patchGrid: 2)
  #expect(layout.patches == [1, 2, 3, 4] && layout.anchors == [5, 6] && layout.prefix == [0])
  #expect(layout.roles[4] == .patch(row: 1, column: 1) && layout.roles[6] == .anchor(1))
  #expect(layout.roles[7] == .itself && layout.roles[8] == .unseen && layout.visible == Array(0..<8))
}
