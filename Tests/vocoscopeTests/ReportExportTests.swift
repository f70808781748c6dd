import Foundation
import TestSupport
import Testing

@Suite("report --export and doctor")
struct ReportExportTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path(name))) }

  @Test("One run writes every format, each what its suffix says, and prints nothing")
  func everyFormat() throws {
    let starts = [
      "png": "\u{FFFD}PNG", "svg": "<?xml", "pdf": "%PDF", "csv": "panel,table,row", "json": "{", "npz": "PK",
      "safetensors": "", "txt": " vocoscope", "ans": "\u{1B}[",
    ]
    let exports = starts.keys.sorted().flatMap { ["--export", folder.path("a.\($0)")] }
    let result = try Program.run(
      ["report"] + ParityCase.arguments + ["--panel", "attention", "--layer", "2", "--scale", "log"] + exports)
    #expect(result.status == 0 && result.output.isEmpty, "\(result.errors)")
    #expect(folder.contents.count == starts.count)
    for (suffix, start) in starts where suffix != "txt" {
      let head = String(decoding: try bytes("a.\(suffix)").prefix(40), as: UTF8.self)
      #expect(head.hasPrefix(start), "\(suffix): \(head)")
    }
    #expect(String(decoding: try bytes("a.csv"), as: UTF8.self).contains("attention,facts,1,layer,2/"))
    #expect(!String(decoding: try bytes("a.csv"), as: UTF8.self).contains("\nmask,"))
    let screen = String(decoding: try bytes("a.txt"), as: UTF8.self)
    #expect(screen.split(separator: "\n", omittingEmptySubsequences: false).count == 41 && screen.contains("ttention"))
  }

  @Test("A trace gives the same figure as its run")
  func traceAndRun() throws {
    let trace = folder.path("run.safetensors")
    #expect(try Program.run(["trace"] + ParityCase.arguments + ["--out", trace]).status == 0)
    let paths = ["a.svg", "b.svg"].map { folder.path($0) }
    #expect(try Program.run(["report", trace, "--export", paths[0]]).status == 0)
    #expect(try Program.run(["report"] + ParityCase.arguments + ["--export", paths[1]]).status == 0)
    #expect(try bytes("a.svg") == bytes("b.svg"))
  }

  @Test("Any token of the prompt is told of, with its numbers a head; one that is not there is refused")
  func inspectedToken() throws {
    let report = { (token: String, format: String) in
      try Program.run(
        ["report"] + ParityCase.arguments + ["--inspect", token, "--panel", "attention", "--format", format])
    }
    let voco = try report("voco", "json")
    for token in ["last", "prompt:1"] {
      for format in ["text", "json", "csv"] {
        let result = try report(token, format)
        #expect(result.status == 0 && result.output != voco.output, "\(result.errors)")
        #expect(result.output.contains("layer × head") && result.output.contains("head 4"), "\(token)")
      }
    }
    for (token, status, words) in [
      ("prompt:999", Int32(1), "tokens of the prompt"), ("answer:999", 1, "tokens of the answer"),
      ("word:1", 2, "word:1"), ("prompt:0", 2, "prompt:0"),
    ] {
      let result = try report(token, "text")
      #expect(result.status == status && result.errors.contains(words), "\(token): \(result.errors)")
    }
    let trace = folder.path("run.safetensors")
    #expect(try Program.run(["trace"] + ParityCase.arguments + ["--out", trace]).status == 0)
    #expect(try Program.run(["report", trace, "--inspect", "last"]).output.contains("the last prompt token"))
    let absent = try Program.run(["report", trace, "--inspect", "prompt:1"])
    #expect(absent.status == 1 && absent.errors.contains("all that a trace holds"), "\(absent.errors)")
  }

  @Test("What probe and eval printed stands in Verdict and its figures, and beside another model is refused")
  func savedMeasurements() throws {
    let assets = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("assets/images").path
    let files = FileManager.default
    for number in 1...4 {
      let label = folder.path("labels/\(number % 2 == 0 ? "even" : "odd")")
      try files.createDirectory(atPath: label, withIntermediateDirectories: true)
      try files.copyItem(atPath: "\(assets)/scene-\(number).png", toPath: "\(label)/\(number).png")
    }
    let model = ["--model", ParityCase.directory]
    let probes = try Program.run(["probe", folder.path("labels"), "--permutations", "19", "--format", "json"] + model)
    #expect(probes.status == 0, "\(probes.errors)")
    try Data(probes.output.utf8).write(to: URL(fileURLWithPath: folder.path("probes.json")))
    let questions = try folder.write(
      (1...2).map {
        #"{"question_id": \#($0), "image": "scene-\#($0).png", "text": "what is it?", "answer": "a cat"}"# + "\n"
      }.joined(), as: "questions.jsonl")
    let eval = try Program.run(
      [
        "eval", questions, "--images", assets, "--max-new-tokens", "2", "--cut", "anchors", "--swap", "anchors",
        "--format", "json", "--figure", folder.path("eval.svg"),
      ] + model)
    #expect(eval.status == 0, "\(eval.errors)")
    #expect(try String(decoding: bytes("eval.svg"), as: UTF8.self).contains("<svg"))
    try Data(eval.output.utf8).write(to: URL(fileURLWithPath: folder.path("accuracy.json")))

    let evidence = ["probes.json", "accuracy.json"].flatMap { ["--evidence", folder.path($0)] }
    let report = ["report"] + ParityCase.arguments + ["--panel", "verdict"]
    for format in ["text", "json", "csv"] {
      let result = try Program.run(report + evidence + ["--format", format])
      #expect(result.status == 0, "\(result.errors)")
      for words in ["probes: which of 2 labels", "accuracy under intervention", "cut anchors", "swap anchors"] {
        #expect(result.output.contains(words), "\(words) in \(format)")
      }
    }
    for (file, words) in [("probes", "commonest label"), ("accuracy", "swap anchors")] {
      let figure = folder.path("\(file).svg")
      let result = try Program.run(report + ["--evidence", folder.path("\(file).json"), "--export", figure])
      #expect(result.status == 0, "\(result.errors)")
      #expect(String(decoding: try bytes("\(file).svg"), as: UTF8.self).contains(words), "\(file)")
    }
    for file in ["probes", "accuracy"] {
      let result = try Program.run(
        ["report", ParityCase.image, "--max-new-tokens", "1", "--evidence", folder.path("\(file).json")])
      #expect(result.status == 1 && result.errors.contains("\(file).json: "), "\(result.errors)")
      #expect(result.errors.contains("weights"), "\(result.errors)")
    }
    let nothing = try Program.run(["eval", questions, "--images", assets, "--figure", folder.path("n.svg")] + model)
    #expect(nothing.status == 2 && nothing.errors.contains("--figure draws what --cut and --swap cost"))
  }

  @Test(
    "Unknown suffixes, absent layers, panels without a figure and inputs are refused with one sentence, and nothing is left"
  )
  func refused() throws {
    let trace = folder.path("run.safetensors")
    #expect(try Program.run(["trace"] + ParityCase.arguments + ["--out", trace]).status == 0)
    let before = try bytes("run.safetensors")
    for (arguments, status, words) in [
      (["--export", folder.path("a.tiff")], Int32(2), "a.tiff: its suffix names no format"),
      (["--export", folder.path("a.svg"), "--layer", "0"], 2, "--layer is 0"),
      (["--export", folder.path("a.svg"), "--layer", "99"], 1, "--layer is 99"),
      (["--export", folder.path("a.svg"), "--panel", "colour"], 2, "colour"),
      (["--export", folder.path("a.svg"), "--size", "5x5"], 2, "5x5"),
      (
        ["--export", folder.path("a.csv"), "--export", folder.path("a.svg"), "--panel", "compression"], 1, "Compression"
      ),
      (["--export", trace], 1, "this run reads it"),
      (["--export", folder.path("no/a.svg")], 1, "no/a.svg"),
    ] {
      let result = try Program.run(["report", trace] + arguments)
      #expect(result.status == status && result.errors.contains(words), "\(arguments): \(result.errors)")
    }
    #expect(folder.contents == ["run.safetensors"])
    #expect(try bytes("run.safetensors") == before)
  }

  @Test("The doctor tells terminal, kernels, memory, caches and files, and no names")
  func doctor() throws {
    let environment = [
      "HOME": "/home/jane.doe", "USER": "jane.doe", "HOSTNAME": "secret-host", "TERM": "xterm-256color",
      "SSH_CONNECTION": "10.1.2.3 5 10.1.2.4 22", "OPENBLAS_CORETYPE": "HASWELL",
    ]
    let text = try Program.run(["doctor"], environment: environment)
    #expect(text.status == 0, "\(text.errors)")
    for word in [
      "OpenBLAS core", "oneDNN", "products of 8 bits", "memory available", "xterm-256color", "colours",
      "assets/models/htc-demo", "cache",
    ] {
      #expect(text.output.contains(word), "\(word)")
    }
    let json = try Program.run(["doctor", "--format", "json"], environment: environment)
    let document = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    let sections = try #require(document?["sections"] as? [[String: Any]])
    #expect(sections.map { $0["title"] as? String } == ["program", "terminal", "pictures", "computing", "files"])
    for name in ["jane", "secret-host", "10.1.2", FileManager.default.currentDirectoryPath] {
      #expect(!text.output.contains(name) && !json.output.contains(name), "\(name)")
    }
  }
}
