import JSON
import Safetensors

/// `vision_config`: HF's CLIPVisionConfig.
package struct VisionConfiguration: Sendable, Hashable {
  /// `hidden_act`.
  package enum Activation: String, Sendable, CaseIterable {
    case quickGELU = "quick_gelu"
    case gelu
  }

  package let hiddenSize: Int
  package let intermediateSize: Int
  package let layers: Int
  package let heads: Int
  /// Side of the square input in pixels.
  package let imageSize: Int
  package let patchSize: Int
  package let hiddenActivation: Activation
  package let layerNormEpsilon: Float
  /// `use_pre_layernorm`: false for towers such as DINOv2, which have no `pre_layrnorm`.
  package let usesPreLayerNorm: Bool

  init(_ reader: JSONReader) throws(CheckpointError) {
    hiddenSize = try reader.integer("hidden_size")
    intermediateSize = try reader.integer("intermediate_size")
    layers = try reader.integer("num_hidden_layers", in: 1...1024)
    heads = try reader.integer("num_attention_heads", in: 1...4096)
    imageSize = try reader.integer("image_size", in: 1...4096)
    patchSize = try reader.integer("patch_size", in: 1...imageSize)
    hiddenActivation = try reader.choice("hidden_act", default: .quickGELU)
    layerNormEpsilon = Float(try reader.positive("layer_norm_eps", default: 1e-5))
    usesPreLayerNorm = try reader.bool("use_pre_layernorm", default: true)
    try ComputationKeys.checkTower(reader)
    guard patches <= Self.mostPatches else {
      throw reader.fault(
        "patch_size", .integer(patchSize),
        expected: "a size that makes at most \(Self.mostPatches) patches of \(imageSize) × \(imageSize) pixels")
    }
    guard hiddenSize % heads == 0 else {
      throw reader.fault("num_attention_heads", .integer(heads), expected: "a divisor of hidden_size, \(hiddenSize)")
    }
  }

  /// Beyond what any attention over all of them could compute; sizes that follow from it cannot overflow.
  private static let mostPatches = 1 << 16

  /// Patches along one side.
  package var grid: Int { imageSize / patchSize }
  /// Patches of a picture, CLS not counted.
  package var patches: Int { grid * grid }
  package var headDim: Int { hiddenSize / heads }
}
