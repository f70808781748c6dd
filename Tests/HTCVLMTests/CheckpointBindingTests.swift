import HTCVLM
import Tensor
import TestSupport
import Testing
import Trace
import WeightFormats

@Suite("Binding a checkpoint")
struct CheckpointBindingTests {
  @Test("Every parity checkpoint holds the expected tensors and no other", arguments: ParityCase.all)
  func expected(_ parity: ParityCase) throws {
    let directory = try CheckpointDirectory(path: parity.directory)
    let report = CheckpointReport(
      expected: try HTCVLMModel.expectedTensors(directory.configuration), found: directory.tensors)
    #expect(report.runnable)
    #expect(report.rows.filter { $0.status != .ok }.allSatisfy { $0.status == .optionalAbsent })
    #expect(!report.rows.contains { $0.status == .unexpected })
  }

  @Test("Each required tensor, left out, is named")
  func missing() throws {
    let configuration = try SyntheticModel.configuration()
    let tensors = try SyntheticModel.tensors(configuration)
    for expected in try HTCVLMModel.expectedTensors(configuration) where expected.required {
      var fewer = tensors
      fewer[expected.name] = nil
      #expect(throws: ModelError.missingTensor(name: expected.name, checkpoint: "synthetic")) {
        try SyntheticModel.model(configuration, tensors: fewer)
      }
    }
  }

  @Test("A run reads nothing but the required tensors")
  func requiredSuffice() throws {
    let configuration = try SyntheticModel.configuration(["tie_word_embeddings": true])
    let tensors = try SyntheticModel.tensors(configuration)
    let required = Set(try HTCVLMModel.expectedTensors(configuration).filter(\.required).map(\.name))
    #expect(!required.contains("lm_head.weight"))
    #expect(!required.contains { $0.contains("encoder.layers.1.") && $0.contains("vision_tower") })
    let model = try SyntheticModel.model(configuration, tensors: tensors.filter { required.contains($0.key) })
    let visual = try model.encode(SyntheticModel.picture())
    let cache = try model.compress(visual)
    let answer = try model.answer("is it", from: cache, options: GenerationOptions(maxNewTokens: 2))
    #expect(answer.logits.values.allSatisfy { $0.isFinite })
    #expect(try model.reconstruct(#require(visual.mgvq).codes).shape == [3, 32, 32])
  }

  @Test("Tied heads use the embeddings, whatever lm_head.weight holds")
  func tied() throws {
    let configuration = try SyntheticModel.configuration(["tie_word_embeddings": true])
    let tensors = try SyntheticModel.tensors(configuration)
    let model = try SyntheticModel.model(configuration, tensors: tensors)
    let cache = try model.compress(try model.encode(SyntheticModel.picture()))
    let answer = try model.answer("is it", from: cache, options: GenerationOptions(maxNewTokens: 1))
    let sequence = try model.sequence(cache.visual, text: answer.promptTokenIDs)
    let dense = DenseReference(configuration: configuration, tensors: tensors)
      .run(sequence.embeddings, allows: { sequence.allows(row: $0.row, column: $0.column) })
    expectClose(answer.logits, dense.logits[row: sequence.length - 1])
  }

  @Test("A tensor of another shape is named with both shapes")
  func wrongShape() throws {
    let configuration = try SyntheticModel.configuration()
    var tensors = try SyntheticModel.tensors(configuration)
    let name = "model.layers.1.mlp.up_proj.weight"
    tensors[name] = StoredTensor(name: name, tensor: .zeros([32, 48]))
    let error = #expect(throws: ModelError.self) { try SyntheticModel.model(configuration, tensors: tensors) }
    #expect(
      error?.description
        == "synthetic: the tensor \(name) has the shape [32, 48], the configuration calls for [48, 32]")
  }

  @Test("A weight of integers is named with its type")
  func wrongType() throws {
    let configuration = try SyntheticModel.configuration()
    var tensors = try SyntheticModel.tensors(configuration)
    tensors["model.norm.weight"] = StoredTensor(
      name: "model.norm.weight", shape: [32], integers: [Int32](repeating: 1, count: 32))
    let error = #expect(throws: ModelError.self) { try SyntheticModel.model(configuration, tensors: tensors) }
    #expect(error == .wrongType(name: "model.norm.weight", found: "I32", checkpoint: "synthetic"))
  }

  @Test("A vocabulary smaller than the tokenizer's is refused")
  func vocabulary() throws {
    let configuration = try SyntheticModel.configuration(["vocab_size": 300, "voco_token_id": 299])
    let error = #expect(throws: ModelError.self) { try SyntheticModel.model(configuration) }
    #expect(error == .configuration(key: "vocab_size", found: "300", expected: "at least the tokenizer's 420 pieces"))
  }

  @Test(
    "A layer of the tower counts from the front or from the back, and none may be run", arguments: [-3, -1, 0, 1, 2])
  func selectedLayer(_ layer: Int) throws {
    let tensors = try SyntheticModel.tensors(try SyntheticModel.configuration())
    func features(_ layer: Int) throws -> Tensor {
      let configuration = try SyntheticModel.configuration(["mm_vision_select_layer": layer])
      return try SyntheticModel.model(configuration, tensors: tensors).encode(SyntheticModel.picture()).vision.features
    }
    let selected = try features(layer)
    let twin = try features(layer < 0 ? layer + 3 : layer - 3)
    let other = try features(layer == 2 || layer == -1 ? 0 : 2)
    #expect(selected == twin)
    #expect(selected != other)
  }

  @Test("A tower without a norm before its blocks reads none")
  func noPreNorm() throws {
    let configuration = try SyntheticModel.configuration(vision: ["use_pre_layernorm": false])
    #expect(!(try HTCVLMModel.expectedTensors(configuration)).contains { $0.name.contains("pre_layrnorm") })
    let model = try SyntheticModel.model(configuration)
    #expect(try model.encode(SyntheticModel.picture()).vision.features.shape == [9, 16])
  }

  @Test("The memory estimate counts what the files and shapes say")
  func memory() throws {
    let directory = try CheckpointDirectory(path: ParityCase.causal.directory)
    let estimate = MemoryEstimate(configuration: directory.configuration, tensors: directory.tensors)
    #expect(estimate.mapped == directory.tensors.values.reduce(0) { $0 + $1.byteCount })
    // bos, 36 patches, two newlines, a voco and 64 of text; 3 layers, 2 heads of 16, keys and values.
    #expect(estimate.keyValues == (1 + 36 + 2 + 1 + 64) * 3 * 2 * 16 * 2 * 4)
    #expect(estimate.converted > 0 && estimate.activations > 0)
    #expect(estimate.total == estimate.mapped + estimate.converted + estimate.activations + estimate.keyValues)
  }

  @Test("As 8-bit integers, a matrix counts a byte an element and a scale a row, and nothing else changes")
  func memoryOfIntegers() throws {
    let directory = try CheckpointDirectory(path: ParityCase.causal.directory)
    let exact = MemoryEstimate(configuration: directory.configuration, tensors: directory.tensors)
    let int8 = MemoryEstimate(
      configuration: directory.configuration, tensors: directory.tensors, precision: .int8)
    // The tower's layers after the selected one are not run, so they stay as they are.
    let tower = (0..<directory.configuration.visionBlocks).map { ".vision_model.encoder.layers.\($0)." }
    let isMatrix = { (name: String) in
      name == "lm_head.weight" || (name.hasPrefix("model.layers.") && name.contains("_proj."))
        || (tower.contains { name.contains($0) } && name.hasSuffix(".weight") && !name.contains("norm"))
    }
    let saved = directory.tensors.filter { isMatrix($0.key) }.values.reduce(0) { sum, matrix in
      sum + matrix.byteCount - matrix.count - 4 * matrix.shape[0]
    }
    #expect(saved > 0 && exact.mapped - int8.mapped == saved)
    #expect(int8.resident == exact.resident)
  }

  @Test("One voco token of a 7B model in 16 bits holds half a mebibyte, 580 hold 290")
  func keyValues() throws {
    let configuration = try SyntheticModel.configuration([
      "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32,
    ])
    #expect(configuration.keyValueBytes(rows: 1, bytesPerElement: 2) == 1 << 19)
    #expect(configuration.keyValueBytes(rows: 580, bytesPerElement: 2) == 290 << 20)
  }
}
