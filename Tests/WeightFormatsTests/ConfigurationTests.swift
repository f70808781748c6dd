import Foundation
import HTCVLM
import JSON
import Safetensors
import Tensor
import Testing
import Trace

/// The configuration of the fixture star-png with the value at `keys` replaced, or removed for nil; errors call it
/// "config.json".
func configuration(_ keys: String, _ value: String?) throws -> HTCVLMConfiguration {
  let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: fixture("star-png/config.json"))))
  let replacement = try value.map { try JSONValue(parsing: Array($0.utf8)) }
  let document = try JSONValue(parsing: bytes).replacing(keys.split(separator: ".")[...], by: replacement)
  return try HTCVLMConfiguration(document: document, path: "config.json")
}

extension JSONValue {
  fileprivate func replacing(_ keys: ArraySlice<Substring>, by value: JSONValue?) -> JSONValue {
    guard let key = keys.first, case .object(let object) = self else { return value ?? .null }
    let old = object[String(key)] ?? .object([])
    let new = keys.count == 1 ? value : old.replacing(keys.dropFirst(), by: value)
    return .object(object.members.filter { $0.key != key } + (new.map { [JSONMember(String(key), $0)] } ?? []))
  }
}

@Suite("Configuration files") struct ConfigurationTests {
  @Test("A configuration of HF, LLaVA and HTC keys is read whole")
  func complete() throws {
    let c = try HTCVLMConfiguration(path: fixture("sharded-f16-hwc/config.json"))
    #expect(c.hiddenSize == 64 && c.intermediateSize == 160 && c.layers == 3 && c.heads == 4 && c.keyValueHeads == 4)
    #expect(c.headDim == 16 && c.rmsNormEpsilon == 1e-5 && c.ropeTheta == 500_000 && c.vocabularySize == 421)
    #expect(c.bosTokenID == 1 && c.eosTokenIDs == [2] && c.maxPositionEmbeddings == 1024 && !c.tiedEmbeddings)
    #expect(c.projectorType == .perceptron(layers: 2) && c.visionSelectLayers == [-2] && c.imageAspectRatio == .square)
    #expect(c.vocoTokenID == 420 && c.vocoTokens == 2 && c.anchorTokens == 4 && c.anchorProjectorHiddenSize == 32)
    #expect(c.anchorFlatten == .hwc && c.visualMask == .star && c.promptTemplate == "USER: {prompt} ASSISTANT:")
    #expect(c.sequence == [.bos, .patches, .anchors, .newline, .voco, .text] && c.untrainedParts == [])
    #expect(c.visionBlocks == 2 && c.vision.grid == 6 && c.vision.patches == 36 && c.vision.headDim == 12)
    #expect(c.vision.hiddenActivation == .gelu && c.vision.usesPreLayerNorm)
    let mgvq = try #require(c.mgvq)
    #expect(mgvq.latentSize == 4 && mgvq.codesPerGroup == 128 && mgvq.channelsPerGroup == 8)
    #expect(mgvq.decoder.map(\.norm) == [.batchNorm2D, .batchNorm2D, .batchNorm2D, .rmsNorm2D, .rmsNorm2D])
    #expect(mgvq.encoder.map(\.block) == [.resBlock, .resBlock, .resBlock, .eViTGLU, .eViTGLU])
    #expect(mgvq.decoder.map(\.activation) == [.relu, .relu, .relu, .silu, .silu])
  }

  @Test(
    "Sizes whose products no machine holds are refused by their key",
    arguments: [
      ("head_dim", "65536", "head_dim is 65536"), ("vision_config.patch_size", "1", "vision_config.patch_size is 1"),
      ("mgvq_config.latent_channels", "65536", "mgvq_config.latent_channels is 65536"),
    ])
  func products(_ key: String, _ value: String, _ message: String) throws {
    let others = [
      "head_dim": ("num_attention_heads", "4096"), "vision_config.patch_size": ("vision_config.image_size", "4096"),
    ]
    let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: fixture("star-png/config.json"))))
    var document = try JSONValue(parsing: bytes)
    for (name, text) in [others[key] ?? ("mgvq_config.image_size", "4096"), (key, value)] {
      document = document.replacing(name.split(separator: ".")[...], by: try JSONValue(parsing: Array(text.utf8)))
    }
    let error = #expect(throws: CheckpointError.self) {
      try HTCVLMConfiguration(document: document, path: "config.json")
    }
    #expect(error?.description.contains("config.json: \(message)") == true, "\(String(describing: error))")
  }

  @Test("VoCo-LLaMA's layout, tied embeddings and grouped queries are read")
  func causal() throws {
    let c = try HTCVLMConfiguration(path: fixture("voco-causal-bf16/config.json"))
    #expect(c.keyValueHeads == 2 && c.tiedEmbeddings && c.visualMask == .causal && c.projectorType == .linear)
    #expect(c.visionBlocks == 3 && c.sequence == [.bos, .patches, .newline, .voco, .newline, .text])
  }

  @Test("Keys that HF leaves out have HF's defaults, and ours the specification's")
  func defaults() throws {
    let absent: [(String, (HTCVLMConfiguration) -> Bool)] = [
      ("num_key_value_heads", { $0.keyValueHeads == 4 }), ("head_dim", { $0.headDim == 16 }),
      ("rope_theta", { $0.ropeTheta == 10000 }), ("tie_word_embeddings", { !$0.tiedEmbeddings }),
      ("num_voco_tokens", { $0.vocoTokens == 1 }), ("anchor_flatten", { $0.anchorFlatten == .chw }),
      ("visual_mask", { $0.visualMask == .star }), ("prompt_template", { $0.promptTemplate == nil }),
      ("sequence", { $0.sequence == [.bos, .anchors, .patches, .voco, .text] }),
      ("max_position_embeddings", { $0.maxPositionEmbeddings == nil }),
      ("vision_config.hidden_act", { $0.vision.hiddenActivation == .quickGELU }),
    ]
    for (key, holds) in absent {
      #expect(holds(try configuration(key, nil)), "\(key) absent")
      #expect(holds(try configuration(key, "null")), "\(key) null")
    }
    #expect(try configuration("vision_config.use_pre_layernorm", "false").vision.usesPreLayerNorm == false)
    #expect(try configuration("rope_parameters.rope_theta", "5e5").ropeTheta == 500_000)
    #expect(try configuration("untrained_parts", #"["mgvq"]"#).untrainedParts == ["mgvq"])
  }

  @Test(
    "A missing required key is named with its section",
    arguments: [
      "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "rms_norm_eps", "vocab_size",
      "mm_projector_type", "mm_vision_select_layer", "voco_token_id", "num_anchor_tokens",
      "anchor_projector_hidden_size", "vision_config", "vision_config.hidden_size", "vision_config.image_size",
      "vision_config.patch_size", "vision_config.num_hidden_layers", "mgvq_config", "mgvq_config.latent_channels",
      "mgvq_config.codebook_size", "mgvq_config.codebook_groups", "mgvq_config.image_size",
      "mgvq_config.encoder_width_list", "mgvq_config.decoder_depth_list",
    ])
  func missing(key: String) {
    let error = #expect(throws: CheckpointError.self) { try configuration(key, nil) }
    #expect(error?.description.hasPrefix("config.json: the key \(key) is missing; expected ") == true)
  }

  @Test(
    "A value that cannot be is named with what was found",
    arguments: [
      ("hidden_size", "0"), ("hidden_size", "-1"), ("hidden_size", "1e9"), ("hidden_size", "99999999999999999999"),
      ("hidden_size", "\"64\""), ("num_hidden_layers", "1000000000"), ("num_key_value_heads", "3"), ("head_dim", "15"),
      ("rms_norm_eps", "0"), ("rms_norm_eps", "1e300"),
      ("rms_norm_eps", "1e-60"), ("rope_theta", "1e39"), ("vision_config.layer_norm_eps", "1e300"),
      ("rms_norm_eps", "\"small\""), ("tie_word_embeddings", "1"), ("voco_token_id", "421"),
      ("eos_token_id", "[]"), ("eos_token_id", "[1, 421]"), ("mm_projector_type", "\"mlpx_gelu\""),
      ("mm_vision_select_layer", "-5"),
      ("mm_vision_select_layer", "4"), ("mm_vision_select_layer", "[-2, 4]"), ("mm_vision_select_layer", "[]"),
      ("mm_vision_select_feature", "\"cls\""),
      ("image_aspect_ratio", "\"anyres\""),
      ("visual_mask", "\"moon\""), ("anchor_flatten", "\"whc\""), ("sequence", "[\"bos\", \"text\"]"),
      ("sequence", "[\"voco\", \"text\", \"patches\"]"), ("sequence", "[\"voco\", \"voco\", \"text\"]"),
      ("sequence", "[\"patches\", \"patches\", \"voco\", \"text\"]"), ("sequence", "[\"image\"]"),
      ("sequence", "\"voco\""), ("sequence", "[\"bos\", \"cls\", \"patches\", \"voco\", \"text\"]"),
      ("prompt_template", "\"no place for it\""), ("rope_scaling", "{\"type\": \"linear\", \"factor\": 2}"),
      ("attention_bias", "true"), ("rope_parameters.rope_type", "\"yarn\""), ("hidden_act", "\"gelu\""),
      ("vision_config", "3"), ("vision_config.num_attention_heads", "5"),
      ("vision_config.patch_size", "85"), ("vision_config.image_size", "1000000"),
      ("vision_config.hidden_act", "\"gelu_new\""), ("mgvq_config.codebook_groups", "7"),
      ("mgvq_config.image_size", "81"), ("mgvq_config.encoder_depth_list", "[0, 1, 1]"),
      ("mgvq_config.encoder_width_list", "[16]"), ("mgvq_config.decoder_depth_list", "[0, 1, 0, 1, 1]"),
      ("mgvq_config.encoder_block_type", "[\"ResBlock\"]"), ("mgvq_config.encoder_block_type", "[\"MBConv\"]"),
      ("mgvq_config.decoder_norm", "[\"ln\"]"), ("mgvq_config.decoder_width_list", "[16, 32, 32, 32, 1e2]"),
    ])
  func impossible(key: String, value: String) {
    let error = #expect(throws: CheckpointError.self) { try configuration(key, value) }
    #expect(
      error?.description.hasPrefix("config.json: \(key) is ") == true, "\(error.map(String.init(describing:)) ?? "")")
    #expect(error?.description.contains("; expected ") == true)
  }

  @Test("A message shows what was found and what would do")
  func message() {
    let error = #expect(throws: CheckpointError.self) { try configuration("visual_mask", "\"moon\"") }
    #expect(error?.description == "config.json: visual_mask is \"moon\"; expected \"star\" or \"causal\"")
  }

  @Test("A file that is no JSON object is refused by name", arguments: ["", "[]", "{", "\u{feff}\u{feff}{}", "3"])
  func notAnObject(text: String) throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/config.json"
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: CheckpointError.self) { try HTCVLMConfiguration(path: path) }
      #expect(error?.description.hasPrefix("\(path): ") == true)
    }
  }
}
