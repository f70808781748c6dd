import HTCVLM
import Tensor
import TestSupport
import Testing
import Trace

/// The three passes against a decoder that computes every row of every layer under the whole mask.
@Suite("The decoder against a dense one")
struct DecoderTests {
  static let orders: [[String]] = [
    ["bos", "anchors", "patches", "voco", "text"],
    ["bos", "patches", "anchors", "voco", "newline", "text"],
    ["patches", "newline", "anchors", "bos", "voco", "text"],
    ["newline", "newline", "patches", "newline", "voco", "newline", "text"],
    ["bos", "patches", "voco", "anchors", "newline", "text"],
    ["voco", "text"],
  ]

  struct Setting: Sendable, CustomTestStringConvertible {
    let mask: String
    let order: [String]
    let vocos: Int
    var testDescription: String { "\(mask), \(vocos) voco, \(order.joined(separator: " "))" }
  }

  static let settings = ["star", "causal"].flatMap { mask in
    orders.flatMap { order in [1, 3].map { Setting(mask: mask, order: order, vocos: $0) } }
  }

  static func configuration(_ setting: Setting) throws -> HTCVLMConfiguration {
    try SyntheticModel.configuration([
      "visual_mask": setting.mask, "sequence": setting.order, "num_voco_tokens": setting.vocos,
    ])
  }

  @Test("Attention, hidden states, value norms, rollout and logits are those of the dense decoder", arguments: settings)
  func prefill(_ setting: Setting) throws {
    let configuration = try Self.configuration(setting)
    let tensors = try SyntheticModel.tensors(configuration)
    let model = try SyntheticModel.model(configuration, tensors: tensors)
    let recorder = Recorded(configuration)
    let run = RunContext(observer: recorder.recorder)
    let cache = try model.compress(try model.encode(SyntheticModel.picture(), run: run), run: run)
    let answer = try model.answer("where is it", from: cache, options: GenerationOptions(maxNewTokens: 1), run: run)
    let trace = recorder.recorder.trace
    let sequence = try #require(trace.sequence)
    let language = try #require(trace.language)

    let dense = DenseReference(configuration: configuration, tensors: tensors)
      .run(sequence.embeddings, allows: { sequence.allows(row: $0.row, column: $0.column) })
    let voco = try #require(sequence.vocoPosition)
    let last = sequence.length - 1
    for layer in 0..<configuration.layers {
      for head in 0..<configuration.heads {
        expectClose(language.attentionVoco[row: layer][row: head], dense.attention[layer][head][row: voco], "voco row")
        expectClose(language.attentionLast[row: layer][row: head], dense.attention[layer][head][row: last], "last row")
      }
    }
    for (index, hidden) in dense.hidden.enumerated() {
      expectClose(language.hiddenVoco[row: index], hidden[row: voco], "hidden \(index)")
    }
    expectClose(language.logits, dense.logits[row: last], "logits")
    expectClose(answer.logits, dense.logits[row: last], "answer logits")
    expectClose(try #require(language.rolloutVoco), rollout(dense, row: voco), "rollout")
    expectClose(
      try #require(language.valueNorms), valueNorms(dense, tensors, configuration, upTo: voco), "value norms")
  }

  @Test("Generation from voco alone is generation with the whole cache under the mask", arguments: settings)
  func generation(_ setting: Setting) throws {
    let configuration = try Self.configuration(setting)
    let tensors = try SyntheticModel.tensors(configuration)
    let model = try SyntheticModel.model(configuration, tensors: tensors)
    let cache = try model.compress(try model.encode(SyntheticModel.picture()))
    let answer = try model.answer("is it red", from: cache, options: GenerationOptions(maxNewTokens: 5))
    let prompted = try model.sequence(cache.visual, text: answer.promptTokenIDs)
    #expect(answer.prefixRows == setting.vocos)

    let embedding = try #require(tensors["model.embed_tokens.weight"])
    let reference = DenseReference(configuration: configuration, tensors: tensors)
    var generated: [Int32] = []
    while generated.count < answer.tokenIDs.count {
      let embeddings = Tensor.concatenate([prompted.embeddings, embedding.rows(generated.map(Int.init))])
      let layout = try SequenceLayout(
        order: prompted.spans.map(\.kind),
        parts: SequenceLayout.Parts(
          bos: configuration.bosTokenID, newline: 13, voco: configuration.vocoTokenID, vocoTokens: setting.vocos,
          anchors: configuration.anchorTokens, patches: 9, text: answer.promptTokenIDs + generated),
        visualMask: configuration.visualMask)
      let dense = reference.run(embeddings, allows: { layout.rule.allows(row: $0.row, column: $0.column) })
      let logits = dense.logits[row: layout.length - 1].values
      generated.append(Int32(logits.indices.reduce(0) { logits[$1] > logits[$0] ? $1 : $0 }))
    }
    #expect(answer.tokenIDs == generated)
  }

  /// The orders of bos, anchors, patches and voco, before the text.
  static let layouts: [[SegmentKind]] = {
    func orders(_ kinds: [SegmentKind]) -> [[SegmentKind]] {
      kinds.isEmpty ? [[]] : kinds.flatMap { first in orders(kinds.filter { $0 != first }).map { [first] + $0 } }
    }
    return orders([.bos, .anchors, .patches, .voco]).map { $0 + [.text] }
  }()

  @Test("The mask's rule is what the model computes, in each of the 48 layouts", arguments: VisualMask.allCases)
  func maskRule(_ mask: VisualMask) throws {
    #expect(Self.layouts.count == 24)
    for order in Self.layouts + [[.bos, .patches, .voco, .anchors, .newline, .text]] {
      let configuration = try SyntheticModel.configuration([
        "visual_mask": mask.rawValue, "sequence": order.map(\.rawValue),
      ])
      let tensors = try SyntheticModel.tensors(configuration)
      let model = try SyntheticModel.model(configuration, tensors: tensors)
      let recorder = Recorded(configuration)
      let run = RunContext(observer: recorder.recorder)
      let cache = try model.compress(try model.encode(SyntheticModel.picture(), run: run), run: run)
      _ = try model.answer("where is it", from: cache, options: GenerationOptions(maxNewTokens: 1), run: run)
      let sequence = try #require(recorder.recorder.trace.sequence)
      let language = try #require(recorder.recorder.trace.language)
      let rule = MaskRule(mask, kinds: sequence.spans.flatMap { [SegmentKind](repeating: $0.kind, count: $0.count) })
      // A key's row in the decoder below depends on what the rule lets it see, so that one wrong edge shows here.
      let dense = DenseReference(configuration: configuration, tensors: tensors)
        .run(sequence.embeddings, allows: { rule.allows(row: $0.row, column: $0.column) })
      let (voco, last) = (try #require(sequence.vocoPosition), sequence.length - 1)
      let name = "\(mask) \(order.map(\.rawValue))"
      for layer in 0..<configuration.layers {
        for head in 0..<configuration.heads {
          let (own, all) = (dense.attention[layer][head], language)
          expectClose(all.attentionVoco[row: layer][row: head], own[row: voco], "\(name), voco row")
          expectClose(all.attentionLast[row: layer][row: head], own[row: last], "\(name), last row")
        }
      }
      expectClose(language.logits, dense.logits[row: last], "\(name), logits")
      for (row, column) in (0..<sequence.length).flatMap({ row in (0..<sequence.length).map { (row, $0) } }) {
        #expect(rule.allows(row: row, column: column) == sequence.allows(row: row, column: column), "\(name)")
      }
    }
  }

  /// The row of R_l = (½ Ā_l + ½ I) R_{l−1}, `[L, S]`.
  private func rollout(_ dense: DenseReference.Result, row: Int) -> Tensor {
    let length = dense.hidden[0].shape[0]
    let identity = Tensor(
      shape: [length, length], values: (0..<length * length).map { $0 % (length + 1) == 0 ? 1 : 0 })
    var product = identity
    let rows = dense.attention.map { heads -> Tensor in
      let mean = heads.dropFirst().reduce(heads[0]) { $0 + $1 } * (0.5 / Float(heads.count))
      product = matmul(mean + identity * 0.5, product)
      return product[row: row]
    }
    return Tensor.concatenate(rows).reshaped([rows.count, length])
  }

  /// ‖W_o z‖ `[L, H, S]` with z the value at key j in the columns of head h and zero elsewhere.
  private func valueNorms(
    _ dense: DenseReference.Result, _ tensors: [String: StoredTensor], _ configuration: HTCVLMConfiguration,
    upTo voco: Int
  ) -> Tensor {
    let (size, length) = (configuration.headDim, dense.hidden[0].shape[0])
    let group = configuration.heads / configuration.keyValueHeads
    let norms = dense.values.enumerated().flatMap { layer, values -> [Float] in
      let output = tensors["model.layers.\(layer).self_attn.o_proj.weight"]!.float32()
      return (0..<configuration.heads).flatMap { head -> [Float] in
        let own = values.columns(head / group * size..<(head / group + 1) * size)
        let spread = Tensor.concatenateColumns(
          (0..<configuration.heads).map { $0 == head ? own : Tensor.zeros(own.shape) })
        let mixed = matmul(spread, output, transposeB: true)
        return (0..<length).map { key in
          key > voco ? 0 : mixed[row: key].values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
      }
    }
    return Tensor(shape: [configuration.layers, configuration.heads, length], values: norms)
  }
}

/// A recorder for a model without a file.
struct Recorded {
  let recorder: TraceRecorder

  init(_ configuration: HTCVLMConfiguration) {
    recorder = TraceRecorder(
      provenance: Provenance(
        version: "test", imageName: "picture", imageWidth: 1, imageHeight: 1, imageSHA256: "", modelName: "synthetic",
        configSHA256: "", weightsSHA256: "", prompt: ""),
      model: configuration.modelDescription)
  }
}
