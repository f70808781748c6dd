import Tensor
import WeightFormats

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
  }

  static func list(_ list: inout TensorList, _ configuration: HTCVLMConfiguration) {
    let vision = configuration.vision
    let width = vision.hiddenSize
    list.under(prefix) { own in
      own.tensor("embeddings.patch_embedding.weight", [width, 3, vision.patchSize, vision.patchSize])
      own.tensor("embeddings.class_embedding", [width])
      own.tensor("embeddings.position_embedding.weight", [tokens(vision), width])
      if vision.usesPreLayerNorm { own.weightAndBias("pre_layrnorm", width) }
      for layer in 0..<vision.layers {
        own.under("encoder.layers.\(layer)", required: layer < configuration.visionBlocks) {
          CLIPEncoderLayer.list(&$0, vision)
        }
      }
      own.under("post_layernorm", required: false) { norm in
        norm.tensor("weight", [width])
        norm.tensor("bias", [width])
      }
    }
  }

  /// CLS and patches.
  private static func tokens(_ vision: VisionConfiguration) -> Int { vision.patches + 1 }

  /// How often `callAsFunction` calls `step`.
  var steps: Int { layers.count + 1 }

  /// `pixels` `[3, N, N]`, normalised → the selected hidden states side by side, `[1 + P, layers · Dv]`: CLS, then the
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
