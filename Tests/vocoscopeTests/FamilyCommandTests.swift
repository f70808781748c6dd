import Foundation
import TestSupport
import Testing

/// Every command on models as people have them: none has anchors or a quantizer, and only one has `<voco>`.
@Suite("Commands on every family")
struct FamilyCommandTests {
  struct Family: Sendable, CustomTestStringConvertible {
    let name: String
    /// Below the fixtures of the model's tests.
    let llm: String
    var vision: String?
    var adapter: String?
    /// Written beside a copy.
    var addedTokens: String?
    var hasVoco: Bool { addedTokens != nil }
    var testDescription: String { name }

    /// The model's options, for a copy in `folder`.
    func options(in folder: TemporaryFolder) throws -> [String] {
      let root = FamilyCommandTests.fixtures
      var directory = "\(root)/\(llm)"
      if let addedTokens {
        directory = folder.path("model")
        try FileManager.default.copyItem(atPath: "\(root)/\(llm)", toPath: directory)
        _ = try folder.write(addedTokens, as: "model/added_tokens.json")
      }
      return ["--llm", directory] + (vision.map { ["--vision", "\(root)/\($0)"] } ?? [])
        + (adapter.map { ["--adapter", "\(root)/\($0)"] } ?? [])
    }
  }

  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("HTCVLMTests/Fixtures").path
  static let families = [
    Family(name: "transformers' layout", llm: "families/hf"),
    Family(name: "saved by transformers 5, tokenizer.json alone", llm: "saved/plain"),
    Family(name: "CLS kept", llm: "saved/full"),
    Family(name: "LLaVA's layout", llm: "families/original", vision: "families/original/vision"),
    Family(name: "shards of .bin", llm: "families/bin", vision: "families/bin/vision"),
    Family(
      name: "a LoRA run", llm: "families/lora/base", vision: "families/lora/vision", adapter: "families/lora/adapter"),
    Family(
      name: "VoCo-LLaMA", llm: "families/original", vision: "families/original/vision",
      addedTokens: #"{"[PAD]": 420, "<voco>": 421}"#),
  ]

  private static var image: String { "\(fixtures)/families/original/image.png" }
  private static var donor: String { "\(fixtures)/families/hf/image.png" }

  private func gives(_ arguments: [String], _ part: String = "") throws {
    let result = try Program.run(arguments)
    #expect(
      result.status == 0 && (part.isEmpty || result.output.contains(part)),
      "\(arguments): \(result.errors)\(result.output.prefix(200))")
  }

  /// One sentence that has `part` in it, and no result.
  private func refuses(_ arguments: [String], _ part: String) throws {
    let result = try Program.run(arguments)
    let lines = result.errors.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("vocoscope: ") }
    #expect(
      result.status == 1 && lines.count == 1 && lines[0].contains(part),
      "\(arguments): \(result.status) \(result.errors)")
  }

  @Test("Each run of one picture gives a result, or one sentence", arguments: families)
  func onePicture(family: Family) throws {
    let folder = try TemporaryFolder()
    let model = try family.options(in: folder)
    let run = model + ["--max-new-tokens", "2"]
    try gives([Self.image, "--plain"] + run, "Checkpoint")
    try gives(["ask", Self.image, "what is it?"] + run, "full")
    let fromVoco = ["ask", Self.image, "what is it?", "--from", "voco"] + run
    try family.hasVoco ? gives(fromVoco) : refuses(fromVoco, "without <voco>")
    try gives(["report", Self.image, "--format", "json"] + run, "{")
    try gives(["report", Self.image, "--lens"] + run, "lens")
    try gives(["report", Self.image, "--answer-back"] + run, "from the answer back")
    try gives(["report", Self.image, "--trace-map", "--donor", Self.donor] + run, "restoration")
    try gives(["report", Self.image, "--export", folder.path("all.npz")] + run)
    try refuses(["report", Self.image, "--export", folder.path("a.png"), "--panel", "anchors"] + run, "no anchors")
    let trace = folder.path("run.safetensors")
    try gives(["trace", Self.image, "--out", trace] + run)
    try gives(["report", trace], "Attention")
  }

  @Test(
    "Each run over many pictures, and of the checkpoint alone, gives a result, or one sentence", arguments: families)
  func others(family: Family) throws {
    let folder = try TemporaryFolder()
    let model = try family.options(in: folder)
    try refuses(["verify", Self.image, Self.donor] + model, "no anchors")
    try refuses(["codebook"] + model, "without a quantizer")
    try refuses(["codebook", Self.image] + model, "without a quantizer")
    for label in ["a", "b"] {
      try FileManager.default.createDirectory(
        atPath: folder.path("labels/\(label)"), withIntermediateDirectories: true)
      for number in 1...3 {
        try FileManager.default.copyItem(
          atPath: label == "a" ? Self.image : Self.donor, toPath: folder.path("labels/\(label)/\(number).png"))
      }
    }
    try gives(["probe", folder.path("labels")] + model, "mean patch")
    let questions = try folder.write(
      #"{"question_id": 1, "image": "1.png", "text": "what is it?", "answer": "a cat"}"# + "\n", as: "questions.jsonl")
    let eval = ["eval", questions, "--images", folder.path("labels/a"), "--max-new-tokens", "2"] + model
    try gives(eval, "1 question")
    try refuses(eval + ["--cut", "anchors"], "no anchors to cut")
    try gives(["check"] + model, "this checkpoint runs")
    try gives(["diff", model[1], model[1]], "equal")
    let converted = folder.path("converted")
    try gives(["convert", "--out", converted] + model, "this checkpoint runs")
    try gives(["ask", Self.image, "what is it?", "--model", converted, "--max-new-tokens", "2"], "full")
  }
}
