import Foundation
import HTCVLM
import Safetensors
import Tensor
import TestSupport
import Testing
import Trace
import WeightFormats

@Suite("A checkpoint that takes parts from another")
struct TwinTests {
  /// Beside the fixture `whole`, a directory `twin` with the tensors of its decoder and projectors alone, and its
  /// `config.json` with `changes`; nil takes a key away.
  private func twin(_ changes: [String: Any?] = [:], base: [String: Any] = [:], _ body: (String) throws -> Void) throws
  {
    let files = FileManager.default
    let root = NSTemporaryDirectory() + "vocoscope-twin-\(UInt64.random(in: 0 ... .max))"
    defer { try? files.removeItem(atPath: root) }
    try files.createDirectory(atPath: "\(root)/twin", withIntermediateDirectories: true)
    try files.copyItem(atPath: ParityCase.star.directory, toPath: "\(root)/whole")
    try write(base, of: "\(root)/whole", to: "\(root)/whole")
    try write(["base_model_name_or_path": "../whole"].merging(changes) { $1 }, of: "\(root)/whole", to: "\(root)/twin")
    let own = try WeightFiles(directory: "\(root)/whole").tensors.filter { !Self.isShared($0.key) }
    try SafetensorsWriter.write(
      streaming: own.values.map { SafetensorsDescription($0.name, $0.dtype, $0.shape) }, metadata: [:],
      to: "\(root)/twin/model.safetensors"
    ) { description, append in
      try own[description.name]?.withUnsafeBytes(append)
    }
    try body(root)
  }

  private static func isShared(_ name: String) -> Bool {
    name.hasPrefix("model.vision_tower.") || name.hasPrefix("model.mgvq.")
  }

  private func write(_ changes: [String: Any?], of source: String, to directory: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(source)/config.json"))
    let found = try JSONSerialization.jsonObject(with: data)
    var document = try #require(found as? [String: Any])
    for (key, value) in changes { document[key] = value }
    try JSONSerialization.data(withJSONObject: document).write(to: URL(fileURLWithPath: "\(directory)/config.json"))
  }

  @Test("It runs as the whole one does, with tower, quantizer, tokenizer and picture steps of that one")
  func runs() throws {
    try twin { root in
      let (whole, twin) = try (CheckpointDirectory(path: "\(root)/whole"), CheckpointDirectory(path: "\(root)/twin"))
      #expect(Set(twin.tensors.keys) == Set(whole.tensors.keys) && whole.base == nil)
      #expect(twin.base == "\(root)/twin/../whole" && twin.tokenizerPath.hasPrefix(twin.base ?? "?"))
      #expect(try twin.preprocessor == CheckpointDirectory(path: "\(root)/twin/../whole").preprocessor)
      let picture = try ParityCase.star.picture()
      let traces = try ["whole", "twin"].map { name in
        try Pipeline(opening: "\(root)/\(name)", version: "test").trace(picture, .init(prompt: "what is it"))
      }
      #expect(traces[0].generation?.text == traces[1].generation?.text)
      #expect(traces[0].provenance.weightsSHA256 != traces[1].provenance.weightsSHA256)
    }
  }

  @Test("Its weights' digest covers the whole one's: what a run reads of either changes it")
  func digest() throws {
    try twin { root in
      let before = try CheckpointDirectory(path: "\(root)/twin").weightsSHA256
      let other = try WeightFiles(directory: "\(root)/whole").tensors
      try SafetensorsWriter.write(
        streaming: other.values.map { SafetensorsDescription($0.name, $0.dtype, $0.shape) }, metadata: ["a": "b"],
        to: "\(root)/whole/model.safetensors"
      ) { description, append in
        try other[description.name]?.withUnsafeBytes(append)
      }
      #expect(try CheckpointDirectory(path: "\(root)/twin").weightsSHA256 != before)
    }
  }

  @Test("Without anchors it takes no quantizer")
  func withoutAnchors() throws {
    let changes: [String: Any?] = [
      "num_anchor_tokens": 0, "mgvq_config": nil, "sequence": ["bos", "patches", "voco", "text"],
    ]
    try twin(changes) { root in
      let twin = try CheckpointDirectory(path: "\(root)/twin")
      #expect(!twin.tensors.keys.contains { $0.hasPrefix("model.mgvq.") })
      #expect(twin.tensors.keys.contains { $0.hasPrefix("model.vision_tower.") })
    }
  }

  @Test("A tensor of its own is never replaced, and a part of which it has some is not completed")
  func own() throws {
    try twin { root in
      let files = try WeightFiles(directory: "\(root)/whole").tensors
      let tower = try #require(files.values.first { $0.name.hasPrefix("model.vision_tower.") })
      try FileManager.default.removeItem(atPath: "\(root)/twin/model.safetensors")
      let own = files.filter { !Self.isShared($0.key) || $0.key == tower.name }
      try SafetensorsWriter.write(
        streaming: own.values.map { SafetensorsDescription($0.name, $0.dtype, $0.shape) }, metadata: [:],
        to: "\(root)/twin/model.safetensors"
      ) { description, append in
        try own[description.name]?.withUnsafeBytes(append)
      }
      let twin = try CheckpointDirectory(path: "\(root)/twin")
      #expect(twin.tensors.keys.filter { $0.hasPrefix("model.vision_tower.") } == [tower.name])
    }
  }

  @Test("What cannot be taken is said with its file and key")
  func faults() throws {
    func fault(_ changes: [String: Any?], base: [String: Any] = [:]) throws -> String {
      var said = ""
      try twin(changes, base: base) { root in
        do { _ = try CheckpointDirectory(path: "\(root)/twin") } catch { said = "\(error)" }
      }
      return said
    }
    let missing = try fault(["base_model_name_or_path": "../nowhere"])
    #expect(missing.contains("twin/config.json: base_model_name_or_path is \"../nowhere\"; expected a checkpoint's"))
    #expect(try fault(["base_model_name_or_path": 7]).contains("base_model_name_or_path is 7; expected a string"))
    #expect(try fault(["base_model_name_or_path": ""]).contains("expected a checkpoint's directory"))
    // Itself, too.
    let chain = try fault(["base_model_name_or_path": "."])
    #expect(chain.contains("base_model_name_or_path is \".\"; expected no such key") && chain.contains("whole"))
    #expect(try fault([:], base: ["base_model_name_or_path": "../other"]).contains("whole/config.json"))
    var vision = try #require(try Self.section("vision_config"))
    vision["layer_norm_eps"] = 0.5
    let differs = try fault(["vision_config": vision])
    #expect(differs.contains("twin/config.json: vision_config is an object") && differs.contains("the same as in"))
  }

  private static func section(_ key: String) throws -> [String: Any]? {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(ParityCase.star.directory)/config.json"))
    return (try JSONSerialization.jsonObject(with: data) as? [String: Any])?[key] as? [String: Any]
  }

  @Test("Compared with the whole one, the parts that it takes are equal, not missing")
  func compared() throws {
    try twin { root in
      let pair = try ComparableWeights.pair("\(root)/whole", "\(root)/twin")
      #expect(Set(pair.first.keys) == Set(pair.second.keys))
    }
  }
}
