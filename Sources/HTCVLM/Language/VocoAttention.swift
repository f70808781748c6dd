import Tensor
import Trace

/// What the rows from the first voco to the last may attend to, under each of several variants of cuts.
struct VocoPlan: Sendable {
  let layout: SequenceLayout
  /// One variant's cuts, in each of the variants computed side by side.
  let variants: [[EdgeCut]]
  /// `[rows, keys]`: what the mask's rules allow, before any cut.
  let allowed: [Bool]

  /// Rows of one variant.
  var rows: Int { layout.vocoBlock.count }
  /// Keys of a row: the context and the variant's own rows.
  var keys: Int { layout.lastVoco + 1 }

  /// Throws `ModelError.intervention` if a cut names what `layout` or `shape` lacks.
  init(layout: SequenceLayout, variants: [[EdgeCut]], shape: AttentionShape, layers: Int) throws(ModelError) {
    for cut in variants.joined() {
      if let key = cut.keys.first(where: { $0 < 0 || $0 > layout.lastVoco }) {
        throw .intervention("key \(key) is not in 0…\(layout.lastVoco), which is what <voco> sees")
      }
      if let layer = cut.layers?.first(where: { $0 < 0 || $0 >= layers }) {
        throw .intervention("layer \(layer) of \(layers)")
      }
      if let head = cut.heads?.first(where: { $0 < 0 || $0 >= shape.heads }) {
        throw .intervention("head \(head) of \(shape.heads)")
      }
    }
    self.layout = layout
    self.variants = variants
    allowed = layout.vocoBlock.flatMap { row in (0...layout.lastVoco).map { layout.rule.allows(row: row, column: $0) } }
  }

  /// The cuts of `variant` in one head that hide keys (`hiding: true`) or change their values.
  func cuts(_ variant: Int, layer: Int, head: Int, hiding: Bool) -> [EdgeCut] {
    variants[variant].filter { ($0.method == .mask) == hiding && $0.applies(layer: layer, head: head) }
  }

  func isVoco(_ row: Int) -> Bool { layout.kinds[layout.firstVoco + row] == .voco }
}

/// What attention gave the voco rows of all variants.
struct VocoAttentionResult: Sendable {
  /// `[variants · rows, heads · headDim]`.
  var mixed: Tensor
  /// The last voco row of the first variant, `[heads, keys]`.
  var lastRow: Tensor
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
    var lastRow: [Float] = []
    var meanRows = Tensor.zeros([plan.rows, plan.keys])
    for head in 0..<heads {
      let q = queries.columns(columns(head: head))
      let keyColumns = keyColumns(head: head)
      let ownHead = KeyValues(keys: own.keys.columns(keyColumns), values: own.values.columns(keyColumns))
      let contextHead = KeyValues(
        keys: context.keys.columns(keyColumns), values: context.values.columns(keyColumns))
      let weights = softmaxRows(
        scores(plan, layer: layer, head: head, q, ownKeys: ownHead.keys, contextKeys: contextHead.keys))
      mixed.append(mix(plan, layer: layer, head: head, weights, own: ownHead, context: contextHead))
      lastRow += weights.values[(plan.rows - 1) * plan.keys..<plan.rows * plan.keys]
      meanRows = meanRows + weights[rows: 0..<plan.rows] * (1 / Float(heads))
    }
    return VocoAttentionResult(
      mixed: Tensor.concatenateColumns(mixed), lastRow: Tensor(shape: [heads, plan.keys], values: lastRow),
      meanRows: meanRows)
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
          let hidden = plan.cuts(variant, layer: layer, head: head, hiding: true).map(\.keys)
          for row in 0..<plan.rows {
            let index = variant * plan.rows + row
            let line = UnsafeMutableBufferPointer(rebasing: output[index * plan.keys..<(index + 1) * plan.keys])
            for key in 0..<context { line[key] = onContext[index * context + key] }
            for other in 0..<plan.rows {
              let key = ownKeys + (variant * plan.rows + other) * headDim
              line[context + other] = scale * dot(q + index * headDim, key, headDim)
            }
            for key in 0..<plan.keys where !plan.allowed[row * plan.keys + key] { line[key] = -.infinity }
            if plan.isVoco(row) { for key in hidden.joined() { line[key] = -.infinity } }
          }
        }
      }
    }
  }

  /// One head's values mixed by `weights` `[variants · rows, keys]`, with the values that cuts put in their place.
  private func mix(
    _ plan: VocoPlan, layer: Int, head: Int, _ weights: Tensor, own: KeyValues, context: KeyValues
  ) -> Tensor {
    let first = plan.layout.firstVoco
    let onContext = matmul(weights.columns(0..<first), context.values)
    var mixed = onContext.values
    var values = VariantValues(plan: plan, own: own.values, context: context.values)
    for variant in plan.variants.indices {
      values.variant = variant
      let changes = plan.cuts(variant, layer: layer, head: head, hiding: false)
      for row in 0..<plan.rows {
        let index = variant * plan.rows + row
        func add(_ vector: ArraySlice<Float>, times weight: Float) {
          for (offset, value) in vector.enumerated() { mixed[index * headDim + offset] += weight * value }
        }
        for key in first..<plan.keys { add(values[key], times: weights.values[index * plan.keys + key]) }
        guard plan.isVoco(row) else { continue }
        for cut in changes {
          for key in cut.keys.sorted() {
            let weight = weights.values[index * plan.keys + key]
            guard weight != 0 else { continue }
            add(values[key], times: -weight)
            if let replacement = values.replacement(key, cut.method) { add(replacement, times: weight) }
          }
        }
      }
    }
    return Tensor(shape: onContext.shape, values: mixed)
  }
}
