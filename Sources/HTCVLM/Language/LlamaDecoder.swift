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
