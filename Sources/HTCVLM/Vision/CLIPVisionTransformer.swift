import Tensor

/// HF's `CLIPVisionModel` up to the last layer that `mm_vision_select_layer` picks; the layers after it are not read.
struct CLIPVisionTransformer: Sendable {
  static let prefix = "model.vision_tower.vision_tower.vision_model"

  private let patchEmbedding: StoredTensor
  private let classEmbedding: Tensor
  private let positionEmbedding: Tensor
  private let preLayerNorm: LayerNorm?
  private let layers: [CLIPEncoderLayer]
  /// After how many blocks each hidden state is taken.
  private let depths: [Int]
  private let convolution: Lazy<Conv2D>

  init(_ weights: WeightReader, _ configuration: HTCVLMConfiguration) throws(ModelError) {
    let vision = configuration.vision
    let own = weights.under(Self.prefix)
    let embeddings = own.under("embeddings")
    let width = vision.hiddenSize
    let patch = vision.patchSize
    let patchEmbedding = try embeddings.stored("patch_embedding.weight", [width, 3, patch, patch])
    self.patchEmbedding = patchEmbedding
    convolution = Lazy { Conv2D(weight: try own.finite(patchEmbedding), bias: nil, stride: patch, padding: 0) }
    classEmbedding = try embeddings.tensor("class_embedding", [width])
    positionEmbedding = try embeddings.tensor(
      "position_embedding.weight", [Self.tokens(vision), width])
    preLayerNorm =
      vision.usesPreLayerNorm
      ? try LayerNorm(own, "pre_layrnorm", size: width, epsilon: vision.layerNormEpsilon) : nil
    var layers: [CLIPEncoderLayer] = []
    for layer in 0..<configuration.visionBlocks {
      layers.append(try CLIPEncoderLayer(own.under("encoder.layers.\(layer)"), vision))
    }
    self.layers = layers
    depths = configuration.visionDepths
    // Checkpoints have the layers after the selected one too, and nothing reads them.
    try weights.optionally(under: Self.prefix) { (own) throws(ModelError) in
      for layer in configuration.visionBlocks..<vision.layers {
        _ = try CLIPEncoderLayer(own.under("encoder.layers.\(layer)"), vision)
      }
      _ = try LayerNorm(own, "post_layernorm", size: width, epsilon: vision.layerNormEpsilon)
    }
  }

  /// CLS and patches.
  private static func tokens(_ vision: VisionConfiguration) -> Int { vision.patches + 1 }

  /// How often `callAsFunction` calls `step`.
  var steps: Int { layers.count + 1 }

  /// `pixels` `[3, N, N]`, normalized → the selected hidden states side by side, `[1 + P, layers · Dv]`: CLS, then the
  /// patches in row-major order.
  func callAsFunction(_ pixels: Tensor, step: () throws -> Void) throws -> Tensor {
    let patches = try convolution.get()(pixels)
    let width = patches.shape[0]
    let rows = patches.reshaped([width, patches.count / width]).transposed()
    var x = Tensor.concatenate([classEmbedding.reshaped([1, width]), rows]) + positionEmbedding
    if let preLayerNorm { x = preLayerNorm(x) }
    try requireFinite(x, "vision tower's input embeddings")
    try step()
    var states = [0: x]
    for (index, layer) in layers.enumerated() {
      x = try layer(x, layer: index)
      if depths.contains(index + 1) { states[index + 1] = x }
      try step()
    }
    return depths.count == 1 ? x : Tensor.concatenateColumns(depths.compactMap { states[$0] })
  }
}

/// Layer norm with its weights.
struct LayerNorm: Sendable {
  let weight: Tensor
  let bias: Tensor
  let epsilon: Float

  init(_ weights: WeightReader, _ key: String, size: Int, epsilon: Float) throws(ModelError) {
    weight = try weights.tensor("\(key).weight", [size])
    bias = try weights.tensor("\(key).bias", [size])
    self.epsilon = epsilon
  }

  func callAsFunction(_ x: Tensor) -> Tensor { layerNorm(x, weight: weight, bias: bias, epsilon: epsilon) }
}

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
