import Foundation
import HTCVLM
import Safetensors
import Tensor
import TestSupport
import Testing
import Tokenization
import Trace

@Suite("Published layouts")
struct FamilyTests {
  @Test("Token ids are equal; patches, attention and logits agree with transformers", arguments: FamilyCase.all)
  func parity(_ family: FamilyCase) throws {
    let (trace, expected) = (try family.trace(), try family.expected())
    func tensor(_ name: String) throws -> Tensor { try #require(expected[name], "\(name)").float32() }
    #expect(trace.sequence?.tokenIDs == expected["sequence.token_ids"]?.int32())
    expectClose(try #require(trace.vision).patches, try tensor("patches"), "patches")
    let language = try #require(trace.language)
    expectClose(language.attentionLast, try tensor("attention.last"), "attention.last")
    expectClose(language.logits, try tensor("logits"), "logits")
    #expect(trace.generation?.tokenIDs == expected["generated.token_ids"]?.int32())
    // One 8-bit step, over the smallest of CLIP's deviations.
    let (pixels, wanted) = (try #require(trace.vision).pixelValues, try tensor("vision.pixel_values"))
    #expect(pixels.shape == wanted.shape)
    #expect(zip(pixels.values, wanted.values).allSatisfy { abs($0 - $1) <= 1.001 / 255 / 0.261 })
  }

  @Test("A LLaVA's inspected token is the last of the prompt, its answer is that from everything, and it has no codes")
  func withoutVoco() throws {
    let trace = try FamilyCase.transformers.trace()
    #expect(trace.model.vocoTokens == 0 && trace.model.anchors == 0 && trace.mgvq == nil && trace.anchors == nil)
    let language = try #require(trace.language)
    let sequence = try #require(trace.sequence)
    #expect(language.attentionVoco == language.attentionLast)
    #expect(sequence.inspectedPosition == sequence.length - 1)
    #expect(sequence.spans.map(\.kind) == [.bos, .text, .patches, .text])
    #expect(sequence.allows(row: sequence.length - 1, column: 0) && !sequence.allows(row: 0, column: 1))
    #expect(language.hiddenVoco.shape == [trace.model.layers + 1, trace.model.hiddenSize])
    #expect(try #require(language.valueNorms).values.allSatisfy { $0 > 0 })

    let pipeline = try Pipeline(opening: FamilyCase.transformers.source, version: "test")
    let cache = try pipeline.cache(try FamilyCase.transformers.picture())
    let prompt = try FamilyCase.transformers.text("prompt.txt")
    let options = GenerationOptions(maxNewTokens: 8)
    let answer = try pipeline.model.answer(prompt, from: cache, source: .full, options: options)
    #expect(answer.tokenIDs == trace.generation?.tokenIDs)
    #expect(
      try pipeline.model.answer(prompt, from: cache, source: VisualSource.none, options: options).logits
        != answer.logits)
    #expect(throws: ModelError.noVoco(family: .llava)) {
      try pipeline.model.answer(prompt, from: cache, source: .voco, options: options)
    }
  }

  @Test("A LLaVA's trace reopens as it was written, with nothing of voco in the file")
  func traceFile() throws {
    let path = NSTemporaryDirectory() + "vocoscope-llava-\(UInt64.random(in: 0 ... .max)).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    var trace = try FamilyCase.original.trace()
    try TraceFile.write(trace, to: path)
    let names = try SafetensorsFile(path: path).tensors.keys
    #expect(!names.contains { $0.hasSuffix(".voco") || $0.hasPrefix("mgvq") } && names.contains("hidden.last"))
    trace.generation?.probabilities = []
    #expect(try TraceFile.read(path: path) == trace)
  }

  @Test("Names of transformers 5 and of a tower without its root mean the same tensors")
  func newNames() throws {
    let changed = try ChangedDirectory("hf")
    try changed.changeTensors("model.safetensors") { tensors in
      tensors = Dictionary(
        uniqueKeysWithValues: tensors.map { name, tensor in
          let own = name.replacingOccurrences(of: "language_model.model.", with: "model.language_model.")
            .replacingOccurrences(of: "language_model.lm_head.", with: "lm_head.")
          let isPart = own.hasPrefix("vision_tower.") || own.hasPrefix("multi_modal_projector.")
          return (
            isPart ? "model.\(own.replacingOccurrences(of: "vision_tower.", with: "vision_tower.vision_model."))" : own,
            tensor
          )
        })
    }
    let plain = try FamilyCase.transformers.trace()
    let renamed = try Pipeline(opening: .directory(changed.path), version: "test").trace(
      try FamilyCase.transformers.picture(),
      Pipeline.Request(prompt: plain.provenance.prompt, options: GenerationOptions(maxNewTokens: 8)))
    #expect(renamed.language == plain.language)
  }

  @Test("Two spellings of one tensor are refused with both")
  func twoSpellings() throws {
    let changed = try ChangedDirectory()
    try changed.changeTensors("vision/model.safetensors") { tensors in
      tensors["pre_layrnorm.weight"] = tensors["vision_model.pre_layrnorm.weight"]
    }
    let sentence = refusal(changed.parts)
    #expect(
      sentence.contains("vision_model.pre_layrnorm.weight is the same tensor as pre_layrnorm.weight"), "\(sentence)")
  }

  @Test("A tower among the decoder's tensors wins over the one beside them")
  func trainedTower() throws {
    let changed = try ChangedDirectory()
    try changed.moveTowerInside()
    try changed.changeTensors("vision/model.safetensors") { tensors in
      tensors["vision_model.pre_layrnorm.weight"] = .zeros([32])
    }
    let picture = try FamilyCase.original.picture()
    let patches = try Pipeline(opening: .parts(changed.parts), version: "test").encoding(picture).vision.patches
    #expect(patches == (try FamilyCase.original.trace()).vision?.patches)
  }

  @Test("A projector by itself replaces the base's")
  func projectorAlone() throws {
    let changed = try ChangedDirectory("lora")
    let base = try CheckpointSource.parts(
      ModelParts(llm: "\(changed.path)/base", vision: "\(changed.path)/vision")
    ).open()
    try FileManager.default.moveItem(
      atPath: "\(changed.path)/adapter/non_lora_trainables.bin", toPath: "\(changed.path)/adapter/mm_projector.bin")
    for name in ["adapter_config.json", "adapter_model.safetensors"] {
      try FileManager.default.removeItem(atPath: "\(changed.path)/adapter/\(name)")
    }
    let parts = ModelParts(
      llm: "\(changed.path)/base", vision: "\(changed.path)/vision", adapter: "\(changed.path)/adapter")
    let open = try CheckpointSource.parts(parts).open()
    let name = "model.mm_projector.0.weight"
    #expect(open.tensors[name]?.float32() != base.tensors[name]?.float32())
    #expect(open.tensors["lm_head.weight"]?.float32() == base.tensors["lm_head.weight"]?.float32())
    #expect(refusal(ModelParts(llm: "\(changed.path)/adapter")).contains("name the decoder with --llm"))
  }

  @Test(
    "mm_use_im_start_end puts the two tokens around the picture, and the newline behind them as LLaVA's tokenizer has it",
    arguments: [true, false])
  func delimiters(isLegacy: Bool) throws {
    let changed = try ChangedDirectory()
    try changed.change("config.json", ["mm_use_im_start_end": true, "mm_vision_select_feature": "cls_patch"])
    try changed.write(#"{"<im_start>": 420, "<im_end>": 421}"#, to: "added_tokens.json")
    try changed.write(#"{"legacy": \#(isLegacy)}"#, to: "tokenizer_config.json")
    let trace = try Pipeline(opening: .parts(changed.parts), version: "test").trace(
      try FamilyCase.original.picture(),
      Pipeline.Request(prompt: "what is left?", options: GenerationOptions(maxNewTokens: 1)))
    let ids = try #require(trace.sequence).tokenIDs
    // What LlamaTokenizer of transformers 4.37.2 makes of "<im_end>\nwhat is left? ASSISTANT:".
    let behind: [Int32] = (isLegacy ? [421, 387] : [387, 421]) + [13, 400, 292, 275, 355, 313, 66, 370, 336, 335, 61]
    #expect(Array(ids.suffix(behind.count)) == behind)
    // CLS and 25 patches; before them "… USER: <im_start>".
    let visual = [Int32](repeating: -1, count: 26)
    #expect(Array(ids.dropLast(behind.count).suffix(28)) == [387, 420] + visual && ids.first == 1)
    #expect(trace.sequence?.spans.map(\.kind) == [.bos, .text, .cls, .patches, .text])
  }

  @Test("A CLIP configuration holds what differs from the class's defaults, in one section, or in two that agree")
  func clipConfigurations() throws {
    let changed = try ChangedDirectory()
    let url = URL(fileURLWithPath: "\(changed.path)/vision/config.json")
    let whole = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
    let section = whole["vision_config"] as? [String: Any] ?? whole
    let plain = try CheckpointSource.parts(changed.parts).open().configuration.vision
    func vision(_ document: [String: Any]) throws -> VisionConfiguration {
      try JSONSerialization.data(withJSONObject: document).write(to: url)
      return try CheckpointSource.parts(changed.parts).open().configuration.vision
    }
    // What the class would have said by itself.
    let own = section.filter { !["hidden_act", "layer_norm_eps"].contains($0.key) }
    #expect(try vision(own) == plain)
    #expect(try vision(["model_type": "clip", "vision_config": own]) == plain)
    #expect(try vision(["model_type": "clip", "vision_config_dict": own]) == plain)
    #expect(try vision(["model_type": "clip", "vision_config": own, "vision_config_dict": section]) == plain)
    var other = section
    other["num_attention_heads"] = 1
    let error = #expect(throws: CheckpointError.self) {
      try vision(["model_type": "clip", "vision_config": own, "vision_config_dict": other])
    }
    #expect(error?.description.contains("vision_config_dict.num_attention_heads is 1; expected ") == true)
  }

  @Test("What a layout cannot be read as is refused by name")
  func refusals() throws {
    let cases: [(file: String, keys: [String: Any], sentence: String)] = [
      ("config.json", ["image_aspect_ratio": "anyres"], "image_aspect_ratio is \"anyres\""),
      ("config.json", ["mm_use_im_start_end": true], "<im_start> in added_tokens.json"),
      ("config.json", ["mm_vision_select_feature": "cls"], "mm_vision_select_feature is \"cls\""),
      ("config.json", ["mm_projector_type": "mlp2x_relu"], "mm_projector_type is \"mlp2x_relu\""),
    ]
    for (file, keys, sentence) in cases {
      let changed = try ChangedDirectory()
      try changed.change(file, keys)
      let found = refusal(changed.parts)
      #expect(found.contains(sentence), "\(found)")
    }
    let untold = try ChangedDirectory()
    let missing = refusal(ModelParts(llm: untold.path))
    #expect(
      missing.contains("openai/clip-vit-large-patch14-336") && missing.contains("Hugging Face cache"), "\(missing)")
  }
}
