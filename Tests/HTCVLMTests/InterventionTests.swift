import HTCVLM
import Tensor
import TestSupport
import Testing
import Trace

/// Knock-outs, replacements and reorderings against a dense decoder that is told the same.
@Suite("Interventions")
struct InterventionTests {
  /// A model, a compressed picture and its dense twin.
  private struct Bench {
    let configuration: HTCVLMConfiguration
    let tensors: [String: StoredTensor]
    let model: HTCVLMModel
    let cache: VisualCache
    let sequence: SequenceTrace
    let prompt = "is it red"

    init(_ changes: [String: Any] = [:], edits: [InputEdit] = []) throws {
      configuration = try SyntheticModel.configuration(changes)
      tensors = try SyntheticModel.tensors(configuration)
      model = try SyntheticModel.model(configuration, tensors: tensors)
      let visual = try model.encode(SyntheticModel.picture())
      cache = try model.compress(visual, intervention: Intervention(inputs: edits))
      sequence = try model.sequence(visual, Intervention(inputs: edits), text: try model.tokenize(prompt))
    }

    var dense: DenseReference { DenseReference(configuration: configuration, tensors: tensors) }

    func rules(_ edge: DenseReference.Edge) -> Bool { sequence.allows(row: edge.row, column: edge.column) }

    func isVoco(_ row: Int) -> Bool { sequence.positions(of: .voco).contains(row) }

    func expect(
      _ intervention: Intervention, is reference: DenseReference.Result,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let outcome = try model.outcomes(of: [intervention], on: cache, prompt: prompt)[0]
      let voco = try #require(sequence.vocoPosition)
      expectClose(
        outcome.hiddenVoco, Tensor.concatenate(reference.hidden.map { $0[rows: voco..<voco + 1] }), "hidden",
        sourceLocation: sourceLocation)
      expectClose(
        outcome.logits, reference.logits[row: sequence.length - 1], "logits", sourceLocation: sourceLocation)
    }
  }

  static let variants: [(mask: String, vocos: Int)] = [("star", 1), ("star", 2), ("causal", 1), ("causal", 2)]

  @Test("A cut edge is the edge masked in a dense decoder", arguments: variants)
  func cut(_ mask: String, vocos: Int) throws {
    let bench = try Bench(["visual_mask": mask, "num_voco_tokens": vocos])
    let keys = Set(bench.cache.anchorPositions)
    let reference = bench.dense.run(
      bench.sequence.embeddings,
      allows: { bench.rules($0) && !(bench.isVoco($0.row) && keys.contains($0.column)) })
    try bench.expect(.cut(keys: keys), is: reference)
  }

  @Test("A cut holds in the chosen layers and heads alone")
  func cutSomewhere() throws {
    let bench = try Bench()
    let keys = Set(bench.cache.patchPositions.prefix(4))
    let reference = bench.dense.run(
      bench.sequence.embeddings,
      allows: {
        bench.rules($0)
          && !(bench.isVoco($0.row) && keys.contains($0.column) && $0.layer == 1 && [0, 3].contains($0.head))
      })
    try bench.expect(.cut(keys: keys, layers: [1], heads: [0, 3]), is: reference)
  }

  @Test("A zeroed edge keeps its weight and carries nothing")
  func zero() throws {
    let bench = try Bench()
    let keys = Set(bench.cache.anchorPositions)
    let reference = bench.dense.run(
      bench.sequence.embeddings, allows: bench.rules,
      replacing: { edge, values in
        bench.isVoco(edge.row) && keys.contains(edge.column) ? [Float](repeating: 0, count: values.shape[1]) : nil
      })
    try bench.expect(.cut(keys: keys, method: .zero), is: reference)
  }

  /// Another picture through the same model, and the bench's own with everything of it swapped in.
  @Test("Every key and value before voco swapped for a donor's is the donor's run", arguments: variants)
  func everythingSwapped(_ mask: String, vocos: Int) throws {
    let bench = try Bench(["visual_mask": mask, "num_voco_tokens": vocos])
    let other = try bench.model.compress(bench.model.encode(SyntheticModel.picture(shade: 90)))
    let swap = EdgeSwap(keys: Set(bench.cache.contextPositions), .both, from: bench.model.donor(other))
    let swapped = try bench.model.outcomes(of: [Intervention(swaps: [swap])], on: bench.cache, prompt: bench.prompt)[0]
    let own = try bench.model.outcomes(of: [.none], on: other, prompt: bench.prompt)[0]
    expectClose(swapped.logits, own.logits)
    expectClose(swapped.hiddenVoco, own.hiddenVoco)
    let base = try bench.model.outcomes(of: [.none], on: bench.cache, prompt: bench.prompt)[0]
    #expect(relativeError(base.logits, own.logits) > 1e-3)
  }

  @Test("Keys and values swapped apart are both swapped, and a picture's own change nothing")
  func swapParts() throws {
    let bench = try Bench()
    let donor = bench.model.donor(try bench.model.compress(bench.model.encode(SyntheticModel.picture(shade: 90))))
    let anchors = Set(bench.cache.anchorPositions)
    let swap = { (part: EdgeSwap.Part) in EdgeSwap(keys: anchors, part, from: donor, layers: [0, 1]) }
    let own = EdgeSwap(keys: anchors, .both, from: bench.model.donor(bench.cache))
    let logits = try bench.model.outcomes(
      of: [
        Intervention(swaps: [swap(.both)]), Intervention(swaps: [swap(.keys), swap(.values)]),
        Intervention(swaps: [own]),
        .none, Intervention(swaps: [swap(.values)]), Intervention(swaps: [swap(.keys)]),
      ], on: bench.cache, prompt: bench.prompt
    ).map(\.logits)
    expectClose(logits[1], logits[0])
    expectClose(logits[2], logits[3])
    for index in [0, 4, 5] { #expect(relativeError(logits[index], logits[3]) > 1e-4) }
  }

  @Test(
    "A donor with the anchors or patches alone replaced is the run with them replaced", arguments: ["star", "causal"])
  func replacedDonor(_ mask: String) throws {
    let bench = try Bench(["visual_mask": mask])
    let other = try bench.model.encode(SyntheticModel.picture(shade: 90))
    let edits: [(SegmentKind, InputEdit)] = [
      (.anchors, .anchors(EditedRows(other.anchors))), (.patches, .patches(EditedRows(other.vision.patches))),
    ]
    for (kind, edit) in edits {
      let donor = try bench.model.donor(bench.cache, replacing: kind, by: other)
      // Under the star mask the donor holds the replaced rows alone, and the others are the picture's own.
      let keys =
        mask == "star"
        ? (kind == .anchors ? bench.cache.anchorPositions : bench.cache.patchPositions)
        : Array(bench.cache.contextPositions)
      let outcomes = try bench.model.outcomes(
        of: [Intervention(swaps: [EdgeSwap(keys: Set(keys), .both, from: donor)]), Intervention(inputs: [edit])],
        on: bench.cache, prompt: bench.prompt)
      expectClose(outcomes[0].logits, outcomes[1].logits, "\(kind)")
    }
  }

  @Test("Exchanged anchors and patches are those of a run that was compressed so", arguments: ["star", "causal"])
  func exchanged(_ mask: String) throws {
    let bench = try Bench(["visual_mask": mask])
    let pairs = [(1, 8), (2, 5)]
    let warm = try bench.model.exchanging(pairs, in: bench.cache)
    let cold = try bench.model.compress(
      bench.cache.visual, intervention: Intervention(inputs: pairs.map { .exchange($0.0, $0.1) }))
    expectClose(warm.attentionVoco, cold.attentionVoco)
    expectClose(warm.hiddenVoco, cold.hiddenVoco)
    #expect(relativeError(warm.attentionVoco, bench.cache.attentionVoco) > 1e-3)
  }

  @Test("What is meant for one voco token leaves those before it")
  func oneVoco() throws {
    let bench = try Bench(["num_voco_tokens": 2])
    let anchors = Set(bench.cache.anchorPositions)
    let outcomes = try bench.model.outcomes(
      of: [.none, .cut(keys: anchors, vocos: [1]), .cut(keys: anchors, vocos: [0])], on: bench.cache,
      prompt: bench.prompt)
    #expect(relativeError(outcomes[1].logits, outcomes[0].logits) > 1e-4)
    #expect(relativeError(outcomes[1].logits, outcomes[2].logits) > 1e-4)
    #expect(bench.cache.attention(ofVoco: 1) == bench.cache.attentionVoco)
    #expect(bench.cache.attention(ofVoco: 0) != bench.cache.attentionVoco)
  }

  @Test("Differences of values are those of the head outputs that they make")
  func valueDifferences() throws {
    let bench = try Bench()
    let other = try bench.model.compress(bench.model.encode(SyntheticModel.picture(shade: 90)))
    let keys = bench.cache.anchorPositions
    let donor = bench.model.donor(other)
    let grams = bench.model.outputGrams()
    let once = bench.model.valueDifferences(bench.cache, [(keys, [donor])], grams: grams)
    let own = bench.model.valueDifferences(bench.cache, [(keys, [bench.model.donor(bench.cache)])], grams: grams)
    #expect(own.values.allSatisfy { $0 == 0 })
    // Against two donors of which one is the picture itself, the mean square halves.
    let half = bench.model.valueDifferences(
      bench.cache, [(keys, [donor, bench.model.donor(bench.cache)])], grams: grams)
    expectClose(half * Float(2).squareRoot(), once)
    #expect(once.values.contains { $0 > 0 })
  }

  @Test("Variants side by side do not touch each other")
  func batch() throws {
    let bench = try Bench(["num_voco_tokens": 2])
    let interventions: [Intervention] =
      [.none] + bench.cache.patchPositions.map { .cut(keys: [$0]) }
      + (0..<70).map { .cut(keys: [$0 % 12], layers: [$0 % 3], method: $0 % 2 == 0 ? .zero : .mask) }
    let prompt = String(repeating: "is it red ", count: 20)
    var done: [Int] = []
    let together = try bench.model.outcomes(
      of: interventions, on: bench.cache, prompt: prompt, onProgress: { done.append($0) })
    #expect(together.count == interventions.count)
    #expect(done.count > 1 && done == done.sorted() && done.last == interventions.count)
    for index in stride(from: 0, to: interventions.count, by: 9) {
      let alone = try bench.model.outcomes(of: [interventions[index]], on: bench.cache, prompt: prompt)[0]
      expectClose(together[index].logits, alone.logits, "logits \(index)")
      expectClose(together[index].hiddenVoco, alone.hiddenVoco, "hidden \(index)")
    }
    expectClose(together[0].hiddenVoco, bench.cache.hiddenVoco, "baseline")
  }

  @Test("With every key cut, the voco row attends to nothing and stays finite")
  func everythingCut() throws {
    let bench = try Bench()
    let keys = Set(0..<bench.cache.keys)
    let cache = try bench.model.recompress(bench.cache, intervention: .cut(keys: keys))
    #expect(cache.attentionVoco.values.allSatisfy { $0 == 0 })
    #expect(cache.hiddenVoco.values.allSatisfy { $0.isFinite })
  }

  @Test("Recompressing under cuts is compressing under them from the start")
  func recompress() throws {
    let bench = try Bench()
    let cut = Intervention.cut(keys: Set(bench.cache.anchorPositions))
    let warm = try bench.model.recompress(bench.cache, intervention: cut)
    let cold = try bench.model.compress(bench.cache.visual, intervention: cut)
    #expect(warm.hiddenVoco == cold.hiddenVoco)
    #expect(warm.attentionVoco == cold.attentionVoco)
    #expect(bench.cache.anchorPositions.allSatisfy { warm.attentionVoco[0, 0, $0] == 0 })
    #expect(relativeError(warm.hiddenVoco, bench.cache.hiddenVoco) > 1e-3)
  }

  @Test("Replaced anchors and patches, another order and exchanged rows are what the decoder reads")
  func inputs() throws {
    let plain = try Bench()
    let anchors = plain.cache.visual.anchors
    let patches = plain.cache.visual.vision.patches
    let edits: [[InputEdit]] = [
      [.anchors(EditedRows(anchors * -0.5))],
      [.patches(EditedRows(Tensor.concatenate((0..<9).reversed().map { patches[rows: $0..<$0 + 1] })))],
      [.order([.bos, .patches, .anchors, .voco, .text])],
      [.exchange(1, 8), .exchange(2, 5)],
      [.noise(kind: .anchors, scale: 0.5, seed: 3)],
    ]
    for edits in edits {
      let bench = try Bench(edits: edits)
      let reference = bench.dense.run(bench.sequence.embeddings, allows: bench.rules)
      try bench.expect(.none, is: reference)
      let outcome = try plain.model.outcomes(
        of: [Intervention(inputs: edits)], on: plain.cache, prompt: plain.prompt)[0]
      expectClose(outcome.logits, reference.logits[row: bench.sequence.length - 1], "\(edits)")
    }
  }

  @Test("Edits reach the sequence: the anchors' rows, their order, and noise of the asked size")
  func sequences() throws {
    let plain = try Bench()
    let anchors = plain.cache.visual.anchors
    let reordered = try Bench(edits: [.order([.bos, .patches, .anchors, .voco, .text])])
    #expect(reordered.cache.anchorPositions == [10, 11, 12])
    #expect(reordered.sequence.embeddings[rows: 10..<13] == anchors)
    let replaced = try Bench(edits: [.anchors(EditedRows(anchors * 2))])
    #expect(replaced.sequence.embeddings[rows: 1..<4] == anchors * 2)
    let noisy = try Bench(edits: [.noise(kind: .patches, scale: 0.5, seed: 3)])
    let patches = plain.cache.visual.vision.patches
    let difference = noisy.sequence.embeddings[rows: 4..<13] + patches * -1
    func deviation(_ x: Tensor) -> Double {
      let mean = x.values.reduce(0.0) { $0 + Double($1) } / Double(x.count)
      return (x.values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(x.count)).squareRoot()
    }
    #expect(abs(deviation(difference) / deviation(patches) - 0.5) < 0.1)
  }

  @Test("An intervention that names what the run lacks is refused with the range")
  func refused() throws {
    let bench = try Bench()
    let cases: [(Intervention, String)] = [
      (.cut(keys: [99]), "key 99 is not in 0…13"),
      (.cut(keys: [0], layers: [3]), "layer 3 of 3"),
      (.cut(keys: [0], heads: [-1]), "head -1 of 4"),
      (Intervention(inputs: [.anchors(EditedRows(.zeros([2, 32])))]), "[2, 32]"),
      (Intervention(inputs: [.exchange(0, 50)]), "50"),
      (Intervention(inputs: [.noise(kind: .text, scale: 1, seed: 0)]), "text"),
    ]
    for (intervention, reason) in cases {
      let error = #expect(throws: ModelError.self) {
        try bench.model.outcomes(of: [intervention], on: bench.cache, prompt: "x")
      }
      #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    }
  }
}
