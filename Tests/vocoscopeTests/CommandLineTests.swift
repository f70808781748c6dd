import Foundation
import TestSupport
import Testing

@Suite("The command line")
struct CommandLineTests {
  @Test("check lists every tensor and succeeds only for a checkpoint that runs")
  func check() throws {
    let good = try Program.run(["check", ParityCase.directory])
    #expect(good.status == 0)
    #expect(good.output.contains("model.embed_tokens.weight  F32 [421, 64]"))
    #expect(good.output.contains("this checkpoint runs"))
    #expect(good.output.contains("OpenBLAS core"))

    let folder = try TemporaryFolder()
    for name in ["config.json", "preprocessor_config.json", "tokenizer.model"] {
      try FileManager.default.copyItem(atPath: "\(ParityCase.directory)/\(name)", toPath: folder.path(name))
    }
    try Data([2, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D]).write(to: URL(fileURLWithPath: folder.path("model.safetensors")))
    let empty = try Program.run(["check", folder.root])
    #expect(empty.status == 1)
    #expect(empty.output.contains("missing          model.norm.weight"))
    #expect(!empty.output.contains("this checkpoint runs"))
  }

  @Test("The bundled checkpoint runs whole, reconstruction included, and answers the README's first question rightly")
  func bundled() throws {
    let scene = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("assets/images/scene-1.png").path
    let result = try Program.run(["report", scene, "--prompt", "what object is at the top?", "--format", "csv"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("balloon") && result.output.contains("attention,facts,1,anchor share,"))
    let values = try Program.run([
      "check", scene.replacingOccurrences(of: "images/scene-1.png", with: "models/htc-demo"), "--values",
    ])
    #expect(values.status == 0 && values.output.contains("this checkpoint runs"), "\(values.output)")
  }

  @Test(
    "Each bundled twin of it runs with its tower, and says where that is from", arguments: ["voco-demo", "star-demo"])
  func bundledTwin(_ name: String) throws {
    let assets = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("assets").path
    let answer = try Program.run([
      "ask", "\(assets)/images/scene-1.png", "what object is at the top?", "--model", "\(assets)/models/\(name)",
      "--from", "voco",
    ])
    #expect(answer.status == 0 && answer.output.contains("balloon"), "\(answer.output) \(answer.errors)")
    let check = try Program.run(["check", "\(assets)/models/\(name)", "--values"])
    #expect(check.status == 0 && check.output.contains("this checkpoint runs"), "\(check.output)")
    #expect(check.output.contains("base     \(assets)/models/\(name)/../htc-demo"))
  }

  @Test("A trace file holds what a report of the same run says")
  func traceAndReport() throws {
    let folder = try TemporaryFolder()
    let file = folder.path("run.safetensors")
    let traced = try Program.run(["trace"] + ParityCase.arguments + ["--out", file])
    #expect(traced.status == 0, "\(traced.errors)")
    #expect(folder.contents == ["run.safetensors"])

    let fromFile = try Program.run(["report", file, "--format", "csv"])
    let fromRun = try Program.run(["report"] + ParityCase.arguments + ["--format", "csv"])
    #expect(fromFile.status == 0 && fromRun.status == 0)
    let attention = { (text: String) in text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("attention,") } }
    #expect(attention(fromFile.output).count > 36)
    #expect(attention(fromFile.output) == attention(fromRun.output))
  }

  @Test("ask streams three answers with their bill, and its JSON has every number")
  func ask() throws {
    let arguments = [ParityCase.image, ParityCase.prompt, "--model", ParityCase.directory, "--max-new-tokens", "4"]
    #expect(try Program.run(["demo", ParityCase.image]).errors.contains("needs a terminal"))
    let text = try Program.run(["ask"] + arguments + ["--then", "where is it?"])
    #expect(text.status == 0, "\(text.errors)")
    #expect(text.output.contains("no picture") && text.output.contains("part at token"))
    #expect(text.output.contains("“where is it?”") && text.output.contains("layers of state"))
    #expect(text.output.contains("is unknown: config.json has no trained_sources"))
    let json = try Program.run(["ask"] + arguments + ["--from", "voco", "--format", "json"])
    let document = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    let panel = try #require((document?["panels"] as? [[String: Any]])?.first)
    let tables = try #require(panel["tables"] as? [[String: Any]])
    let tokens = try #require(tables.first { $0["title"] as? String == "tokens" }?["rows"] as? [[Any]])
    #expect(tokens.map { $0[3] as? Int } == [25, 106, 25, 106])
    #expect(tables.contains { $0["title"] as? String == "bill, measured in this run" })
  }

  @Test("A report is JSON when asked")
  func json() throws {
    let result = try Program.run(["report"] + ParityCase.arguments + ["--format", "json"])
    #expect(result.status == 0)
    let document = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    #expect((document?["panels"] as? [Any])?.isEmpty == false)
  }

  @Test(
    "Bad input is one sentence that names the file, with exit code 1 and nothing written",
    arguments: [
      (["/no/such/picture.png"], "/no/such/picture.png"),
      (["/"], "/"),
      ([ParityCase.directory + "/config.json"], "config.json"),
      ([ParityCase.image, "--model", "/no/such/model"], "/no/such/model"),
      ([ParityCase.image, "--model", ParityCase.image], ParityCase.image),
    ])
  func badInput(arguments: [String], named: String) throws {
    let folder = try TemporaryFolder()
    for command in [["report"], ["trace", "--out", folder.path("out.safetensors")], ["inspect", "--plain"]] {
      let result = try Program.run(command + arguments)
      #expect(result.status == 1, "\(command) \(arguments)")
      #expect(result.errors.contains(named), "\(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
      #expect(result.output.isEmpty)
      #expect(folder.contents.isEmpty)
    }
  }

  @Test("A sequence without visual keys is drawn in every panel, and the paper's heat map says that there is none")
  func noVisualKeys() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: ParityCase.directory, toPath: folder.path("model"))
    let url = URL(fileURLWithPath: folder.path("model/config.json"))
    var configuration = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
    configuration["sequence"] = ["bos", "voco", "newline", "text"]
    try JSONSerialization.data(withJSONObject: configuration).write(to: url)
    let driver = try Program.open([ParityCase.image, "--model", folder.path("model"), "--max-new-tokens", "1"])
    #expect(driver.wait(for: "8 Compare"))
    _ = driver.wait(.seconds(3)) { _ in false }
    for panel in [1, 2, 3, 4, 6, 7, 8, 5] {
      driver.send("\(panel)")
      _ = driver.wait(.milliseconds(300)) { _ in false }
    }
    driver.send("zf")
    #expect(driver.wait(for: "there is nothing to draw"), "\(driver.terminal.text)")
    driver.send("q")
    #expect(driver.waitForExit() == .code(0))
  }

  @Test("A prompt too long for the model names the numbers")
  func longPrompt() throws {
    let prompt = String(repeating: "red square ", count: 1000)
    let result = try Program.run(["report", ParityCase.image, "--model", ParityCase.directory, "--prompt", prompt])
    #expect(result.status == 1)
    #expect(result.errors.contains("max_position_embeddings allows 1024"), "\(result.errors)")
  }

  @Test(
    "A wrong command line exits with 2",
    arguments: [
      ["ask", "only a question?"],
      ["--no-such-flag"], ["report"], ["trace", ParityCase.image], ["report", ParityCase.image, "--format", "xml"],
      [ParityCase.image, "--max-new-tokens=-1"], [ParityCase.image, "--top-p", "2"],
      [ParityCase.image, "--theme", "plaid"],
      [ParityCase.image, "--record", "/no/a.jsonl", "--replay", "/no/b.jsonl"],
      [ParityCase.image, "--record", "/no/a.jsonl", "--compare-prompt", "why?"],
      [ParityCase.image, "--compare-cut", "anchors"], ["view", "/no/run.safetensors", "--compare-prompt", "why?"],
      ["view", "/no/run.safetensors", "--record", "/no/a.jsonl", "--compare", "/no/other.safetensors"],
      ["report", ParityCase.image, "--lens", "--tensor", "lm_head.weight"],
      ["report", ParityCase.image, "--lens", "--compare", ParityCase.image],
      ["report", ParityCase.image, "--answer-back", "--compare-prompt", "why?"],
      ["report", ParityCase.image, "--lens", "--compare-cut", "anchors"],
      [
        "report", ParityCase.image, "--trace-map", "--donor", ParityCase.image, "--figure", "/no/a.svg", "--export",
        "/no/b.svg",
      ],
      ["verify", ParityCase.image, "--threads", "0"], ["codebook", "--threads", "1025"],
      ["probe", ParityCase.directory, "--threads", "0"], ["eval", "--threads", "0"],
    ])
  func usage(arguments: [String]) throws {
    let result = try Program.run(arguments)
    #expect(result.status == 2, "\(result.errors)")
    #expect(!result.errors.isEmpty && result.output.isEmpty)
  }

  @Test(
    "Every command but the inspector refuses --precision progressive before it opens anything",
    arguments: [
      ["inspect", "/no/a.png", "--plain"], ["report", "/no/a.png"], ["trace", "/no/a.png", "--out", "/no/a"],
      ["ask", "/no/a.png", "what?"], ["tour", "/no/a.png"], ["demo", "/no/a.png"], ["verify", "/no/a.png"],
      ["codebook", "/no/a.png"], ["probe", "/no"],
    ])
  func progressive(arguments: [String]) throws {
    let result = try Program.run(arguments + ["--precision", "progressive"])
    #expect(result.status == 2 && result.errors.contains("progressive is of the inspector"), "\(result.errors)")
  }

  @Test("Help and version are no errors")
  func help() throws {
    #expect(try Program.run(["--version"]).output.split(separator: ".").count == 3)
    let help = try Program.run(["--help"])
    #expect(help.status == 0 && help.output.contains("SUBCOMMANDS"))
  }

  @Test("Without a terminal, the inspector says what to use instead")
  func noTerminal() throws {
    let result = try Program.run(ParityCase.arguments)
    #expect(result.status == 1)
    #expect(result.errors.contains("needs a terminal") && result.errors.contains("report"))
  }

  @Test(
    "The manual names every option that a command has",
    arguments: [
      "inspect", "tour", "demo", "view", "ask", "report", "trace", "verify", "codebook", "probe", "eval", "check",
      "diff", "convert", "doctor",
    ])
  func manual(command: String) throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("assets/man/vocoscope.1").path
    let manual = try String(contentsOfFile: path, encoding: .utf8)
    let help = try Program.run(["help", command])
    #expect(help.status == 0)
    let options = help.output.matches(of: /--([a-z][a-z-]+)/).map { String($0.1) }
    #expect(options.count > 1)
    for option in options { #expect(manual.contains("Fl -\(option)"), "--\(option) of \(command)") }
  }
}
