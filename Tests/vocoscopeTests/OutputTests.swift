import Foundation
import TestSupport
import Testing

@Suite("What cannot be written")
struct OutputTests {
  /// Runs the program by a shell that redirects it; `$0` is the program, `$@` its arguments.
  private func shell(_ script: String, _ arguments: [String]) throws -> (status: Int32, errors: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", script, try PtyDriver.builtProduct("vocoscope")] + arguments
    process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let data = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }

  private static let few = ["--model", ParityCase.directory, "--max-new-tokens", "2"]
  private static let commands: [[String]] = [
    ["report", ParityCase.image] + few, ["report", ParityCase.image, "--format", "json"] + few,
    ["inspect", "--plain", ParityCase.image] + few, ["ask", ParityCase.image, "what?"] + few,
    ["ask", ParityCase.image, "what?", "--format", "json"] + few, ["check", ParityCase.directory],
    ["codebook", "--model", ParityCase.directory], ["eval", "--help"], ["--version"], ["help", "verify"],
  ]

  @Test("Standard output on a full disk, closed or at the limit of its size ends with a sentence and exit code 1")
  func output() throws {
    for command in Self.commands {
      for redirection in [">/dev/full", ">&-"] {
        let result = try shell("\"$0\" \"$@\" \(redirection)", command)
        #expect(result.status == 1, "\(command.prefix(1)) \(redirection)")
        #expect(
          result.errors.hasPrefix("vocoscope: standard output: cannot be written: "), "\(command) \(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1)
      }
    }
    let folder = try TemporaryFolder()
    let limited = try shell("ulimit -f 0; \"$0\" \"$@\" >'\(folder.path("out"))'", Self.commands[0])
    #expect(limited.status == 1 && limited.errors.contains("cannot be written: File too large"), "\(limited.errors)")
  }

  @Test("A reader that goes away ends the program in silence")
  func closedPipe() throws {
    for command in Self.commands {
      let result = try shell("set -o pipefail; \"$0\" \"$@\" | head -c 1 >/dev/null", command)
      #expect(result.status == 0 && result.errors.isEmpty, "\(command.prefix(1)): \(result.errors)")
    }
  }

  @Test("An error that cannot be told is still an exit code", arguments: ["2>/dev/full", "2>&-", "2> >(exit)"])
  func errors(redirection: String) throws {
    #expect(try shell("\"$0\" \"$@\" \(redirection)", ["report", "/no/such/file"]).status == 1)
    #expect(try shell("\"$0\" \"$@\" \(redirection)", ["--no-such-option"]).status == 2)
    // 0 would say that they are equal, 1 that they differ.
    #expect(try shell("\"$0\" \"$@\" \(redirection)", ["diff", "/no/such/file", "/none"]).status == 2)
  }

  @Test("Standard error that nobody reads is not taken for a reader who has read enough")
  func closedErrors() throws {
    let gone = "exec 3> >(exit); wait $!; \"$0\" \"$@\" 2>&3"
    let noted = ["verify", ParityCase.image, "--model", ParityCase.directory, "--no-every-head"]
    #expect(try shell(gone, noted).status == 1)
    #expect(try shell(gone, ["check", "/no/such/directory"]).status == 1)
    #expect(try shell(gone, ["diff", "/no/such/file", "/none"]).status == 2)
  }

  @Test("A comparison's code is what was found, also where its reader goes away or its output cannot be written")
  func comparisons() throws {
    let other = ParityCase.directory + "/expected.safetensors"
    for (second, found) in [(ParityCase.directory, 0), (other, 1)] {
      let diff = ["diff", ParityCase.directory, second, "--all"]
      #expect(try shell("exec 3> >(exit); wait $!; \"$0\" \"$@\" >&3", diff).status == found)
      let full = try shell("\"$0\" \"$@\" >/dev/full", diff)
      #expect(full.status == 2 && full.errors.contains("cannot be written"), "\(full.errors)")
    }
  }

  @Test("A file that is opened does not get the number of a closed descriptor, and nothing is printed into it")
  func closedDescriptors() throws {
    let folder = try TemporaryFolder()
    let trace = ["trace", ParityCase.image, "--out", folder.path("t.safetensors")] + Self.few
    #expect(try shell("\"$0\" \"$@\" <&- >&- 2>&-", trace).status == 0)
    #expect(try shell("\"$0\" \"$@\"", ["report", folder.path("t.safetensors")]).status == 0)
  }

  @Test("An argument that is not UTF-8 is refused, as its file would not be found")
  func bytes() throws {
    let result = try shell("\"$0\" report $'/tmp/\\xff\\xfe.png'", [])
    #expect(result.status == 2)
    #expect(result.errors.contains("argument 2") && result.errors.contains("is not UTF-8"), "\(result.errors)")
  }
}

@Suite("One way out")
struct OneWayOutTests {
  @Test("No source but that of the standard streams writes to them")
  func sources() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources")
    let files = try #require(FileManager.default.enumerator(atPath: root.path)).compactMap { $0 as? String }
      .filter { $0.hasSuffix(".swift") && !$0.hasPrefix("vocoscope-bench") && $0 != "Files/StandardStream.swift" }
    #expect(files.count > 200)
    let writing =
      /(^|[^.\w])(print|debugPrint|dump|puts|fputs|printf|NSLog)\(|FileHandle\.standard(Output|Error)|STDERR_FILENO|\bstd(out|err)\b/
    for file in files {
      let text = try String(contentsOf: root.appendingPathComponent(file), encoding: .utf8)
      for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        if line.drop(while: { $0 == " " }).hasPrefix("//") || line.contains("func print(") { continue }
        #expect(line.firstMatch(of: writing) == nil, "\(file), line \(number + 1): \(line)")
      }
    }
  }
}

@Suite("Outputs over inputs")
struct OutputsOverInputsTests {
  @Test("No command writes over a file that it reads, under whatever name, and the file is as it was")
  func refused() throws {
    let folder = try TemporaryFolder()
    let model = folder.path("model")
    try FileManager.default.copyItem(atPath: ParityCase.directory, toPath: model)
    let picture = folder.path("p.png")
    try FileManager.default.copyItem(atPath: ParityCase.image, toPath: picture)
    try FileManager.default.createSymbolicLink(atPath: folder.path("link.png"), withDestinationPath: "p.png")
    try FileManager.default.linkItem(atPath: model + "/model.safetensors", toPath: folder.path("hard.safetensors"))
    let part = folder.path("part.jsonl")
    let questions = try folder.write(
      #"{"question_id": 1, "image": "p.png", "text": "?", "answer": "a", "category": "c"}"# + "\n", as: "q.jsonl")
    let few = ["--model", model, "--max-new-tokens", "1"]
    try #require(try Program.run(["eval", questions, "--out", part] + few).status == 0)
    let kept = [
      picture, folder.path("state.jsonl"), folder.path("t.safetensors"), model + "/model.safetensors",
      model + "/config.json", part, questions,
    ]
    let state = folder.path("state.jsonl")
    try #require(
      try Program.run(["verify", picture, "--model", model, "--no-random-models", "--out", state]).status == 0)
    try FileManager.default.createSymbolicLink(atPath: folder.path("state.png"), withDestinationPath: "state.jsonl")
    let trace = folder.path("t.safetensors")
    try #require(try Program.run(["trace", picture, "--out", trace] + few).status == 0)
    let commands = [picture, folder.path("link.png"), model + "/model.safetensors", folder.path("hard.safetensors")].map
    {
      ["trace", picture, "--out", $0] + few
    }
    let others = [
      ["trace", folder.path("link.png"), "--out", picture] + few,
      ["verify", picture, "--model", model, "--figure", picture],
      ["verify", "merge", state, state, "--figure", folder.path("state.png")],
      ["verify", "--merge", state, "--figure", folder.path("state.png")], ["report", trace, "--export", trace],
      ["report", picture, "--panel", "attention", "--export", folder.path("link.png")] + few,
      ["eval", "merge", part, "--out", part], ["eval", questions, "--out", questions] + few,
    ]
    let before = try kept.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    for command in commands + others {
      let result = try Program.run(command)
      #expect(result.status == 1 && result.errors.split(separator: "\n").count == 1, "\(command) \(result.errors)")
    }
    #expect(try kept.map { try Data(contentsOf: URL(fileURLWithPath: $0)) } == before)
    let refused = try Program.run(commands[1])
    #expect(refused.errors.contains("link.png: is not written, since this run reads it"), "\(refused.errors)")
  }
}
