import Tensor

/// Keys and values of the rows that interventions at voco leave alone, in every layer.
struct DecoderContext: Sendable {
  /// One entry a layer, each of `[n, kvHeads · headDim]`.
  let layers: [KeyValues]
  let rollout: ContextRollout?
}

/// Rows that attend among themselves, on their way through the layers for their keys and values.
struct ContextPass {
  private let decoder: LlamaDecoder
  private let positions: [Int]
  private let pattern: ContextPattern
  private var x: Tensor
  /// Of the layers so far.
  private(set) var layers: [KeyValues] = []
  private(set) var rollout: ContextRollout?

  init(
    _ decoder: LlamaDecoder, _ embeddings: Tensor, positions: [Int], pattern: ContextPattern, wantsRollout: Bool
  ) {
    let rows = embeddings.shape[0]
    (self.decoder, self.positions, self.pattern) = (decoder, positions, pattern)
    x = embeddings
    rollout = wantsRollout ? ContextRollout(pattern: pattern, rows: rows, layers: decoder.layers.count) : nil
  }

  var context: DecoderContext { DecoderContext(layers: layers, rollout: rollout) }

  /// Runs the next layer; the last computes keys and values only, since nothing reads these rows' outputs.
  ///
  /// `check` is called within the layer; what it throws ends the pass, as does `ModelError.notFinite`.
  mutating func advance(check: () throws -> Void) throws {
    let (index, shape) = (layers.count, decoder.shape)
    guard x.shape[0] > 0 else {
      let none = Tensor.zeros([0, shape.keyValueHeads * shape.headDim])
      layers.append(KeyValues(keys: none, values: none))
      return
    }
    let layer = decoder.layers[index]
    if index == 0 { try decoder.check(input: x, positions: positions) }
    let normalized = layer.normalized(x)
    let own = layer.keyValues(normalized, positions: positions)
    try layer.check(own, layer: index, positions: positions)
    layers.append(own)
    guard index < decoder.layers.count - 1 else { return }
    try check()
    let queries = layer.queries(normalized, positions: positions)
    try layer.check(queries: queries, layer: index, positions: positions)
    let attention = shape.attend(pattern, queries: queries, own, wantsWeights: rollout != nil)
    if let weights = attention.meanWeights { rollout?.append(weights) }
    try check()
    x = try layer.complete(x, attention: attention.mixed, check: check)
    try layer.check(output: x, layer: index, positions: positions)
  }
}

extension LlamaDecoder {
  /// Runs rows that attend among themselves by `pattern` through all layers.
  ///
  /// `step` is called once a layer, `check` also within layers; what they throw ends the pass, as does
  /// `ModelError.notFinite`.
  func context(
    _ embeddings: Tensor, positions: [Int], pattern: ContextPattern, wantsRollout: Bool, check: () throws -> Void,
    step: () throws -> Void
  ) throws -> DecoderContext {
    var pass = ContextPass(self, embeddings, positions: positions, pattern: pattern, wantsRollout: wantsRollout)
    for _ in layers {
      try pass.advance(check: check)
      try step()
    }
    return pass.context
  }
}
