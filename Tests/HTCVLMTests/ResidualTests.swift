import HTCVLM
import Tensor
import TestSupport
import Testing
import Trace
import WeightFormats

/// The residual stream with states put in, against a dense decoder and against the paths that answers take.
@Suite("Residual stream")
struct ResidualTests {
  private struct Bench {
    let configuration: HTCVLMConfiguration
    let tensors: [String: StoredTensor]
    let model: HTCVLMModel
    let caches: [VisualCache]
    let text: [Int32]
    let prompt = "is it red"

    init(_ changes: [String: Any] = [:]) throws {
      configuration = try SyntheticModel.configuration(changes)
      tensors = try SyntheticModel.tensors(configuration)
      model = try SyntheticModel.model(configuration, tensors: tensors)
      let model = model
      caches = try [0, 91].map { try model.compress(try model.encode(SyntheticModel.picture(shade: $0))) }
      text = try model.tokenize(prompt)
    }
  }

  static let variants: [(mask: String, vocos: Int)] = [("star", 1), ("star", 2), ("causal", 1), ("causal", 2)]

  @Test("Every state, weight and logit is the dense decoder's", arguments: variants)
  func states(_ mask: String, vocos: Int) throws {
    let bench = try Bench(["visual_mask": mask, "num_voco_tokens": vocos])
    let sequence = try bench.model.sequence(bench.caches[0].visual, text: bench.text)
    let reference = DenseReference(configuration: bench.configuration, tensors: bench.tensors).run(
      sequence.embeddings, allows: { sequence.allows(row: $0.row, column: $0.column) })
    let run = try bench.model.residualRun(bench.caches[0], text: bench.text)
    for (layer, states) in reference.hidden.enumerated() { expectClose(run.states[layer], states, "into \(layer)") }
    let last = sequence.length - 1
    #expect(run.answerRows == [last])
    expectClose(run.logits, reference.logits[rows: last..<last + 1], "logits")
    for (layer, heads) in reference.attention.enumerated() {
      expectClose(run.attention[layer][0], Tensor.concatenate(heads.map { $0[rows: last..<last + 1] }), "weights")
    }
    expectClose(try bench.model.lens(run.states[3], isNormalized: true), reference.logits, "lens of the last")
  }

  @Test("Answer rows are the last prompt token and the tokens after it, and give what the model answers with")
  func answer() throws {
    let bench = try Bench()
    let answer = try bench.model.answer(
      bench.prompt, from: bench.caches[0], options: GenerationOptions(maxNewTokens: 4))
    let run = try bench.model.residualRun(bench.caches[0], text: bench.text, answer: Array(answer.tokenIDs.dropLast()))
    #expect(run.answerRows.count == answer.tokenIDs.count)
    for (index, token) in answer.tokenIDs.enumerated() {
      let row = run.logits[row: index].values
      #expect(row.indices.max { row[$0] < row[$1] } == Int(token))
    }
  }

  @Test("Cut edges give what the cached path gives", arguments: variants)
  func cut(_ mask: String, vocos: Int) throws {
    let bench = try Bench(["visual_mask": mask, "num_voco_tokens": vocos])
    let keys = Set(bench.caches[0].anchorPositions)
    let run = try bench.model.residualRun(bench.caches[0], text: bench.text)
    let outcome = try bench.model.outcomes(of: [.cut(keys: keys)], on: bench.caches[0], prompt: bench.prompt)[0]
    expectClose(try bench.model.logits(of: run, after: .cut(keys, in: run))[row: 0], outcome.logits)
  }

  @Test("Other anchors at the first layer are other anchors in the input", arguments: variants)
  func swap(_ mask: String, vocos: Int) throws {
    let bench = try Bench(["visual_mask": mask, "num_voco_tokens": vocos])
    let anchors = bench.caches[1].visual.anchors
    let run = try bench.model.residualRun(bench.caches[0], text: bench.text)
    let outcome = try bench.model.outcomes(
      of: [Intervention(inputs: [.anchors(EditedRows(anchors))])], on: bench.caches[0], prompt: bench.prompt)[0]
    let edit = ResidualEdit(rows: bench.caches[0].anchorPositions, states: anchors)
    let swapped = try bench.model.logits(of: run, after: edit)[row: 0]
    expectClose(swapped, outcome.logits)
    #expect(relativeError(swapped, run.logits[row: 0]) > 1e-3)
  }

  @Test("All states of another run are that run; of no row, this one", arguments: variants)
  func whole(_ mask: String, vocos: Int) throws {
    let bench = try Bench(["visual_mask": mask, "num_voco_tokens": vocos])
    let runs = try bench.caches.map { try bench.model.residualRun($0, text: bench.text) }
    for layer in 0..<3 {
      let all = try bench.model.logits(
        of: runs[0], after: .states(of: runs[1], rows: Array(0..<runs[0].layout.length), layer: layer))
      // In the last layer text still reads keys and values that were made before the states were put in: none of voco's.
      expectClose(all, runs[1].logits, "all rows into layer \(layer)")
      let none = try bench.model.logits(of: runs[0], after: .states(of: runs[1], rows: [], layer: layer))
      expectClose(none, runs[0].logits, "no row")
    }
  }

  @Test("Of voco's state into the last layer only its keys and values are read, and of a patch's into it nothing")
  func last() throws {
    let bench = try Bench()
    let runs = try bench.caches.map { try bench.model.residualRun($0, text: bench.text) }
    func change(_ rows: [Int], _ layer: Int) throws -> Float {
      relativeError(
        try bench.model.logits(of: runs[0], after: .states(of: runs[1], rows: rows, layer: layer)), runs[0].logits)
    }
    #expect(try change(bench.caches[0].patchPositions, 2) < 1e-6)
    #expect(try change(bench.caches[0].patchPositions, 1) > 1e-4)
    #expect(try change([bench.caches[0].keys - 1], 2) > 1e-4)
  }
}
