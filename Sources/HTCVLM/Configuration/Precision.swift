import WeightFormats

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
