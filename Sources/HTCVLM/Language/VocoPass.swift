import Tensor

/// What the rows from the first voco to the last became, in variants of cuts computed side by side.
struct VocoState: Sendable {
  let variants: Int
  /// Keys and values that text may attend to, `[variants · compressed, …]`, one entry per layer.
  let layers: [KeyValues]
  /// The last voco row's hidden states, `[layers + 1, variants, D]`; the last is after the final norm.
  let hidden: [Tensor]
  /// The first variant's rows, `[rows, heads, keys]` per layer.
  let rows: [Tensor]
  /// `[heads, keys]` per layer, if captured.
  let valueNorms: [Tensor]?
  /// `[keys]` per layer, if captured.
  let rollout: [Tensor]?

  /// The first variant's last voco row, `[heads, keys]` a layer.
  var attention: [Tensor] { rows.map { attention(ofRow: $0.shape[0] - 1, in: $0) } }

  /// One of the first variant's rows, `[heads, keys]`.
  func attention(ofRow row: Int, in layer: Tensor) -> Tensor {
    layer.reshaped([layer.shape[0], layer.count / layer.shape[0]])[row: row].reshaped(Array(layer.shape.dropFirst()))
  }

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

/// The voco rows of all of a plan's variants on their way through the layers.
///
/// They stay apart from the context's product: under cuts they run alone against the same context, and in 8 bits a row
/// alone is not rounded where rows of a large product are. A cut's effect must not hold that difference.
struct VocoPass {
  private let decoder: LlamaDecoder
  private let plan: VocoPlan
  private let positions: [Int]
  private let lastRows: [Int]
  private let compressed: [Int]
  private let capture: Bool
  private var x: Tensor
  private var rollout: VocoRollout?
  private var hidden: [Tensor]
  private var layers: [KeyValues] = []
  private var attention: [Tensor] = []
  private var norms: [Tensor] = []
  private var rolled: [Tensor] = []

  /// `embeddings` `[rows, D]` and `positions` are those of one variant. `capture` adds value norms of the first variant,
  /// `wantsRollout` its rollout.
  init(
    _ decoder: LlamaDecoder, _ plan: VocoPlan, _ embeddings: Tensor, positions: [Int], capture: Bool,
    wantsRollout: Bool
  ) {
    let variants = plan.variants.count
    (self.decoder, self.plan, self.capture) = (decoder, plan, capture)
    self.positions = (0..<variants).flatMap { _ in positions }
    lastRows = (0..<variants).map { ($0 + 1) * plan.rows - 1 }
    compressed = (0..<variants).flatMap { variant in
      plan.layout.compressed.map { variant * plan.rows + $0 - plan.layout.firstVoco }
    }
    x = Tensor.concatenate([Tensor](repeating: embeddings, count: variants))
    hidden = [gatherRows(x, lastRows)]
    rollout = wantsRollout ? VocoRollout(before: plan.layout.firstVoco, rows: plan.rows) : nil
  }

  /// Runs the next layer against the context's keys and values there; its rollout must hold the layers before.
  ///
  /// - Throws: `ModelError.notFinite`.
  mutating func advance(context: KeyValues, rollout contextRollout: ContextRollout?) throws(ModelError) {
    let (index, shape) = (layers.count, decoder.shape)
    let layer = decoder.layers[index]
    if index == 0 { try decoder.check(input: x, positions: positions) }
    let normalized = layer.normalized(x)
    let own = layer.keyValues(normalized, positions: positions)
    try layer.check(own, layer: index, positions: positions)
    layers.append(own.gathered(compressed))
    let queries = layer.queries(normalized, positions: positions)
    try layer.check(queries: queries, layer: index, positions: positions)
    let result = shape.attend(plan, layer: index, queries: queries, own, context: context)
    attention.append(result.firstRows)
    if capture {
      norms.append(layer.valueNorms((context + own[rows: 0..<plan.rows]).values))
      try requireFinite(norms[index], "value norms of decoder layer \(index)")
    }
    if let contextRollout, let row = rollout?.append(result.meanRows, context: contextRollout) { rolled.append(row) }
    x = layer.complete(x, attention: result.mixed) {}
    try layer.check(output: x, layer: index, positions: positions)
    let last = gatherRows(x, lastRows)
    hidden.append(index < decoder.layers.count - 1 ? last : decoder.normalized(last))
    try requireFinite(hidden[index + 1], "hidden states of <voco> after decoder layer \(index)")
  }

  var state: VocoState {
    VocoState(
      variants: plan.variants.count, layers: layers, hidden: hidden, rows: attention,
      valueNorms: capture ? norms : nil, rollout: rollout == nil ? nil : rolled)
  }
}
