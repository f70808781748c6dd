import Files
import Foundation
import HTCVLM
import JSON
import Safetensors
import Tensor
import WeightFormats

/// A checkpoint directory of random weights in the shape of the paper's model, or of a tiny one.
///
/// Its numbers mean nothing; its time and memory are those of trained weights of the same shape. `untrained_parts` and the
/// file's metadata say so.
struct RandomCheckpoint {
  enum Scale: String, CaseIterable {
    /// CLIP ViT-L/14 at 336, MGVQ f16c32-g8, 14112 → 4 × 4096, Llama-7B.
    case full
    /// The same parts and names in widths that a test can bear.
    case tiny
  }

  let document: JSONValue
  let configuration: HTCVLMConfiguration
  private let seed: UInt64

  init(_ scale: Scale, layers: Int, seed: UInt64) throws {
    self.seed = seed
    document = Self.document(scale == .full ? .full : .tiny, layers: layers, seed: seed)
    configuration = try HTCVLMConfiguration(document: document, path: "config.json")
  }

  /// Widths of the parts.
  private struct Widths {
    var decoder: (hidden: Int, inner: Int, heads: Int, vocabulary: Int)
    var vision: (hidden: Int, inner: Int, heads: Int, layers: Int, image: Int)
    var stages: [Int]
    var depths: (encoder: [Int], decoder: [Int])
    var codes: Int
    var anchors: Int

    static let full = Widths(
      decoder: (4096, 11008, 32, 32001), vision: (1024, 4096, 16, 24, 336), stages: [128, 256, 512, 512, 1024],
      depths: ([0, 4, 8, 2, 2], [0, 5, 10, 2, 2]), codes: 16384, anchors: 4096)
    static let tiny = Widths(
      decoder: (64, 160, 4, 2048), vision: (64, 128, 4, 3, 56), stages: [32, 32, 64, 64, 64],
      depths: ([0, 1, 1, 1, 1], [0, 1, 1, 1, 1]), codes: 256, anchors: 32)
  }

  private static func document(_ widths: Widths, layers: Int, seed: UInt64) -> JSONValue {
    func object(_ members: [(String, JSONValue)]) -> JSONValue {
      .object(members.map { JSONMember($0.0, $0.1) })
    }
    func integers(_ values: [Int]) -> JSONValue { .array(values.map(JSONValue.integer)) }
    func strings(_ values: [String]) -> JSONValue { .array(values.map(JSONValue.string)) }
    let blocks = strings(["ResBlock", "ResBlock", "ResBlock", "EViT_GLU", "EViT_GLU"])
    let (decoder, vision) = (widths.decoder, widths.vision)
    return object([
      ("model_type", .string("htc_vlm")), ("hidden_size", .integer(decoder.hidden)),
      ("intermediate_size", .integer(decoder.inner)), ("num_hidden_layers", .integer(layers)),
      ("num_attention_heads", .integer(decoder.heads)), ("num_key_value_heads", .integer(decoder.heads)),
      ("rms_norm_eps", .number(1e-5)), ("rope_theta", .number(10000)), ("vocab_size", .integer(decoder.vocabulary)),
      ("max_position_embeddings", .integer(4096)), ("tie_word_embeddings", .bool(false)),
      ("bos_token_id", .integer(1)), ("eos_token_id", .integer(2)), ("hidden_act", .string("silu")),
      ("mm_projector_type", .string("mlp2x_gelu")), ("mm_vision_select_layer", .integer(-2)),
      ("mm_vision_select_feature", .string("patch")), ("image_aspect_ratio", .string("pad")),
      ("voco_token_id", .integer(decoder.vocabulary - 1)), ("num_voco_tokens", .integer(1)),
      ("num_anchor_tokens", .integer(4)), ("anchor_projector_hidden_size", .integer(widths.anchors)),
      ("anchor_flatten", .string("chw")), ("visual_mask", .string("star")),
      ("sequence", strings(["bos", "anchors", "patches", "voco", "text"])),
      ("untrained_parts", strings(["everything: random weights for measuring, seed \(seed)"])),
      (
        "vision_config",
        object([
          ("hidden_size", .integer(vision.hidden)), ("intermediate_size", .integer(vision.inner)),
          ("num_hidden_layers", .integer(vision.layers)), ("num_attention_heads", .integer(vision.heads)),
          ("image_size", .integer(vision.image)), ("patch_size", .integer(14)), ("hidden_act", .string("quick_gelu")),
          ("layer_norm_eps", .number(1e-5)),
        ])
      ),
      (
        "mgvq_config",
        object([
          ("latent_channels", .integer(32)), ("codebook_size", .integer(widths.codes)),
          ("codebook_groups", .integer(8)), ("image_size", .integer(vision.image / 16 * 16)),
          ("encoder_width_list", integers(widths.stages)), ("encoder_depth_list", integers(widths.depths.encoder)),
          ("encoder_block_type", blocks), ("encoder_norm", .string("trms2d")), ("encoder_act", .string("silu")),
          ("decoder_width_list", integers(widths.stages)), ("decoder_depth_list", integers(widths.depths.decoder)),
          ("decoder_block_type", blocks),
          ("decoder_norm", strings(["bn2d", "bn2d", "bn2d", "trms2d", "trms2d"])),
          ("decoder_act", strings(["relu", "relu", "relu", "silu", "silu"])),
        ])
      ),
    ])
  }

  /// Writes the directory, weights in F16; nothing larger than a few megabytes is held.
  func write(to path: String, tokenizer: String, progress: (Int, Int) -> Void) throws {
    // Read before gigabytes are written.
    let pieces = try FileContents.read(path: tokenizer, limit: 256 << 20)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let tensors = try HTCVLMModel.expectedTensors(configuration).filter { !Self.isBuffer($0.name) }
    let descriptions = tensors.map { SafetensorsDescription($0.name, .f16, $0.shape) }
    let total = descriptions.reduce(0) { $0 + $1.byteCount }
    var written = 0
    try SafetensorsWriter.write(
      streaming: descriptions,
      metadata: ["format": "pt", "vocoscope.weights": "random, seed \(seed): for measuring time and memory only"],
      to: "\(path)/model.safetensors"
    ) { tensor, append in
      var values = RandomHalves(tensor.name, shape: tensor.shape, seed: seed)
      var left = tensor.byteCount / 2
      while left > 0 {
        let piece = values.next(min(left, RandomHalves.most))
        try piece.withUnsafeBytes(append)
        left -= piece.count
        written += 2 * piece.count
        progress(written, total)
      }
    }
    try FileContents.write(Array(document.document.utf8), to: "\(path)/config.json")
    try FileContents.write(pieces, to: "\(path)/tokenizer.model")
  }

  /// Statistics of training that no run reads.
  private static func isBuffer(_ name: String) -> Bool {
    name.hasSuffix("codebook_used") || name.hasSuffix("embed_prob")
  }
}

/// The elements of a tensor as F16: ones for norms, zeros for biases, else uniform with a standard deviation of
/// 1/√inputs, which keeps every layer's output of its input's size.
struct RandomHalves {
  /// Elements of a piece.
  static let most = 1 << 20

  /// Bit patterns that equal chances pick from.
  private let table: [UInt16]
  private var state: UInt64

  init(_ name: String, shape: [Int], seed: UInt64) {
    let inputs = shape.count > 1 ? shape.dropFirst().reduce(1, *) : 1
    let levels: [Double]
    if shape.count == 1 {
      let isScale = name.hasSuffix("weight") || name.hasSuffix("running_var")
      levels = [name.hasSuffix("class_embedding") ? 0.02 : isScale ? 1 : 0]
    } else {
      let bound = (3 / Double(inputs)).squareRoot()
      levels = (0..<4096).map { (level: Int) -> Double in bound * (2 * (Double(level) + 0.5) / 4096 - 1) }
    }
    table = levels.map { Self.half(Float($0)) }
    // FNV-1a of the name: the same tensor in a file of other layers is the same.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ seed
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    state = hash
  }

  /// The nearest F16 of a value whose magnitude is under 65504; those below 2⁻¹⁴ become zero.
  static func half(_ value: Float) -> UInt16 {
    let sign = UInt16(value.bitPattern >> 16) & 0x8000
    let magnitude = abs(value)
    guard magnitude >= 0x1p-14 else { return sign }
    let rounded = magnitude.bitPattern + 0xFFF + (magnitude.bitPattern >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded >> 13) - (112 << 10))
  }

  mutating func next(_ count: Int) -> [UInt16] {
    if table.count == 1 { return [UInt16](repeating: table[0], count: count) }
    var state = state
    defer { self.state = state }
    return table.withUnsafeBufferPointer { table in
      [UInt16](unsafeUninitializedCapacity: count) { buffer, initialized in
        var index = 0
        while index < count {
          // xorshift64* (Vigna, arXiv 1402.6246); its upper bits are the good ones.
          state ^= state >> 12
          state ^= state << 25
          state ^= state >> 27
          var bits = state &* 0x2545_F491_4F6C_DD1D
          for _ in 0..<min(5, count - index) {
            buffer[index] = table[Int(bits >> 52)]
            bits <<= 12
            index += 1
          }
        }
        initialized = count
      }
    }
  }
}
