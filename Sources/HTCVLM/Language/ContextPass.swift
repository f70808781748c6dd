import Tensor

/// Keys and values of the rows that interventions at voco leave alone, in every layer.
struct DecoderContext: Sendable {
  /// One entry a layer, each of `[n, kvHeads · headDim]`.
  let layers: [KeyValues]
  let rollout: ContextRollout?
}

extension LlamaDecoder {
  /// Runs rows that attend among themselves by `pattern`, for their keys and values.
  ///
  /// The last layer computes keys and values only, since nothing reads these rows' outputs. `step` is called once a
  /// layer, `check` also within layers; what they throw ends the pass.
  func context(
    _ embeddings: Tensor, positions: [Int], pattern: ContextPattern, wantsRollout: Bool, check: () throws -> Void,
    step: () throws -> Void
  ) rethrows -> DecoderContext {
    let rows = embeddings.shape[0]
    var rollout = wantsRollout ? ContextRollout(pattern: pattern, rows: rows, layers: layers.count) : nil
    var x = embeddings
    var keyValues: [KeyValues] = []
    for (index, layer) in layers.enumerated() {
      guard rows > 0 else {
        let none = Tensor.zeros([0, shape.keyValueHeads * shape.headDim])
        keyValues.append(KeyValues(keys: none, values: none))
        try step()
        continue
      }
      let normalized = layer.normalized(x)
      let own = layer.keyValues(normalized, positions: positions)
      keyValues.append(own)
      if index < layers.count - 1 {
        try check()
        let queries = layer.queries(normalized, positions: positions)
        let attention = shape.attend(pattern, queries: queries, own, wantsWeights: rollout != nil)
        if let weights = attention.meanWeights { rollout?.append(weights) }
        try check()
        x = try layer.complete(x, attention: attention.mixed, check: check)
      }
      try step()
    }
    return DecoderContext(layers: keyValues, rollout: rollout)
  }
}
