import Foundation
import HTCVLM
import ImageLoading
import Safetensors
import Tensor
import TestSupport
import Testing
import Trace

/// A small random LLaVA in one of the published layouts, and what transformers' `LlavaForConditionalGeneration` computes
/// from it in float32.
struct FamilyCase: Sendable, CustomTestStringConvertible {
  let name: String
  let source: CheckpointSource

  static let transformers = FamilyCase(name: "hf", source: .directory(fixture("families/hf")))
  static let original = FamilyCase(
    name: "original",
    source: .parts(ModelParts(llm: fixture("families/original"), vision: fixture("families/original/vision"))))
  static let lora = FamilyCase(
    name: "lora",
    source: .parts(
      ModelParts(
        llm: fixture("families/lora/base"), vision: fixture("families/lora/vision"),
        adapter: fixture("families/lora/adapter"))))
  static let all = [
    transformers, original,
    FamilyCase(
      name: "bin", source: .parts(ModelParts(llm: fixture("families/bin"), vision: fixture("families/bin/vision")))),
    lora,
  ]

  var testDescription: String { name }
  var directory: String { fixture("families/\(name)") }

  func text(_ file: String) throws -> String {
    try String(contentsOfFile: "\(directory)/\(file)", encoding: .utf8)
  }

  func expected() throws -> [String: StoredTensor] {
    try SafetensorsFile(path: "\(directory)/expected.safetensors").tensors
  }

  func picture() throws -> PictureSource {
    let decoded = try ImageDecoder.decode(path: "\(directory)/image.png")
    return PictureSource(image: decoded.image, name: "image.png", sha256: decoded.fileSHA256)
  }

  func trace() throws -> Trace {
    try Pipeline(opening: source, version: "test").trace(
      try picture(), Pipeline.Request(prompt: try text("prompt.txt"), options: GenerationOptions(maxNewTokens: 8)))
  }
}

/// A directory of published weights to change: the files of `families/original`, its tower where the caller wants it.
final class ChangedDirectory {
  let path: String
  private let files = FileManager.default

  /// Copies the fixture `name`.
  init(_ name: String = "original") throws {
    path = NSTemporaryDirectory() + "vocoscope-family-\(UInt64.random(in: 0 ... .max))"
    try files.copyItem(atPath: fixture("families/\(name)"), toPath: path)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to file: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(file)"))
  }

  /// Sets keys of a JSON file.
  func change(_ file: String, _ keys: [String: Any]) throws {
    let url = URL(fileURLWithPath: "\(path)/\(file)")
    var document = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any] ?? [:]
    document.merge(keys) { $1 }
    try JSONSerialization.data(withJSONObject: document).write(to: url)
  }

  /// Writes the tensors of `file` again as `body` leaves them.
  func changeTensors(_ file: String, _ body: (inout [String: Tensor]) throws -> Void) throws {
    var tensors = try SafetensorsFile(path: "\(path)/\(file)").tensors.mapValues { $0.float32() }
    try body(&tensors)
    try SafetensorsWriter.write(
      tensors.map { SafetensorsEntry($0.key, $0.value) }, metadata: [:], to: "\(path)/\(file)")
  }

  /// Puts the tower of `vision` among the decoder's tensors, as training code that trains it does.
  func moveTowerInside() throws {
    let tower = try SafetensorsFile(path: "\(path)/vision/model.safetensors").tensors
    try changeTensors("model.safetensors") { tensors in
      for (name, tensor) in tower { tensors["model.vision_tower.vision_tower.\(name)"] = tensor.float32() }
    }
  }

  var parts: ModelParts { ModelParts(llm: path, vision: "\(path)/vision") }
}

/// The sentence that opening `source` fails with.
func refusal(_ parts: ModelParts, sourceLocation: SourceLocation = #_sourceLocation) -> String {
  do {
    let checkpoint = try CheckpointSource.parts(parts).open()
    _ = try HTCVLMModel(directory: checkpoint)
    Issue.record("it opens", sourceLocation: sourceLocation)
    return ""
  } catch {
    return "\(error)"
  }
}
