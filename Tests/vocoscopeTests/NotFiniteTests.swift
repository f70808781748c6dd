import Foundation
import TestSupport
import Testing
import Trace

/// Every command over checkpoints of which one weight is no finite number.
@Suite("Commands and values that are not finite")
struct NotFiniteTests {
  private static let weights = [
    "model.vision_tower.vision_tower.vision_model.encoder.layers.0.mlp.fc1.weight", "model.layers.0.mlp.up_proj.weight",
    "lm_head.weight", "model.norm.weight", "model.anchor_projector.fc1.bias",
  ]

  private func checkpoint(_ weight: String, _ value: Float) throws -> BrokenCheckpoint {
    try BrokenCheckpoint { name, _, values in if name == weight { values[0] = value } }
  }

  @Test("Each says so with the weight's name, prints no answer and no verdict, and leaves no file", arguments: weights)
  func commands(_ weight: String) throws {
    let value: Float = weight.contains("bias") ? -.infinity : weight.contains("norm") ? .infinity : .nan
    let broken = try checkpoint(weight, value)
    let folder = try TemporaryFolder()
    let questions = try folder.write(
      #"{"question_id": 1, "image": "\#(ParityCase.image)", "text": "what?", "answer": "a", "category": "c"}"# + "\n",
      as: "q.jsonl")
    let few = ["--model", broken.path, "--max-new-tokens", "2"]
    let trace = folder.path("t.safetensors")
    let commands = [
      ["report", ParityCase.image] + few, ["report", ParityCase.image, "--format", "json"] + few,
      ["inspect", "--plain", ParityCase.image] + few, ["ask", ParityCase.image, "what?"] + few,
      ["ask", ParityCase.image, "what?", "--format", "json"] + few, ["trace", ParityCase.image, "--out", trace] + few,
      ["verify", ParityCase.image, "--model", broken.path], ["eval", questions] + few,
    ]
    for command in commands {
      let result = try Program.run(command)
      #expect(result.status == 1, "\(command): \(result.errors)")
      #expect(
        result.errors.contains("finite") && result.errors.contains(weight) && result.errors.contains("at [0"),
        "\(command): \(result.errors)")
      for word in ["attends:", "causes:", "Anecdote", "anchor share", "accuracy"] {
        #expect(!result.output.contains(word), "\(command) prints \(word)")
      }
    }
    #expect(!FileManager.default.fileExists(atPath: trace))
  }

  @Test("check reads the values where it is asked to, and says so where it did not", arguments: weights)
  func check(_ weight: String) throws {
    let broken = try checkpoint(weight, .nan)
    let read = try Program.run(["check", broken.path, "--values", "--problems"])
    #expect(read.status == 1 && read.output.contains("not finite       \(weight)  is"))
    #expect(read.output.contains("\(weight)  is not finite: it holds NaN at [0"), "\(read.output)")
    #expect(!read.output.contains("this checkpoint runs"))
    let unread = try Program.run(["check", broken.path, "--problems"])
    #expect(unread.output.contains("values   not read: --values"), "\(unread.output)")
    let whole = try Program.run(["check", ParityCase.directory, "--values", "--problems"])
    #expect(whole.status == 0 && whole.output.contains("values   all are finite numbers"))
  }

  @Test("8-bit integers are not made of them")
  func integers() throws {
    let weight = "model.layers.1.self_attn.v_proj.weight"
    let broken = try checkpoint(weight, .nan)
    let result = try Program.run(
      ["report", ParityCase.image, "--model", broken.path, "--precision", "int8", "--max-new-tokens", "1"])
    #expect(result.status == 1 && result.errors.contains("\(weight) is not finite: it holds NaN at [0, 0]"))
    #expect(!broken.folder.contents.contains { $0.contains("int8") })
  }

  @Test("A codebook with one is not judged", arguments: [Float.nan, .infinity])
  func codebook(_ value: Float) throws {
    let broken = try checkpoint(BrokenCheckpoint.embedding, value)
    for extra in [[], [ParityCase.image], ["--format", "json"]] {
      let result = try Program.run(["codebook", "--model", broken.path] + extra)
      #expect(result.status == 1 && result.errors.contains("\(BrokenCheckpoint.embedding) is not finite"), "\(result)")
    }
  }
}

@Suite("Pictures with something wrong in their files")
struct PictureWarningTests {
  @Test("eval counts them and names the first on standard error, and asks all the same")
  func eval() throws {
    let folder = try TemporaryFolder()
    let whole = try Data(contentsOf: URL(fileURLWithPath: ParityCase.image))
    // Without its last chunk a PNG has all of its pixels.
    for name in ["a.png", "b.png"] { try whole.dropLast(12).write(to: URL(fileURLWithPath: folder.path(name))) }
    try whole.write(to: URL(fileURLWithPath: folder.path("c.png")))
    let lines = ["a", "b", "c", "a"].enumerated().map { index, name in
      #"{"question_id": \#(index), "image": "\#(name).png", "text": "what?", "answer": "x", "category": "c"}"# + "\n"
    }
    let questions = try folder.write(lines.joined(), as: "q.jsonl")
    let result = try Program.run(["eval", questions, "--model", ParityCase.directory, "--max-new-tokens", "1"])
    #expect(result.status == 0 && result.output.contains("4 questions"))
    #expect(result.errors.contains("pictures decoded in spite of a warning: 2\n  a.png: "), "\(result.errors)")
  }
}

extension PictureWarningTests {
  /// Three pictures: one without its last chunk, one in 16-bit grey, one as it should be.
  private func pictures(_ folder: TemporaryFolder) throws -> [String] {
    let whole = try Data(contentsOf: URL(fileURLWithPath: ParityCase.image))
    try whole.dropLast(12).write(to: URL(fileURLWithPath: folder.path("cut.png")))
    try whole.write(to: URL(fileURLWithPath: folder.path("whole.png")))
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("ImageLoadingTests/Fixtures/grey16.png").path
    try FileManager.default.copyItem(atPath: fixtures, toPath: folder.path("deep.png"))
    return ["cut", "deep", "whole"].map { folder.path("\($0).png") }
  }

  @Test("verify counts and names them in every format, in a part and when parts are put together")
  func verify() throws {
    let folder = try TemporaryFolder()
    let pictures = try pictures(folder)
    let run = ["verify"] + pictures + ["--model", ParityCase.directory, "--no-random-models"]
    let cut = "cut.png: the file ends behind its pixels without a whole IEND"
    let deep = "deep.png: 16-bit grey is read by its high bytes; Pillow would clip it to white"
    let state = folder.path("state.jsonl")
    let text = try Program.run(run + ["--out", state])
    #expect(text.status == 0, "\(text.errors)")
    #expect(text.output.contains("pictures decoded in spite of a warning: 2\n  \(cut)\n  \(deep)\n"), "\(text.output)")
    #expect(!text.output.contains("whole.png:"))
    let json = try Program.run(["verify", "--merge", state, "--format", "json"])
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    let provenance = try #require(object?["provenance"] as? [String: Any])
    #expect(provenance["pictureWarnings"] as? [String] == [cut, deep])
    let csv = try Program.run(["verify", "--merge", state, "--format", "csv"])
    #expect(csv.output.contains("warning,picture,,,,,,\(cut)"), "\(csv.output)")
    // Nothing is said where nothing is wrong.
    let clean = try Program.run(
      ["verify", pictures[2], "--model", ParityCase.directory, "--no-random-models", "--format", "json"])
    #expect(clean.status == 0 && !clean.output.contains("pictureWarnings"))
  }

  @Test("report says what was odd of its picture", arguments: ["cut.png", "deep.png"])
  func report(name: String) throws {
    let folder = try TemporaryFolder()
    _ = try pictures(folder)
    let result = try Program.run([
      "report", folder.path(name), "--model", ParityCase.directory, "--max-new-tokens", "1",
    ])
    #expect(result.output.contains(name == "cut.png" ? "without a whole IEND" : "16-bit grey"), "\(result.output)")
  }
}

@Suite("Runs without an answer")
struct NoAnswerTests {
  @Test("No new tokens make a trace without an answer, which opens and is reported")
  func trace() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("t.safetensors")
    let none = ["--model", ParityCase.directory, "--max-new-tokens", "0"]
    #expect(try Program.run(["trace", ParityCase.image, "--out", path] + none).status == 0)
    let trace = try TraceFile.read(path: path)
    #expect(trace.generation == nil && trace.language != nil)
    #expect(try Program.run(["report", path]).status == 0)
    let report = try Program.run(["report", ParityCase.image] + none)
    #expect(report.status == 0 && !report.output.isEmpty, "\(report.errors)")
    #expect(try Program.run(["ask", ParityCase.image, "what?"] + none).status == 2)
  }

  @Test("An empty question is one in its template, and where that leaves no token, a sentence")
  func empty() throws {
    let result = try Program.run(
      ["report", ParityCase.image, "--model", ParityCase.directory, "--max-new-tokens", "1", "--prompt", ""])
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test("A trace goes to a descriptor as it goes to a file", arguments: ["/proc/self/fd/1", "/dev/stdout"])
  func descriptor(_ out: String) throws {
    let folder = try TemporaryFolder()
    let script = #""$0" trace "$1" --model "$2" --max-new-tokens 1 --out "$3" >"$4""#
    for redirected in ["cat >'\(folder.path("piped"))'", nil] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/bash")
      let target = folder.path(redirected == nil ? "file" : "none")
      let body = redirected.map { #""$0" trace "$1" --model "$2" --max-new-tokens 1 --out "$3" | "# + $0 } ?? script
      process.arguments = [
        "-c", "set -o pipefail; " + body, try PtyDriver.builtProduct("vocoscope"), ParityCase.image,
        ParityCase.directory, out, target,
      ]
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }
    #expect(try TraceFile.read(path: folder.path("piped")) == TraceFile.read(path: folder.path("file")))
  }
}

@Suite("Files that change under a run")
struct ChangedFilesTests {
  @Test(
    "Weights that are cut off while they are mapped end the run with a sentence that names them, within a product too")
  func cutOff() throws {
    let folder = try TemporaryFolder()
    let model = folder.path("model")
    try FileManager.default.copyItem(atPath: ParityCase.directory, toPath: model)
    let weights = model + "/model.safetensors"
    let script = """
      "$0" trace "$1" --model "$2" --max-new-tokens 400 --out "$3" & P=$!
      for i in $(seq 400); do grep -q model.safetensors /proc/$P/maps 2>/dev/null && break; sleep 0.01; done
      truncate -s 100 "$2/model.safetensors"; wait $P
      """
    let (status, text) = try run(script, [model, folder.path("t.safetensors")])
    #expect(status == 1, "\(text)")
    #expect(
      text.contains(weights) && text.hasPrefix("vocoscope: ") && text.split(separator: "\n").count == 1, "\(text)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("t.safetensors")))
  }

  @Test(
    "A limit of address space ends a run with a sentence, or lets it finish",
    arguments: [400_000, 600_000, 1_000_000, 2_000_000])
  func addressSpace(_ kibibytes: Int) throws {
    let (status, text) = try run(
      // Its threads' buffers; below 400,000 KiB OpenBLAS 0.3.29 never returns from its own start, before the program's.
      "export OPENBLAS_NUM_THREADS=1; ulimit -v \(kibibytes); exec timeout -k 1 100 \"$0\" report \"$1\" --model \"$2\" --max-new-tokens 1",
      [ParityCase.directory])
    #expect(
      status == 0 || status == 1 || text.contains("shared libraries"), "\(text)")
    #expect(status == 0 || text.split(separator: "\n").count == 1, "\(text)")
  }

  /// The exit status and the errors of a script about the program, `$0`, and the picture, `$1`.
  private func run(_ script: String, _ arguments: [String]) throws -> (status: Int32, text: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", script, try PtyDriver.builtProduct("vocoscope"), ParityCase.image] + arguments
    let errors = Pipe()
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }
}
