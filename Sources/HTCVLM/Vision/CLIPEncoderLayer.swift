import Tensor

/// A pre-norm block of HF's `CLIPEncoder`: x + attention(norm(x)), then x + MLP(norm(x)).
struct CLIPEncoderLayer: Sendable {
  private let firstNorm: LayerNorm
  private let query: Linear
  private let key: Linear
  private let value: Linear
  private let output: Linear
  private let secondNorm: LayerNorm
  private let up: Linear
  private let down: Linear
  private let activation: Activation
  private let heads: Int

  init(_ weights: WeightReader, _ vision: VisionConfiguration) throws(ModelError) {
    let width = vision.hiddenSize
    firstNorm = try LayerNorm(weights, "layer_norm1", size: width, epsilon: vision.layerNormEpsilon)
    query = try weights.linear("self_attn.q_proj", inputs: width, outputs: width)
    key = try weights.linear("self_attn.k_proj", inputs: width, outputs: width)
    value = try weights.linear("self_attn.v_proj", inputs: width, outputs: width)
    output = try weights.linear("self_attn.out_proj", inputs: width, outputs: width)
    secondNorm = try LayerNorm(weights, "layer_norm2", size: width, epsilon: vision.layerNormEpsilon)
    up = try weights.linear("mlp.fc1", inputs: width, outputs: vision.intermediateSize)
    down = try weights.linear("mlp.fc2", inputs: vision.intermediateSize, outputs: width)
    activation = vision.hiddenActivation == .gelu ? .gelu : .quickGELU
    heads = vision.heads
  }

  /// `x` `[tokens, Dv]` → the same shape.
  func callAsFunction(_ x: Tensor) -> Tensor {
    let attended = x + output(mixed(firstNorm(x)))
    return attended + down(activation(up(secondNorm(attended))))
  }

  private func mixed(_ x: Tensor) -> Tensor {
    let scale = 1 / Float(x.shape[1] / heads).squareRoot()
    return attention(queries: query(x), keys: key(x), values: value(x), heads: heads, scale: scale)
  }
}
