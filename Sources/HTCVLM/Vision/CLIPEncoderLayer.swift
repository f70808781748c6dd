import Tensor
import WeightFormats

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

  static func list(_ list: inout TensorList, _ vision: VisionConfiguration) {
    let width = vision.hiddenSize
    list.weightAndBias("layer_norm1", width)
    for projection in ["q_proj", "k_proj", "v_proj", "out_proj"] {
      list.linear("self_attn.\(projection)", inputs: width, outputs: width)
    }
    list.weightAndBias("layer_norm2", width)
    list.linear("mlp.fc1", inputs: width, outputs: vision.intermediateSize)
    list.linear("mlp.fc2", inputs: vision.intermediateSize, outputs: width)
  }

  /// `x` `[tokens, Dv]` → the same shape. Throws `ModelError.notFinite` naming this layer, `index`.
  func callAsFunction(_ x: Tensor, layer index: Int) throws(ModelError) -> Tensor {
    let attended = x + output(try mixed(firstNorm(x), layer: index))
    let result = attended + down(activation(up(secondNorm(attended))))
    try requireFinite(result, "hidden states after vision layer \(index)", weights: [value, output, up, down])
    return result
  }

  private func mixed(_ x: Tensor, layer index: Int) throws(ModelError) -> Tensor {
    let scale = 1 / Float(x.shape[1] / heads).squareRoot()
    let (queries, keys) = (query(x), key(x))
    // Scores of −∞ would pass for masked ones.
    try requireFinite(queries, "queries of vision layer \(index)", weights: [query])
    try requireFinite(keys, "keys of vision layer \(index)", weights: [key])
    return attention(queries: queries, keys: keys, values: value(x), heads: heads, scale: scale)
  }
}
