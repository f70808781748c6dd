import JSON
import Safetensors

/// Keys of configurations near Llama's and CLIP's that change what is computed, and are not carried out here: each may only
/// have a value that leaves the computation as it is.
enum ComputationKeys {
  /// The values with which a key changes nothing, beside null.
  private typealias Key = (name: String, neutral: [JSONValue])

  private static let off: [JSONValue] = [.bool(false)]
  private static let one: [JSONValue] = [.integer(1), .number(1)]
  private static let zero: [JSONValue] = [.integer(0), .number(0)]
  private static let nothing: [JSONValue] = [.bool(false), .array([]), .object(JSONObject(members: []))]

  /// transformers' decoders that share most of Llama's keys (`modeling_llama.py`, `modeling_mistral.py`,
  /// `modeling_granite.py`, `modeling_gemma2.py`, `modeling_mixtral.py`), and LLaVA's own (`llava_arch.py`).
  private static let decoder: [Key] = [
    ("attention_bias", off), ("mlp_bias", off), ("use_qkv_bias", off), ("qkv_bias", off), ("use_bias", off),
    ("lm_head_bias", off), ("use_qk_norm", off), ("qk_norm", off), ("use_sliding_window", off),
    ("partial_rotary_factor", one), ("rotary_pct", one), ("attention_multiplier", []), ("embedding_multiplier", one),
    ("residual_multiplier", one), ("logits_scaling", one), ("logit_scale", one), ("final_logit_softcapping", zero),
    ("attn_logit_softcapping", zero), ("query_pre_attn_scalar", []), ("num_local_experts", zero + one),
    ("num_experts", zero + one), ("n_routed_experts", zero), ("alibi", off), ("parallel_attention", off),
    ("attention_chunk_size", []), ("no_rope_layers", [.array([])]), ("mm_resampler_type", [.string("identity")]),
    ("mm_patch_merge_type", [.string("flat")]), ("s2", off),
  ]
  /// transformers' `modeling_clip.py` and `modeling_siglip.py`.
  private static let tower: [Key] = [
    ("num_channels", [.integer(3)]), ("vision_use_head", off), ("use_head", off), ("num_register_tokens", zero),
    ("use_swiglu_ffn", off),
  ]
  /// transformers' `generation/configuration_utils.py`: what changes the most probable next token.
  private static let generation: [Key] = [
    ("repetition_penalty", one), ("encoder_repetition_penalty", one), ("no_repeat_ngram_size", zero),
    ("encoder_no_repeat_ngram_size", zero), ("num_beams", one), ("num_beam_groups", one), ("penalty_alpha", zero),
    ("suppress_tokens", nothing), ("begin_suppress_tokens", nothing), ("bad_words_ids", nothing),
    ("force_words_ids", nothing), ("forced_bos_token_id", []), ("forced_eos_token_id", []), ("min_length", zero),
    ("min_new_tokens", zero), ("sequence_bias", nothing), ("exponential_decay_length_penalty", []),
    ("stop_strings", nothing), ("guidance_scale", one), ("constraints", nothing), ("dola_layers", []),
    ("watermarking_config", []), ("token_healing", nothing),
  ]
  /// Decoders that differ from Llama's in what no key says, such as biases of queries or another norm.
  private static let otherModels = [
    "qwen", "gemma", "phi", "mixtral", "gpt", "opt", "mpt", "falcon", "bloom", "deepseek", "internlm", "stablelm",
    "cohere", "olmo", "starcoder", "mamba", "t5", "glm", "chatglm", "baichuan", "granitemoe", "siglip", "blip",
    "idefics",
  ]

  /// Throws `CheckpointError` naming the first key of a decoder that is not carried out.
  static func checkDecoder(_ reader: JSONReader) throws(CheckpointError) {
    try check(reader, decoder)
    try checkModel(reader)
    try checkRotary(reader)
    guard let window = reader.value("sliding_window") else { return }
    let longest = try reader.integer("max_position_embeddings", default: largestSize)
    let reaches = if case .integer(let size) = window { size >= longest } else { false }
    guard reaches || reader.value("use_sliding_window") == .bool(false) else {
      throw reader.fault("sliding_window", window, expected: "null, for attention over a window is not implemented")
    }
  }

  /// Throws `CheckpointError` naming the first key of a vision tower that is not carried out.
  static func checkTower(_ reader: JSONReader) throws(CheckpointError) {
    try check(reader, tower)
    try checkModel(reader)
  }

  /// Throws `CheckpointError` naming the first key of `generation_config.json` that is not carried out. Sampling is chosen
  /// on the command line, as LLaVA's evaluation does.
  static func checkGeneration(_ reader: JSONReader) throws(CheckpointError) { try check(reader, generation) }

  private static func check(_ reader: JSONReader, _ keys: [Key]) throws(CheckpointError) {
    for key in keys {
      guard let value = reader.value(key.name), !key.neutral.contains(value) else { continue }
      let allowed = (key.neutral.map(\.summary) + ["null"]).joined(separator: " or ")
      throw reader.fault(key.name, value, expected: "\(allowed); other values are not implemented")
    }
  }

  private static func checkModel(_ reader: JSONReader) throws(CheckpointError) {
    guard let model = try reader.string("model_type") else { return }
    // As in "llava_qwen".
    let words = model.lowercased().split { $0 == "_" || $0 == "-" }
    guard !words.contains(where: { word in otherModels.contains { word.hasPrefix($0) } }) else {
      throw reader.fault("model_type", .string(model), expected: "a Llama with a CLIP tower, as \"llava_llama\"")
    }
  }

  /// `rope_scaling`, and `rope_parameters` where transformers 5 puts it: only positions as they are.
  private static func checkRotary(_ reader: JSONReader) throws(CheckpointError) {
    if let scaling = reader.value("rope_scaling") {
      guard scaling["rope_type"] ?? scaling["type"] == .string("default") else {
        throw reader.fault("rope_scaling", scaling, expected: "null, for scaled rotary positions are not implemented")
      }
    }
    guard reader.value("rope_parameters") != nil else { return }
    let parameters = try reader.section("rope_parameters")
    if let kind = try parameters.string("rope_type"), kind != "default" {
      throw parameters.fault("rope_type", .string(kind), expected: "\"default\"")
    }
    try check(parameters, [("partial_rotary_factor", one), ("factor", one)])
  }
}
