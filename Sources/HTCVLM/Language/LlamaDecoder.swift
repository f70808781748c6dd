import Tensor

/// HF's `LlamaForCausalLM`, run in three passes that share nothing but keys and values: the rows before the first
/// voco, the rows from there to the last voco, and the text.
struct LlamaDecoder: Sendable {
  let layers: [LlamaLayer]
  let shape: AttentionShape
  /// `model.embed_tokens.weight` `[vocab, D]`.
  let embedding: StoredTensor
  private let finalNorm: Tensor
  private let head: Linear
  private let epsilon: Float
  private let rotary: RotaryEmbedding

  init(_ weights: WeightReader, _ configuration: HTCVLMConfiguration) throws(ModelError) {
    let width = configuration.hiddenSize
    rotary = RotaryEmbedding(headDim: configuration.headDim, theta: configuration.ropeTheta)
    let model = weights.under("model")
    embedding = try model.stored("embed_tokens.weight", [configuration.vocabularySize, width])
    var layers: [LlamaLayer] = []
    for layer in 0..<configuration.layers {
      layers.append(try LlamaLayer(model.under("layers.\(layer)"), configuration, rotary))
    }
    self.layers = layers
    shape = AttentionShape(
      heads: configuration.heads, keyValueHeads: configuration.keyValueHeads, headDim: configuration.headDim)
    finalNorm = try model.tensor("norm.weight", [width])
    head =
      configuration.tiedEmbeddings
      ? Linear(weight: embedding)
      : try weights.linear("lm_head", inputs: width, outputs: configuration.vocabularySize, bias: false)
    if configuration.tiedEmbeddings {
      weights.mention("lm_head.weight", [configuration.vocabularySize, width])
    }
    epsilon = configuration.rmsNormEpsilon
  }

  /// A layer's keys and values as they would be `shift` positions further on: the keys are turned on.
  func moved(_ keyValues: KeyValues, by shift: Int) -> KeyValues {
    KeyValues(
      keys: rotary.apply(
        keyValues.keys, heads: shape.keyValueHeads, positions: [Int](repeating: shift, count: keyValues.rows)),
      values: keyValues.values)
  }

  /// The final norm, `[n, D]` → `[n, D]`.
  func normalized(_ x: Tensor) -> Tensor { rmsNorm(x, weight: finalNorm, epsilon: epsilon) }

  /// Logits `[n, vocab]` of rows after the final norm.
  func logits(_ normalized: Tensor) throws(ModelError) -> Tensor {
    let logits = head(normalized)
    try requireFinite(logits, "logits", weights: [head])
    return logits
  }

  /// Throws `ModelError.notFinite` if an input row is no finite number.
  func check(input x: Tensor, positions: [Int]) throws(ModelError) {
    try requireFinite(
      x, "decoder's input embeddings", positions: positions, weights: [Linear(weight: embedding)])
  }
}

/// The attention's extents.
struct AttentionShape: Sendable, Hashable {
  let heads: Int
  let keyValueHeads: Int
  let headDim: Int

  /// 1/√headDim.
  var scale: Float { 1 / Float(headDim).squareRoot() }

  /// The columns of query head `head`.
  func columns(head: Int) -> Range<Int> { head * headDim..<(head + 1) * headDim }

  /// The columns of the key-value head that query head `head` shares.
  func keyColumns(head: Int) -> Range<Int> { columns(head: head / (heads / keyValueHeads)) }
}

/// A block of HF's `LlamaModel`, split where the attention's pattern differs between kinds of rows: x + attention, then
/// x + down(silu(gate) · up).
struct LlamaLayer: Sendable {
  let shape: AttentionShape
  private let inputNorm: Tensor
  private let query: Linear
  private let key: Linear
  private let value: Linear
  private let output: Linear
  private let postNorm: Tensor
  private let gate: Linear
  private let up: Linear
  private let down: Linear
  private let activation: Activation
  private let epsilon: Float
  private let rotary: RotaryEmbedding

  init(_ weights: WeightReader, _ configuration: HTCVLMConfiguration, _ rotary: RotaryEmbedding) throws(ModelError) {
    let width = configuration.hiddenSize
    let inner = configuration.intermediateSize
    let queries = configuration.heads * configuration.headDim
    let keys = configuration.keyValueHeads * configuration.headDim
    shape = AttentionShape(
      heads: configuration.heads, keyValueHeads: configuration.keyValueHeads, headDim: configuration.headDim)
    inputNorm = try weights.tensor("input_layernorm.weight", [width])
    query = try weights.linear("self_attn.q_proj", inputs: width, outputs: queries, bias: false)
    key = try weights.linear("self_attn.k_proj", inputs: width, outputs: keys, bias: false)
    value = try weights.linear("self_attn.v_proj", inputs: width, outputs: keys, bias: false)
    output = try weights.linear("self_attn.o_proj", inputs: queries, outputs: width, bias: false)
    postNorm = try weights.tensor("post_attention_layernorm.weight", [width])
    gate = try weights.linear("mlp.gate_proj", inputs: width, outputs: inner, bias: false)
    up = try weights.linear("mlp.up_proj", inputs: width, outputs: inner, bias: false)
    down = try weights.linear("mlp.down_proj", inputs: inner, outputs: width, bias: false)
    activation = .silu
    epsilon = configuration.rmsNormEpsilon
    self.rotary = rotary
  }

  /// The block's input `[n, D]`, normalized for its attention.
  func normalized(_ x: Tensor) -> Tensor { rmsNorm(x, weight: inputNorm, epsilon: epsilon) }

  /// Rotated queries `[n, heads · headDim]` of normalized rows.
  func queries(_ normalized: Tensor, positions: [Int]) -> Tensor {
    rotary.apply(query(normalized), heads: shape.heads, positions: positions)
  }

  /// Rotated keys and values of normalized rows.
  func keyValues(_ normalized: Tensor, positions: [Int]) -> KeyValues {
    KeyValues(
      keys: rotary.apply(key(normalized), heads: shape.keyValueHeads, positions: positions),
      values: value(normalized))
  }

  /// The block's output `[n, D]` from its input and its heads' mixed values `[n, heads · headDim]`.
  ///
  /// `check` is called between its products, of which the largest takes a quarter of a second at 7B: it may throw.
  func complete(_ x: Tensor, attention: Tensor, check: () throws -> Void) rethrows -> Tensor {
    let attended = x + output(attention)
    let inner = rmsNorm(attended, weight: postNorm, epsilon: epsilon)
    try check()
    let gates = activation(gate(inner))
    try check()
    let gated = gates * up(inner)
    try check()
    return attended + down(gated)
  }

  /// W_o^h W_o^hᵀ `[headDim, headDim]` of each head, so that ‖v W_o^h‖² = v (W_o^h W_o^hᵀ) vᵀ.
  func outputGrams() -> [Tensor] {
    let weight = output.float32()
    return (0..<shape.heads).map { head in
      let columns = weight.columns(shape.columns(head: head)).transposed()
      return matmul(columns, columns, transposeB: true)
    }
  }

  /// What a layer computes, in words and with the matrices that it comes from.
  private var steps: (queries: [Linear], keys: [Linear], values: [Linear], output: [Linear]) {
    ([query], [key], [value], [output, gate, up, down])
  }

  /// Throws `ModelError.notFinite` naming this layer, `index`, and the position of the first bad row.
  func check(_ own: KeyValues, layer index: Int, positions: [Int]) throws(ModelError) {
    try requireFinite(own.keys, "keys of decoder layer \(index)", positions: positions, weights: steps.keys)
    try requireFinite(own.values, "values of decoder layer \(index)", positions: positions, weights: steps.values)
  }

  func check(queries: Tensor, layer index: Int, positions: [Int]) throws(ModelError) {
    try requireFinite(queries, "queries of decoder layer \(index)", positions: positions, weights: steps.queries)
  }

  func check(output x: Tensor, layer index: Int, positions: [Int]) throws(ModelError) {
    try requireFinite(
      x, "hidden states after decoder layer \(index)", positions: positions, weights: steps.output)
  }

  /// ‖v_j W_o^h‖ `[heads, n]` of values `[n, kvHeads · headDim]` (Kobayashi et al., arXiv 2004.10102).
  func valueNorms(_ values: Tensor) -> Tensor {
    let weight = output.float32()
    let rows = values.shape[0]
    let norms = (0..<shape.heads).map { head -> Tensor in
      let own = values.columns(shape.keyColumns(head: head))
      let slice = weight.columns(shape.columns(head: head))
      guard rows > shape.headDim else {
        return rowNorms(matmul(own, slice, transposeB: true)).reshaped([1, rows])
      }
      // ‖v W‖² = v (W Wᵀ) vᵀ: for many rows, a product of headDim columns instead of D.
      let columns = slice.transposed()
      return squareRoots(own, matmul(own, matmul(columns, columns, transposeB: true))).reshaped([1, rows])
    }
    return Tensor.concatenate(norms)
  }
}

/// √(a · b) of each row of two matrices `[n, D]`; rounding may leave a product that is zero below it.
private func squareRoots(_ a: Tensor, _ b: Tensor) -> Tensor {
  let (rows, width) = (a.shape[0], a.shape[1])
  return Tensor(shape: [rows]) { output in
    withValues(a, b, b) { a, b, _ in
      for row in 0..<rows {
        var sum = 0.0
        for column in row * width..<(row + 1) * width { sum += Double(a[column]) * Double(b[column]) }
        output[row] = Float(max(0, sum).squareRoot())
      }
    }
  }
}

/// The L2 norm of each row of `[n, D]`.
private func rowNorms(_ x: Tensor) -> Tensor {
  let (rows, width) = (x.shape[0], x.shape[1])
  return Tensor(shape: [rows]) { output in
    x.values.withUnsafeBufferPointer { input in
      for row in 0..<rows {
        var squares = 0.0
        for column in row * width..<(row + 1) * width { squares += Double(input[column]) * Double(input[column]) }
        output[row] = Float(squares.squareRoot())
      }
    }
  }
}

/// Rows `indices` of `[n, D]`.
func gatherRows(_ x: Tensor, _ indices: [Int]) -> Tensor {
  let width = x.shape[1]
  return Tensor(shape: [indices.count, width]) { output in
    x.values.withUnsafeBufferPointer { input in
      for (row, index) in indices.enumerated() {
        for column in 0..<width { output[row * width + column] = input[index * width + column] }
      }
    }
  }
}
