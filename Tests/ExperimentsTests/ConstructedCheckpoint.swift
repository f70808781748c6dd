import Foundation
import HTCVLM
import ImageLoading
import JSON
import Safetensors
import Statistics
import Tensor
import WeightFormats

/// A whole checkpoint whose answer is known, because its weights are chosen: two layers of two heads over 4 anchors and
/// 25 patches.
///
/// The residual stream keeps kinds and contents apart: dimensions 0–3 flag anchor, patch, voco and text, 8–15 hold what
/// a visual token shows, 16–23 what voco gathered in the first layer, 24–31 what text read from voco and the logits
/// come from. Scores of voco add up from the key's kind (the slowest rotary pair) and its distance (a faster pair).
struct ConstructedCheckpoint: Sendable {
  /// Added to voco's score of an anchor, wherever it stands.
  var anchorScore: Float = 0

  /// Attends to the anchors wherever they stand, and uses what they hold.
  static let uses = ConstructedCheckpoint(anchorScore: 2.5)
  /// Attends to patches and uses them.
  static let patchesOnly = ConstructedCheckpoint(anchorScore: -5)

  private static let width = 32
  private static let flag: Float = 8
  private static let content = 8..<16
  private static let gathered = 16..<24
  private static let answer = 24..<32
  /// The root mean square of a visual token's vector, to which its norm divides: √((flag² + 8·1)/width).
  private static let norm = (flag * flag / Float(width) + 0.25).squareRoot()
  private static let tokens = 430
  private static let voco = 425

  /// Writes the checkpoint into `directory`, with the tokenizer of the recorded models.
  func write(to directory: String, tokenizer: String) throws {
    let file = { (name: String) in URL(fileURLWithPath: directory).appendingPathComponent(name).path }
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let json = try JSONSerialization.data(withJSONObject: Self.document, options: .sortedKeys)
    try json.write(to: URL(fileURLWithPath: file("config.json")))
    let processor =
      "{\"image_mean\": [0.5, 0.5, 0.5], \"image_std\": [0.25, 0.25, 0.25], \"crop_size\": 70, \"size\": 70}"
    try Data(processor.utf8).write(to: URL(fileURLWithPath: file("preprocessor_config.json")))
    try FileManager.default.copyItem(atPath: tokenizer, toPath: file("tokenizer.model"))
    let configuration = try HTCVLMConfiguration(document: JSONValue(parsing: [UInt8](json)), path: file("config.json"))
    try SafetensorsWriter.write(
      try tensors(configuration).map { SafetensorsEntry($0.key, $0.value) }, metadata: [:],
      to: file("model.safetensors"))
  }

  /// Pictures of 5×5 squares in random colours, as PNG files; their paths.
  static func writePictures(_ count: Int, to directory: String) throws -> [String] {
    try (0..<count).map { index in
      var generator = SplitMix64(seed: UInt64(1000 + index))
      let colors = (0..<75).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let pixels = (0..<70 * 70).flatMap { pixel in
        let square = pixel / 70 / 14 * 5 + pixel % 70 / 14
        return Array(colors[3 * square..<3 * square + 3])
      }
      let path = URL(fileURLWithPath: directory).appendingPathComponent("picture-\(index).png").path
      try PNGWriter.write(Picture(width: 70, height: 70, pixels: pixels), to: path)
      return path
    }
  }

  private static var document: [String: Any] {
    [
      "hidden_size": width, "intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "head_dim": 8,
      "rms_norm_eps": 1e-5, "vocab_size": tokens, "voco_token_id": voco, "num_anchor_tokens": 4,
      "anchor_projector_hidden_size": 16, "mm_projector_type": "linear", "mm_vision_select_layer": 0,
      "image_aspect_ratio": "pad", "prompt_template": "{prompt}",
      "vision_config": [
        "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "image_size": 70,
        "patch_size": 14,
      ] as [String: Any],
      "mgvq_config": [
        "latent_channels": 8, "codebook_size": 64, "codebook_groups": 2, "image_size": 8, "encoder_width_list": [8, 8],
        "encoder_depth_list": [0, 1], "decoder_width_list": [8, 8], "decoder_depth_list": [0, 1],
      ] as [String: Any],
    ]
  }

  /// Everything that is not chosen is random (what looks at the picture) or zero (the decoder).
  private func tensors(_ configuration: HTCVLMConfiguration) throws -> [String: Tensor] {
    var generator = SplitMix64(seed: 5)
    var tensors: [String: Tensor] = [:]
    for expected in try HTCVLMModel.expectedTensors(configuration) {
      let count = expected.shape.reduce(1, *)
      let isScale = expected.name.hasSuffix("norm.weight") && !expected.name.contains("mgvq.decoder")
      let isDecoder = expected.name.hasPrefix("model.layers.") || expected.name.hasPrefix("model.embed_tokens")
      let spread = expected.shape.count < 2 || isDecoder ? 0 : 1.7 / Float(count / expected.shape[0]).squareRoot()
      let base: Float = isScale || expected.name.hasSuffix("running_var") ? 1 : 0
      tensors[expected.name] = Tensor(
        shape: expected.shape,
        values: (0..<count).map { _ in base + spread * Float.random(in: -1...1, using: &generator) })
    }
    chooseInputs(&tensors, &generator)
    for layer in 0..<2 {
      chooseAttention(&tensors, "model.layers.\(layer).self_attn", writesTo: layer == 0 ? Self.gathered : Self.answer)
    }
    return tensors
  }

  /// Flags on every kind of token, and contents of anchors and patches.
  private func chooseInputs(_ tensors: inout [String: Tensor], _ generator: inout SplitMix64) {
    tensors["model.embed_tokens.weight"] = Self.matrix(Self.tokens, Self.width) { row, column in
      column == (row == Self.voco ? 2 : 3) ? Self.flag : 0
    }
    tensors["model.mm_projector.weight"] = Self.matrix(Self.width, 8) { $0 - Self.content.lowerBound == $1 ? 1 : 0 }
    tensors["model.mm_projector.bias"] = Tensor(
      shape: [Self.width], values: (0..<Self.width).map { $0 == 1 ? Self.flag : 0 })
    // Large enough that what passes the outer GELU is about as long as what patches hold.
    tensors["model.anchor_projector.fc2.weight"] = Self.matrix(4 * Self.width, 16) { row, _ in
      Self.content.contains(row % Self.width) ? 2 * Float.random(in: -1...1, using: &generator) : 0
    }
    tensors["model.anchor_projector.fc2.bias"] = Tensor(
      shape: [4 * Self.width], values: (0..<4 * Self.width).map { $0 % Self.width == 0 ? Self.flag : 0 })
    tensors["lm_head.weight"] = Self.matrix(Self.tokens, Self.width) { _, column in
      Self.answer.contains(column) ? 3 * Float.random(in: -1...1, using: &generator) : 0
    }
  }

  private func chooseAttention(_ tensors: inout [String: Tensor], _ prefix: String, writesTo output: Range<Int>) {
    // Normalized, a flag is flag/norm; scores divide by √headDim.
    let unit = Self.norm / Self.flag
    let score = { (value: Float) in value * Float(8).squareRoot() * unit }
    // The pair (1, 5) turns by 0.1 a position; anchors stand at 1–4 and voco at 30.
    let phase = 0.1 * Float(30 - 2)
    tensors["\(prefix).q_proj.weight"] = Self.matrix(16, Self.width) { row, column in
      switch (row % 8, column) {
      case (3, 2): unit
      case (7, 3): unit
      case (1, 2): unit * cos(-phase)
      case (5, 2): unit * sin(-phase)
      default: 0
      }
    }
    tensors["\(prefix).k_proj.weight"] = Self.matrix(16, Self.width) { row, column in
      switch (row % 8, column) {
      case (3, 0): score(self.anchorScore)
      case (7, 2): score(12)
      default: 0
      }
    }
    tensors["\(prefix).v_proj.weight"] = Self.matrix(16, Self.width) { row, column in
      column == Self.content.lowerBound + row % 8 || column == Self.gathered.lowerBound + row % 8 ? 1 : 0
    }
    tensors["\(prefix).o_proj.weight"] = Self.matrix(Self.width, 16) { row, column in
      row == output.lowerBound + column % 8 ? 0.5 : 0
    }
  }

  private static func matrix(_ rows: Int, _ columns: Int, _ value: (Int, Int) -> Float) -> Tensor {
    Tensor(shape: [rows, columns], values: (0..<rows * columns).map { value($0 / columns, $0 % columns) })
  }
}
