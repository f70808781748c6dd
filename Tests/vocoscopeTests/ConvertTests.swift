import Foundation
import Safetensors
import Tensor
import TerminalUI
import TestSupport
import Testing
import WeightFormats

@Suite("Published parts")
struct ConvertTests {
  /// Parts that torch and transformers wrote, and the checkpoint that they make.
  private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("WeightFormatsTests/Fixtures/pytorch").path

  private func convert(_ out: String, llm: String = fixtures + "/llm", _ more: [String] = []) throws -> Program.Result {
    try Program.run(
      [
        "convert", "--llm", llm, "--vision", Self.fixtures + "/vision", "--mgvq", Self.fixtures + "/mgvq.pt", "--out",
        out,
      ]
        + more)
  }

  /// Numbers of a report that depend on every part.
  private func attention(_ model: String) throws -> [Substring] {
    let result = try Program.run(
      ["report", ParityCase.image, "--model", model, "--max-new-tokens", "4", "--format", "csv"])
    #expect(result.status == 0, "\(result.errors)")
    return result.output.split(whereSeparator: \.isNewline).filter {
      $0.hasPrefix("attention,") || $0.hasPrefix("anchors,")
    }
  }

  @Test("PyTorch shards, a CLIP directory and an MGVQ state dict run like the one checkpoint that they make")
  func whole() throws {
    let folder = try TemporaryFolder()
    let out = folder.path("converted")
    let result = try convert(out)
    #expect(result.status == 0 && result.output.contains("this checkpoint runs"), "\(result.errors)")
    #expect(!result.output.contains("untrained"))
    #expect(folder.contents == ["converted"])
    let names = ["config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.model"]
    #expect(try FileManager.default.contentsOfDirectory(atPath: out).sorted() == names)
    let numbers = try attention(out)
    #expect(numbers.count > 10)
    #expect(try numbers == attention(Self.fixtures + "/whole"))

    let again = try convert(out)
    #expect(again.status == 1 && again.errors.contains("converted: is there already"), "\(again.errors)")
  }

  /// The parts where `--model` would stand.
  private func parts(llm: String = fixtures + "/llm") -> [String] {
    ["--llm", llm, "--vision", Self.fixtures + "/vision", "--mgvq", Self.fixtures + "/mgvq.pt"]
  }

  @Test("Parts run where a checkpoint does, with the same numbers, and say int8 when they are held so")
  func unconverted() throws {
    let result = try Program.run(
      ["report", ParityCase.image] + parts() + ["--max-new-tokens", "4", "--format", "csv"])
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(whereSeparator: \.isNewline).filter {
      $0.hasPrefix("attention,") || $0.hasPrefix("anchors,")
    }
    #expect(try lines == attention(Self.fixtures + "/whole"))

    #expect(try Program.run(["check"] + parts()).output.contains("this checkpoint runs"))
    #expect(try Program.run(["codebook"] + parts()).status == 0)
    let incomplete = try Program.run(["report", ParityCase.image, "--llm", Self.fixtures + "/llm"])
    #expect(
      incomplete.status == 1 && incomplete.errors.contains("its quantizer is needed: --mgvq"), "\(incomplete.errors)")
    let both = try Program.run(["report", ParityCase.image, "--model", Self.fixtures + "/whole"] + parts())
    #expect(both.status == 2 && both.errors.contains("one or the other"), "\(both.errors)")
  }

  @Test("The header says int8 on a wide and on a narrow screen")
  func header() throws {
    let folder = try TemporaryFolder()
    // The integers are kept beside the weights, and fixtures stay as they are.
    let model = folder.path("model")
    try FileManager.default.copyItem(atPath: ParityCase.directory, toPath: model)
    for width in [160, 80] {
      let screen = try Program.open(
        [ParityCase.image, "--model", model, "--max-new-tokens", "2", "--precision", "int8"],
        size: Size(width: width, height: 24))
      #expect(screen.wait(until: { $0.text.prefix(2 * width).contains("int8") }), "\(screen.terminal.text)")
      screen.send("q")
      _ = screen.waitForExit()
    }
  }

  /// A copy of the LLaVA directory whose index and shards lack the anchor projector.
  private func withoutAnchors(_ folder: TemporaryFolder) throws -> String {
    let llm = folder.path("llm")
    try FileManager.default.createDirectory(atPath: llm, withIntermediateDirectories: true)
    for name in ["config.json", "tokenizer.model", "added_tokens.json", "model.safetensors"] {
      try FileManager.default.copyItem(atPath: "\(Self.fixtures)/no-anchors/\(name)", toPath: "\(llm)/\(name)")
    }
    return llm
  }

  @Test("A missing anchor projector is named, and its random substitute is labelled wherever it is used")
  func substitute() throws {
    let folder = try TemporaryFolder()
    let llm = try withoutAnchors(folder)
    let refused = try convert(folder.path("a"), llm: llm)
    #expect(
      refused.status == 1 && refused.errors.contains("anchor_projector.fc1.weight is missing"), "\(refused.errors)")
    #expect(refused.errors.contains("--random-anchor-projector"))

    let out = folder.path("b")
    let result = try convert(out, llm: llm, ["--random-anchor-projector", "7"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("untrained: untrained anchors (random projector, seed 7)"))
    let same = folder.path("c")
    #expect(try convert(same, llm: llm, ["--random-anchor-projector", "7"]).status == 0)
    let weights = { (directory: String) in try Data(contentsOf: URL(fileURLWithPath: directory + "/model.safetensors"))
    }
    #expect(try weights(out) == weights(same))
    let report = try Program.run(["report", ParityCase.image, "--model", out, "--max-new-tokens", "2"])
    #expect(report.status == 0 && report.output.contains("untrained anchors"), "\(report.errors)")
    let unconverted = try Program.run(
      ["report", ParityCase.image, "--max-new-tokens", "2", "--random-anchor-projector", "7"] + parts(llm: llm))
    #expect(unconverted.status == 0 && unconverted.output.contains("untrained anchors"), "\(unconverted.errors)")
    let screen = try Program.open([ParityCase.image, "--model", out, "--max-new-tokens", "2"])
    #expect(screen.wait(for: "untrained anchors"), "\(screen.terminal.text)")
    screen.send("q")
    _ = screen.waitForExit()
  }

  @Test("Parts answer a benchmark's questions beside the checkpoint that they make, an untrained one by that name")
  func evaluated() throws {
    let folder = try TemporaryFolder()
    let question =
      #"{"question_id": "1", "image": "\#(ParityCase.image)", "text": "what?", "answer": "a", "category": "which"}"#
    try Data(question.utf8).write(to: URL(fileURLWithPath: folder.path("questions.jsonl")))
    let asked = ["eval", folder.path("questions.jsonl"), "--images", "/", "--max-new-tokens", "3"]
    let both = try Program.run(
      asked + parts() + ["--model", Self.fixtures + "/whole", "--out", folder.path("answers.jsonl")])
    #expect(both.status == 0, "\(both.errors)")
    let answers = try ["answers-llm.jsonl", "answers-whole.jsonl"].map { name in
      let lines = try String(contentsOfFile: folder.path(name), encoding: .utf8).split(separator: "\n")
      return lines.dropFirst().map(String.init)
    }
    #expect(answers[0].count == 1 && answers[0] == answers[1])

    let llm = try withoutAnchors(folder)
    let untrained = try Program.run(asked + ["--random-anchor-projector", "7"] + parts(llm: llm))
    #expect(
      untrained.status == 0 && untrained.output.contains("untrained anchors (random projector, seed 7)"),
      "\(untrained.errors)")
  }

  @Test(
    "A tower of any size goes with the quantizer's own, which the anchor projector tells",
    arguments: [(14, 7, 4), (28, 14, 4), (35, 7, 25), (42, 14, 9), (30, 14, 4), (448, 14, 1024), (224, 14, 256)])
  func towers(size: Int, patch: Int, patches: Int) throws {
    let folder = try TemporaryFolder()
    let vision = try tower(folder, size: size, patch: patch, positions: patches + 1)
    let out = folder.path("out")
    let result = try convert(out, ["--vision", vision])
    #expect(result.status == 0 && result.output.contains("this checkpoint runs"), "\(result.errors)")
    let text = try String(contentsOfFile: out + "/config.json", encoding: .utf8)
    let configuration = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    #expect((configuration?["mgvq_config"] as? [String: Any])?["image_size"] as? Int == 28)
    #expect((configuration?["vision_config"] as? [String: Any])?["image_size"] as? Int == size)
    guard patches < 100 else { return }
    let report = try Program.run(
      ["report", ParityCase.image, "--model", out, "--max-new-tokens", "1", "--panel", "image"])
    #expect(report.status == 0 && report.output.contains("\(size)×\(size) pixels"), "\(report.output)\(report.errors)")
  }

  @Test(
    "A signal that ends it leaves nothing of the directory that is being made",
    arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGXCPU])
  func signals(number: Int32) throws {
    // Tests started in the background ignore some of them, and so would what they start.
    signal(number, SIG_DFL)
    let folder = try TemporaryFolder()
    let process = try slowConversion(folder)
    kill(process.processIdentifier, number)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == number)
    #expect(folder.contents.sorted() == ["llm"], "\(folder.contents)")
  }

  @Test("What a killed run left of a directory is removed by the next")
  func killed() throws {
    let folder = try TemporaryFolder()
    let process = try slowConversion(folder)
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(folder.contents.contains { $0.hasSuffix(".partial") })
    #expect(try convert(folder.path("out")).status == 0)
    #expect(folder.contents.sorted() == ["llm", "out"])
  }

  /// A conversion that is at its last and largest file, the tokenizer's; what is in it is looked at only afterwards.
  private func slowConversion(_ folder: TemporaryFolder) throws -> Process {
    let llm = folder.path("llm")
    try FileManager.default.copyItem(atPath: Self.fixtures + "/llm", toPath: llm)
    truncate(llm + "/tokenizer.model", 128 << 20)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try PtyDriver.builtProduct("vocoscope"))
    process.arguments =
      ["convert", "--vision", Self.fixtures + "/vision", "--mgvq", Self.fixtures + "/mgvq.pt"]
      + ["--llm", llm, "--out", folder.path("out")]
    process.standardError = FileHandle.nullDevice
    // Swift's own backtraces answer SIGQUIT.
    process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
    try process.run()
    while process.isRunning, !folder.contents.contains(where: { $0.hasSuffix(".partial") }) { usleep(200) }
    try #require(process.isRunning)
    return process
  }

  @Test("Positions of another grid than the tower's are refused by name, not stretched")
  func positions() throws {
    let folder = try TemporaryFolder()
    let vision = try tower(folder, size: 56, patch: 7, positions: 17)
    let result = try convert(folder.path("out"), ["--vision", vision])
    #expect(
      result.status == 1 && result.errors.contains("position_embedding.weight is F32 [17, "), "\(result.errors)")
    #expect(!folder.contents.contains("out"))
  }

  /// The fixture's tower with pictures of another size: its patch and position embeddings are made anew.
  private func tower(_ folder: TemporaryFolder, size: Int, patch: Int, positions: Int) throws -> String {
    let vision = folder.path("vision")
    try FileManager.default.createDirectory(atPath: vision, withIntermediateDirectories: true)
    let configuration = try Data(contentsOf: URL(fileURLWithPath: Self.fixtures + "/vision/config.json"))
    var object = try #require(try JSONSerialization.jsonObject(with: configuration) as? [String: Any])
    var section = object["vision_config"] as? [String: Any] ?? object
    section["image_size"] = size
    section["patch_size"] = patch
    if object["vision_config"] == nil { object = section } else { object["vision_config"] = section }
    try JSONSerialization.data(withJSONObject: object).write(to: URL(fileURLWithPath: vision + "/config.json"))
    let tensors = try WeightFiles(directory: Self.fixtures + "/vision").tensors.values
    try SafetensorsWriter.write(
      tensors.filter(\.dtype.isWeight).map { stored in
        let width = stored.shape.first ?? 0
        if stored.name.hasSuffix("patch_embedding.weight") {
          return SafetensorsEntry(stored.name, numbers([width, 3, patch, patch]))
        }
        if stored.name.hasSuffix("position_embedding.weight") {
          return SafetensorsEntry(stored.name, numbers([positions, stored.shape[1]]))
        }
        return SafetensorsEntry(stored.name, stored.float32())
      }, metadata: [:], to: vision + "/model.safetensors")
    return vision
  }

  private func numbers(_ shape: [Int]) -> Tensor {
    Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { Float($0 % 13) / 100 - 0.06 })
  }

  @Test("A hostile or broken part is one sentence that names it, and nothing is left behind")
  func broken() throws {
    let folder = try TemporaryFolder()
    let refused = Self.fixtures + "/refused"
    let cases = [
      (["--mgvq", refused + "/command.pt"], "command.pt: data.pkl, byte"), (["--mgvq", "/no/such.pt"], "/no/such.pt"),
      (["--mgvq", Self.fixtures + "/state.pt"], "state.pt: holds no MGVQ state dict"),
      (["--vision", Self.fixtures + "/llm"], "holds no tensor of a CLIP vision tower"),
      (["--llm", Self.fixtures], "holds neither model.safetensors"),
      (["--out", "/no/such/folder/out"], "/no/such/folder/out"),
    ]
    for (more, sentence) in cases {
      let result = try convert(folder.path("out"), more)
      #expect(result.status == 1 && result.output.isEmpty, "\(more)")
      #expect(result.errors.contains(sentence), "\(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
      #expect(folder.contents.isEmpty)
    }
    #expect(try Program.run(["convert", "--llm", "x"]).status == 2)
  }
}
