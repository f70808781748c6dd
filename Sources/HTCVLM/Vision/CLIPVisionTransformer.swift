import Tensor

/// HF's `CLIPVisionModel` up to the layer that `mm_vision_select_layer` picks; the layers after it are not read.
struct CLIPVisionTransformer: Sendable {
  static let prefix = "model.vision_tower.vision_tower.vision_model"

  private let patchEmbedding: StoredTensor
  private let classEmbedding: Tensor
  private let positionEmbedding: Tensor
  private let preLayerNorm: LayerNorm?
  private let layers: [CLIPEncoderLayer]
  private let convolution: Lazy<Conv2D>

  init(_ weights: WeightReader, _ configuration: HTCVLMConfiguration) throws(ModelError) {
    let vision = configuration.vision
    let own = weights.under(Self.prefix)
    let embeddings = own.under("embeddings")
    let width = vision.hiddenSize
    let patch = vision.patchSize
    let patchEmbedding = try embeddings.stored("patch_embedding.weight", [width, 3, patch, patch])
    self.patchEmbedding = patchEmbedding
    convolution = Lazy { Conv2D(weight: patchEmbedding.float32(), bias: nil, stride: patch, padding: 0) }
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

  /// `pixels` `[3, N, N]`, normalised → the selected hidden state `[P, Dv]`, patches in row-major order.
  func callAsFunction(_ pixels: Tensor, step: () throws -> Void) throws -> Tensor {
    let patches = try convolution.get()(pixels)
    let width = patches.shape[0]
    let rows = patches.reshaped([width, patches.count / width]).transposed()
    var x = Tensor.concatenate([classEmbedding.reshaped([1, width]), rows]) + positionEmbedding
    if let preLayerNorm { x = preLayerNorm(x) }
    try step()
    for layer in layers {
      x = layer(x)
      try step()
    }
    return x[rows: 1..<x.shape[0]]
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
