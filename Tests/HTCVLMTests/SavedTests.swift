import Foundation
import HTCVLM
import Safetensors
import Tensor
import TestSupport
import Testing
import Trace

/// What the `save_pretrained` of today's transformers and peft leaves, as `Fixtures/saved/make_saved.py` recorded it.
@Suite("Directories that transformers and peft save")
struct SavedTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let adapter: String?
    /// Whether CLS is a visual token.
    let keepsCLS: Bool
    var testDescription: String { adapter ?? name }

    var parts: ModelParts {
      ModelParts(llm: fixture("saved/\(name)"), adapter: adapter.map { fixture("saved/\($0)") })
    }
    func expected() throws -> [String: StoredTensor] {
      try SafetensorsFile(path: fixture("saved/\(testDescription)/expected.safetensors")).tensors
    }
    func trace() throws -> Trace {
      let prompt = try String(contentsOfFile: fixture("saved/prompt.txt"), encoding: .utf8)
      return try Pipeline(opening: .parts(parts), version: "test").trace(
        try PictureSource(path: fixture("saved/image.png")),
        Pipeline.Request(prompt: prompt, options: GenerationOptions(maxNewTokens: 6)))
    }
  }

  static let cases = [
    Case(name: "plain", adapter: nil, keepsCLS: false), Case(name: "full", adapter: nil, keepsCLS: true),
    Case(name: "plain", adapter: "adapter", keepsCLS: false),
  ]

  @Test(
    "Tokens and the continuation are equal; visual tokens, attention and logits agree with PyTorch", arguments: cases)
  func parity(_ saved: Case) throws {
    let (trace, expected) = (try saved.trace(), try saved.expected())
    func tensor(_ name: String) throws -> Tensor { try #require(expected[name], "\(name)").float32() }
    let sequence = try #require(trace.sequence)
    #expect(sequence.tokenIDs == expected["sequence.token_ids"]?.int32())
    #expect(sequence.spans.map(\.kind) == [.bos, .text] + (saved.keepsCLS ? [.cls] : []) + [.patches, .text])
    let visual = try tensor("visual")
    let start = try #require(sequence.tokenIDs.firstIndex(of: -1))
    expectClose(sequence.embeddings[rows: start..<start + visual.shape[0]], visual, "visual")
    expectClose(try #require(trace.vision).pixelValues, try tensor("vision.pixel_values"), "pixel values")
    let language = try #require(trace.language)
    expectClose(language.attentionLast, try tensor("attention.last"), "attention.last")
    expectClose(language.logits, try tensor("logits"), "logits")
    #expect(trace.generation?.tokenIDs == expected["generated.token_ids"]?.int32())
    #expect(trace.model.untrainedParts.isEmpty)
  }

  @Test("CLS is a visual token beside the grid: the trace reopens, and without a picture it is not seen")
  func classToken() throws {
    let saved = Self.cases[1]
    var trace = try saved.trace()
    #expect(trace.vision?.patches.shape == [16, 32] && trace.vision?.features.shape == [16, 32])
    #expect(trace.sequence?.pieces.filter { $0 == "CLS" }.count == 1)
    let folder = try TemporaryFolder()
    try TraceFile.write(trace, to: folder.path("x.safetensors"))
    trace.generation?.probabilities = []
    #expect(try TraceFile.read(path: folder.path("x.safetensors")) == trace)
    let pipeline = try Pipeline(opening: .parts(saved.parts), version: "test")
    let cache = try pipeline.cache(try PictureSource(path: fixture("saved/image.png")))
    let blind = try pipeline.model.conversation(on: cache, source: VisualSource.none)
    let all = try pipeline.model.conversation(on: cache, source: .full)
    #expect(all.rows - blind.rows == 17)
  }

  @Test("Layers and strategies of the picture's features that there are not are refused by name")
  func refusals() throws {
    let cases: [(keys: [String: Any], sentence: String)] = [
      (["vision_feature_select_strategy": "cls"], "vision_feature_select_strategy is \"cls\""),
      (["vision_feature_layer": []], "mm_vision_select_layer"), (["vision_feature_layer": [-2, 9]], "is 9"),
      (["vision_feature_layer": "last"], "mm_vision_select_layer is \"last\""),
    ]
    for (keys, sentence) in cases {
      let changed = try ChangedDirectory("../saved/plain")
      try changed.change("config.json", keys)
      let found = refusal(ModelParts(llm: changed.path))
      #expect(found.contains(sentence), "\(found)")
    }
    // One layer too few for the projector.
    let changed = try ChangedDirectory("../saved/full")
    try changed.change("config.json", ["vision_feature_layer": -1])
    let found = refusal(ModelParts(llm: changed.path))
    #expect(found.contains("model.mm_projector.0.weight") && found.contains("[32, 32]"), "\(found)")
  }
}
