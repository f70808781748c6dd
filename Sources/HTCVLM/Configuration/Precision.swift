import WeightFormats

/// How the matrices of decoder and tower are held and multiplied; everything else is exact in both.
package enum Precision: String, Sendable, CaseIterable {
  /// As in the file, computed in 32 bits.
  case exact
  /// 8-bit integers, one scale an output; rows of activations are rounded to 8 bits too where there are many.
  case int8
}

extension HTCVLMConfiguration {
  /// The keys of the matrices that `Precision.int8` holds as integers: the decoder's layers and its head, and the tower's
  /// layers that are run.
  package var int8Keys: [String] {
    func keys(_ prefix: String, _ layers: Int, _ matrices: [String]) -> [String] {
      (0..<layers).flatMap { layer in matrices.map { "\(prefix).\(layer).\($0).weight" } }
    }
    let attention = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]
    return keys(
      "model.layers", layers, attention + ["self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"])
      + keys(
        "\(CLIPVisionTransformer.prefix).encoder.layers", visionBlocks,
        attention + ["self_attn.out_proj", "mlp.fc1", "mlp.fc2"]) + (tiedEmbeddings ? [] : ["lm_head.weight"])
  }
}
