import Tensor

/// What the rows from the first voco to the last became, in variants of cuts computed side by side.
struct VocoState: Sendable {
  let variants: Int
  /// Keys and values that text may attend to, `[variants · compressed, …]`, one entry a layer.
  let layers: [KeyValues]
  /// The last voco row's hidden states, `[layers + 1, variants, D]`; the last is after the final norm.
  let hidden: [Tensor]
  /// The first variant's last voco row, `[heads, keys]` a layer.
  let attention: [Tensor]
  /// `[heads, keys]` a layer, if captured.
  let valueNorms: [Tensor]?
  /// `[keys]` a layer, if captured.
  let rollout: [Tensor]?

  /// The compressed keys and values of one variant.
  func prefix(_ variant: Int) -> [KeyValues] {
    layers.map { layer in
      let rows = layer.rows / variants
      return layer[rows: variant * rows..<(variant + 1) * rows]
    }
  }

  /// The last voco row's hidden states in one variant, `[layers + 1, D]`.
  func hidden(_ variant: Int) -> Tensor {
    Tensor.concatenate(hidden.map { $0[rows: variant..<variant + 1] })
  }
}

extension LlamaDecoder {
  /// Runs the voco rows of all of the plan's variants against one context.
  ///
  /// `embeddings` `[rows, D]` and `positions` are those of one variant. `capture` adds value norms and the rollout of
  /// the first variant.
  func voco(
    _ plan: VocoPlan, embeddings: Tensor, positions: [Int], context: DecoderContext, capture: Bool,
    step: () throws -> Void
  ) rethrows -> VocoState {
    let variants = plan.variants.count
    let lastRows = (0..<variants).map { ($0 + 1) * plan.rows - 1 }
    let compressed = (0..<variants).flatMap { variant in
      plan.layout.compressed.map { variant * plan.rows + $0 - plan.layout.firstVoco }
    }
    let positions = (0..<variants).flatMap { _ in positions }
    var x = Tensor.concatenate([Tensor](repeating: embeddings, count: variants))
    var rollout = capture ? context.rollout.map { VocoRollout(context: $0, rows: plan.rows) } : nil
    var hidden = [gatherRows(x, lastRows)]
    var (keyValues, attention, norms, rolled): ([KeyValues], [Tensor], [Tensor], [Tensor]) = ([], [], [], [])
    for (index, layer) in layers.enumerated() {
      let normalized = layer.normalized(x)
      let own = layer.keyValues(normalized, positions: positions)
      keyValues.append(own.gathered(compressed))
      let queries = layer.queries(normalized, positions: positions)
      let result = shape.attend(plan, layer: index, queries: queries, own, context: context.layers[index])
      attention.append(result.lastRow)
      if capture {
        norms.append(layer.valueNorms((context.layers[index] + own[rows: 0..<plan.rows]).values))
        if let row = rollout?.append(result.meanRows) { rolled.append(row) }
      }
      x = layer.complete(x, attention: result.mixed) {}
      let last = gatherRows(x, lastRows)
      hidden.append(index < layers.count - 1 ? last : self.normalized(last))
      try step()
    }
    return VocoState(
      variants: variants, layers: keyValues, hidden: hidden, attention: attention,
      valueNorms: capture ? norms : nil, rollout: rollout == nil ? nil : rolled)
  }
}
