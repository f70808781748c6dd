package import Checkpoint

/// How the decoder's matrices are held and multiplied; everything else is exact in both.
package enum Precision: String, Sendable, CaseIterable {
  /// As in the file, computed in 32 bits.
  case exact
  /// 8-bit integers, one scale an output; rows of activations are rounded to 8 bits too where there are many.
  case int8
}

extension HTCVLMConfiguration {
  /// The keys of the matrices that `Precision.int8` holds as integers: the decoder's layers and its head.
  package var int8Keys: [String] {
    let matrices = [
      "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj",
      "mlp.down_proj",
    ]
    let inLayers = (0..<layers).flatMap { layer in matrices.map { "model.layers.\(layer).\($0).weight" } }
    return inLayers + (tiedEmbeddings ? [] : ["lm_head.weight"])
  }
}
