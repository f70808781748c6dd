import Foundation
import HTCVLM
import ImageLoading
import JSON
import Statistics
import Tensor
import TestSupport
import Tokenization
import WeightFormats

/// Small random models of any configuration, in memory.
enum SyntheticModel {
  static let tokenizerPath = ParityCase.star.directory + "/tokenizer.model"

  /// A star-mask model with 3 anchors, 9 patches and an f16 quantizer; `changes` replaces keys of the top level.
  static func configuration(
    _ changes: [String: Any] = [:], mgvq: [String: Any] = [:], vision: [String: Any] = [:]
  ) throws -> HTCVLMConfiguration {
    var document: [String: Any] = [
      "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
      "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "vocab_size": 430, "voco_token_id": 425,
      "num_anchor_tokens": 3, "anchor_projector_hidden_size": 8, "mm_projector_type": "linear",
      "mm_vision_select_layer": -2, "image_aspect_ratio": "pad", "prompt_template": "{prompt}",
    ]
    document["vision_config"] = [
      "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
      "image_size": 42, "patch_size": 14,
    ].merging(vision) { $1 }
    document["mgvq_config"] = [
      "latent_channels": 8, "codebook_size": 32, "codebook_groups": 2, "image_size": 32,
      "encoder_width_list": [8, 16, 16, 32, 32], "encoder_depth_list": [0, 1, 1, 1, 1],
      "encoder_block_type": ["ResBlock", "ResBlock", "ResBlock", "ResBlock", "EViT_GLU"],
      "decoder_width_list": [8, 16, 16, 32, 32], "decoder_depth_list": [0, 1, 1, 1, 1],
      "decoder_block_type": ["ResBlock", "ResBlock", "ResBlock", "ResBlock", "EViT_GLU"],
      "decoder_norm": ["bn2d", "bn2d", "bn2d", "trms2d", "trms2d"],
      "decoder_act": ["relu", "relu", "relu", "silu", "silu"],
    ].merging(mgvq) { $1 }
    document.merge(changes) { $1 }
    let bytes = [UInt8](try JSONSerialization.data(withJSONObject: document))
    return try HTCVLMConfiguration(document: try JSONValue(parsing: bytes), path: "synthetic/config.json")
  }

  /// Random weights for every tensor that the configuration calls for.
  static func tensors(_ configuration: HTCVLMConfiguration, seed: UInt64 = 1) throws -> [String: StoredTensor] {
    var generator = SplitMix64(seed: seed)
    var tensors: [String: StoredTensor] = [:]
    for expected in try HTCVLMModel.expectedTensors(configuration) {
      let count = expected.shape.reduce(1, *)
      let isPositive = expected.name.hasSuffix("running_var") || expected.name.hasSuffix("norm.weight")
      let spread = expected.shape.count < 2 ? 0.2 : 1.7 / Float(count / expected.shape[0]).squareRoot()
      let values = (0..<count).map { _ in
        Float.random(in: -1...1, using: &generator) * spread + (isPositive ? 1 : 0)
      }
      tensors[expected.name] = StoredTensor(
        name: expected.name, tensor: Tensor(shape: expected.shape, values: values))
    }
    return tensors
  }

  static func model(
    _ configuration: HTCVLMConfiguration, tensors: [String: StoredTensor]? = nil
  ) throws -> HTCVLMModel {
    try HTCVLMModel(
      configuration: configuration, preprocessor: .clip(imageSize: configuration.vision.imageSize),
      tensors: try tensors ?? Self.tensors(configuration),
      tokenizer: try SentencePieceTokenizer(path: tokenizerPath), checkpoint: "synthetic")
  }

  /// A picture with no symmetry.
  static func picture(width: Int = 40, height: Int = 30, shade: Int = 0) -> Picture {
    Picture(
      width: width, height: height,
      pixels: (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 90 &* 13 &+ shade) })
  }
}
