import Foundation
import HTCVLM
import Safetensors
import Tensor
import TestSupport
import Testing
import Trace

@Suite("LoRA runs")
struct LoRATests {
  private func parts(_ folder: String) -> ModelParts {
    ModelParts(llm: "\(folder)/base", vision: "\(folder)/vision", adapter: "\(folder)/adapter")
  }

  private static let query = "model.layers.1.self_attn.q_proj"

  /// W + s·B·A of one matrix, by hand.
  private func merged(_ folder: String, scale: Float) throws -> Tensor {
    let base = try SafetensorsFile(path: "\(folder)/base/model.safetensors").tensors
    let own = try SafetensorsFile(path: "\(folder)/adapter/adapter_model.safetensors").tensors
    let w = try #require(base["\(Self.query).weight"]).float32()
    let a = try #require(own["base_model.model.\(Self.query).lora_A.weight"]).float32()
    let b = try #require(own["base_model.model.\(Self.query).lora_B.weight"]).float32()
    return w + matmul(b, a) * scale
  }

  @Test("The scale is α/r, α/√r when rank-stabilised, and each module's own by the first pattern that matches")
  func scales() throws {
    let cases: [(keys: [String: Any], scale: Float)] = [
      ([:], 2), (["use_rslora": true], 4), (["alpha_pattern": ["layers.1.self_attn.q_proj": 4]], 1),
      (["alpha_pattern": ["proj": 4]], 2), (["alpha_pattern": [#".*\.q_proj"#: 16]], 4),
    ]
    for (keys, scale) in cases {
      let changed = try ChangedDirectory("lora")
      try changed.change("adapter/adapter_config.json", keys)
      let tensors = try CheckpointSource.parts(parts(changed.path)).open().tensors
      let found = try #require(tensors["\(Self.query).weight"]).float32()
      expectClose(found, try merged(changed.path, scale: scale), relativeToLargest: 1e-6, "\(keys)")
      #expect(relativeError(found, try merged(changed.path, scale: scale * 2)) > 1e-3)
    }
  }

  @Test("A product with a merged matrix is that with W plus that with B·A")
  func product() throws {
    let tensors = try CheckpointSource.parts(parts(fixture("families/lora"))).open().tensors
    let weight = try #require(tensors["\(Self.query).weight"])
    for rows in [1, 3, 40] {
      let x = Tensor(shape: [rows, 64], values: (0..<rows * 64).map { Float(($0 * 37) % 101) / 50 - 1 })
      expectClose(Linear(weight: weight)(x), matmul(x, weight.float32(), transposeB: true), relativeToLargest: 1e-5)
    }
    expectClose(weight.rows([5, 2]), gather(weight.float32(), [5, 2]), relativeToLargest: 1e-6)
  }

  private func gather(_ x: Tensor, _ rows: [Int]) -> Tensor {
    Tensor.concatenate(rows.map { x[rows: $0..<$0 + 1] })
  }

  @Test("What PEFT can do and this cannot is refused by its key")
  func refusals() throws {
    let cases: [(key: String, value: Any)] = [
      ("peft_type", "IA3"), ("use_dora", true), ("lora_bias", true), ("bias", "all"), ("layer_replication", [[0, 2]]),
      ("target_parameters", ["x"]), ("trainable_token_indices", [3]), ("init_lora_weights", "pissa"),
      ("init_lora_weights", "pissa_niter_16"), ("init_lora_weights", "olora"), ("init_lora_weights", "corda"),
      ("init_lora_weights", "loftq"), ("init_lora_weights", "lora_ga"), ("kasa_config", ["beta": 0.1]),
    ]
    for (key, value) in cases {
      let changed = try ChangedDirectory("lora")
      try changed.change("adapter/adapter_config.json", [key: value])
      let sentence = refusal(parts(changed.path))
      #expect(sentence.contains("adapter_config.json: \(key) is"), "\(sentence)")
    }
  }

  @Test("Every tensor of the adapter finds its place or is named; a plain weight replaces the base's")
  func strays() throws {
    let strays = [
      (
        "base_model.model.model.layers.9.mlp.up_proj.lora_A.weight",
        "model.layers.9.mlp.up_proj.lora_B.weight is missing"
      ),
      ("base_model.model.other.weight", "base_model.model.other.weight is of no part of the base"),
      ("stray", "stray does not begin with base_model.model."),
    ]
    for (name, sentence) in strays {
      let changed = try ChangedDirectory("lora")
      try changed.changeTensors("adapter/adapter_model.safetensors") { $0[name] = .zeros([4, 64]) }
      let found = refusal(parts(changed.path))
      #expect(found.contains(sentence), "\(found)")
    }
    let resized = try ChangedDirectory("lora")
    try resized.changeTensors("adapter/adapter_model.safetensors") { tensors in
      tensors["base_model.model.model.embed_tokens.weight"] = .zeros([450, 64])
      tensors["base_model.model.lm_head.weight"] = .zeros([450, 64])
    }
    #expect(try CheckpointSource.parts(parts(resized.path)).open().configuration.vocabularySize == 450)
    let wrong = try ChangedDirectory("lora")
    try wrong.changeTensors("adapter/adapter_model.safetensors") { tensors in
      tensors["base_model.model.\(Self.query).lora_A.weight"] = .zeros([3, 64])
    }
    #expect(refusal(parts(wrong.path)).contains("expected [4, in] and [out, 4]"))
    #expect(refusal(ModelParts(llm: "\(wrong.path)/adapter")).contains("is a LoRA run; name its base with --llm"))
  }

  @Test("A merged checkpoint is written as it runs")
  func converted() throws {
    let out = NSTemporaryDirectory() + "vocoscope-merged-\(UInt64.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: out) }
    try PublishedParts(parts(fixture("families/lora"))).write(to: out)
    let trace = try Pipeline(opening: out, version: "test").trace(
      try FamilyCase.lora.picture(),
      Pipeline.Request(prompt: try FamilyCase.lora.text("prompt.txt"), options: GenerationOptions(maxNewTokens: 8)))
    let plain = try FamilyCase.lora.trace()
    expectClose(try #require(trace.language).logits, try #require(plain.language).logits, relativeToLargest: 1e-5)
    #expect(trace.generation?.tokenIDs == plain.generation?.tokenIDs)
  }
}
