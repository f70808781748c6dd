import Tensor
import Trace

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

/// What the rows from the first voco to the last may attend to, under each of several interventions.
struct VocoPlan: Sendable {
  let layout: SequenceLayout
  /// Computed side by side.
  let variants: [Intervention]
  /// `[rows, keys]`: what the mask's rules allow, before any cut.
  let allowed: [Bool]
  /// The number of the voco token in each row; nil where another token stands between them.
  let vocoNumbers: [Int?]

  /// Rows of one variant.
  var rows: Int { layout.vocoBlock.count }
  /// Keys of a row: the context and the variant's own rows.
  var keys: Int { layout.lastVoco + 1 }

  /// Throws `ModelError.intervention` if a cut or swap names what `layout`, `shape` or the donor lacks.
  init(layout: SequenceLayout, variants: [Intervention], shape: AttentionShape, layers: Int) throws(ModelError) {
    for variant in variants {
      for cut in variant.cuts {
        try Self.check(cut.keys, cut.layers, cut.heads, last: layout.lastVoco, shape, layers: layers)
      }
      for swap in variant.swaps {
        try Self.check(swap.keys, swap.layers, swap.heads, last: layout.firstVoco - 1, shape, layers: layers)
        if let key = swap.keys.first(where: { !swap.donor.holds($0) }) {
          throw .intervention("the donor holds no key at position \(key)")
        }
      }
    }
    self.layout = layout
    self.variants = variants
    allowed = layout.vocoBlock.flatMap { row in (0...layout.lastVoco).map { layout.rule.allows(row: row, column: $0) } }
    var number = -1
    vocoNumbers = layout.vocoBlock.map { row in
      guard layout.kinds[row] == .voco else { return nil }
      number += 1
      return number
    }
  }

  private static func check(
    _ keys: Set<Int>, _ ofLayers: Set<Int>?, _ heads: Set<Int>?, last: Int, _ shape: AttentionShape, layers: Int
  ) throws(ModelError) {
    if let key = keys.first(where: { $0 < 0 || $0 > last }) {
      throw .intervention("key \(key) is not in 0…\(last), which is what <voco> sees")
    }
    if let layer = ofLayers?.first(where: { $0 < 0 || $0 >= layers }) {
      throw .intervention("layer \(layer) of \(layers)")
    }
    if let head = heads?.first(where: { $0 < 0 || $0 >= shape.heads }) {
      throw .intervention("head \(head) of \(shape.heads)")
    }
  }

  /// The cuts of `variant` in one head that hide keys (`hiding: true`) or change their values.
  func cuts(_ variant: Int, layer: Int, head: Int, hiding: Bool) -> [EdgeCut] {
    variants[variant].cuts.filter { ($0.method == .mask) == hiding && $0.applies(layer: layer, head: head) }
  }

  /// The swaps of `variant` in one head of keys, or of values.
  func swaps(_ variant: Int, layer: Int, head: Int, ofKeys: Bool) -> [EdgeSwap] {
    variants[variant].swaps.filter {
      ($0.part == .both || ($0.part == .keys) == ofKeys) && $0.applies(layer: layer, head: head)
    }
  }

  /// Whether what is meant for `vocos` is meant for the row.
  func isMeant(_ row: Int, _ vocos: Set<Int>?) -> Bool { vocoNumbers[row].map { vocos?.contains($0) ?? true } ?? false }
}

/// What attention gave the voco rows of all variants.
struct VocoAttentionResult: Sendable {
  /// `[variants · rows, heads · headDim]`.
  var mixed: Tensor
  /// The first variant's rows, `[rows, heads, keys]`.
  var firstRows: Tensor
  /// The mean over heads of the first variant's rows, `[rows, keys]`.
  var meanRows: Tensor
}

extension AttentionShape {
  /// Attention of the voco rows to the context and to each other.
  ///
  /// `queries` and `own` hold the variants' rows one after the other; `context` is shared by all.
  func attend(
    _ plan: VocoPlan, layer: Int, queries: Tensor, _ own: KeyValues, context: KeyValues
  ) -> VocoAttentionResult {
    var mixed: [Tensor] = []
    var firstRows = [Float](repeating: 0, count: plan.rows * heads * plan.keys)
    var meanRows = Tensor.zeros([plan.rows, plan.keys])
    for head in 0..<heads {
      let q = queries.columns(columns(head: head))
      let keyColumns = keyColumns(head: head)
      let ownHead = KeyValues(keys: own.keys.columns(keyColumns), values: own.values.columns(keyColumns))
      let contextHead = KeyValues(
        keys: context.keys.columns(keyColumns), values: context.values.columns(keyColumns))
      let weights = softmaxRows(
        scores(plan, layer: layer, head: head, q, ownKeys: ownHead.keys, contextKeys: contextHead.keys))
      mixed.append(mix(plan, layer: layer, head: head, weights, own: ownHead.values, context: contextHead.values))
      for row in 0..<plan.rows {
        let start = (row * heads + head) * plan.keys
        firstRows.replaceSubrange(
          start..<start + plan.keys, with: weights.values[row * plan.keys..<(row + 1) * plan.keys])
      }
      meanRows = meanRows + weights[rows: 0..<plan.rows] * (1 / Float(heads))
    }
    return VocoAttentionResult(
      mixed: Tensor.concatenateColumns(mixed),
      firstRows: Tensor(shape: [plan.rows, heads, plan.keys], values: firstRows), meanRows: meanRows)
  }

  /// One head's scores `[variants · rows, keys]`, −∞ where the mask or a cut hides the key.
  private func scores(
    _ plan: VocoPlan, layer: Int, head: Int, _ q: Tensor, ownKeys: Tensor, contextKeys: Tensor
  ) -> Tensor {
    let context = plan.layout.firstVoco
    let onContext = matmul(q, contextKeys, transposeB: true, scale: scale)
    return Tensor(shape: [q.shape[0], plan.keys]) { output in
      withValues(q, ownKeys, onContext) { q, ownKeys, onContext in
        for variant in plan.variants.indices {
          let hiding = plan.cuts(variant, layer: layer, head: head, hiding: true)
          let swaps = plan.swaps(variant, layer: layer, head: head, ofKeys: true)
          for row in 0..<plan.rows {
            let index = variant * plan.rows + row
            let line = UnsafeMutableBufferPointer(rebasing: output[index * plan.keys..<(index + 1) * plan.keys])
            for key in 0..<context { line[key] = onContext[index * context + key] }
            for swap in swaps where plan.isMeant(row, swap.vocos) {
              forEachRow(swap, swap.donor.layers[layer].keys, head: head) { key, vector in
                line[key] = scale * dot(q + index * headDim, vector, headDim)
              }
            }
            for other in 0..<plan.rows {
              let key = ownKeys + (variant * plan.rows + other) * headDim
              line[context + other] = scale * dot(q + index * headDim, key, headDim)
            }
            for key in 0..<plan.keys where !plan.allowed[row * plan.keys + key] { line[key] = -.infinity }
            for cut in hiding where plan.isMeant(row, cut.vocos) { for key in cut.keys { line[key] = -.infinity } }
          }
        }
      }
    }
  }

  /// Calls `body` with each of the swap's keys and the donor's vector of the head there.
  private func forEachRow(
    _ swap: EdgeSwap, _ donor: Tensor, head: Int, _ body: (_ key: Int, _ vector: UnsafePointer<Float>) -> Void
  ) {
    let (width, first) = (donor.shape[1], keyColumns(head: head).lowerBound)
    donor.values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      // In one order, since sums of 32 bits depend on it and a set's order differs from run to run.
      for key in swap.order { body(key, base + swap.donor.rows[key] * width + first) }
    }
  }

  /// One head's values mixed by `weights` `[variants · rows, keys]`, with the values that cuts and swaps put in their
  /// place.
  private func mix(
    _ plan: VocoPlan, layer: Int, head: Int, _ weights: Tensor, own: Tensor, context: Tensor
  ) -> Tensor {
    let first = plan.layout.firstVoco
    var mixed = matmul(weights.columns(0..<first), context).values
    mixed.withUnsafeMutableBufferPointer { mixed in
      withValues(weights, own, context) { weights, own, context in
        for variant in plan.variants.indices {
          let zeroed = plan.cuts(variant, layer: layer, head: head, hiding: false)
          let swaps = plan.swaps(variant, layer: layer, head: head, ofKeys: false)
          let vector = { (key: Int) in
            key < first ? context + key * headDim : own + (variant * plan.rows + key - first) * headDim
          }
          for row in 0..<plan.rows {
            let index = variant * plan.rows + row
            let line = weights + index * plan.keys
            func add(_ vector: UnsafePointer<Float>, times weight: Float) {
              for offset in 0..<headDim { mixed[index * headDim + offset] += weight * vector[offset] }
            }
            for key in first..<plan.keys { add(vector(key), times: line[key]) }
            for cut in zeroed where plan.isMeant(row, cut.vocos) {
              for key in cut.keys.sorted() where line[key] != 0 { add(vector(key), times: -line[key]) }
            }
            for swap in swaps where plan.isMeant(row, swap.vocos) {
              forEachRow(swap, swap.donor.layers[layer].values, head: head) { key, donor in
                let (weight, before) = (line[key], vector(key))
                guard weight != 0 else { return }
                for offset in 0..<headDim {
                  mixed[index * headDim + offset] += weight * (donor[offset] - before[offset])
                }
              }
            }
          }
        }
      }
    }
    return Tensor(shape: [weights.shape[0], headDim], values: mixed)
  }
}
