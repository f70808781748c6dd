import Foundation
import TerminalUI
import TestSupport
import Testing

@Suite("Hostile names, prompts, pieces, questions and metadata", .serialized)
struct HostileTests {
  private static let text = HostileText.name

  /// A command line with what is hostile in what it reads, and its exit code.
  private struct Case {
    let status: Int32
    let arguments: [String]

    init(_ status: Int32, _ arguments: [String]) {
      self.status = status
      self.arguments = arguments
    }

    init(_ arguments: [String]) { self.init(0, arguments) }

    /// Its first words, for a message.
    var name: String { "\(arguments.map(\.debugDescription).prefix(3))" }
  }

  private static let other = ParityCase.directory + "/../sharded-f16-hwc/image.png"

  /// Every command that prints.
  private static func commands(_ hostile: HostileFolder) throws -> [Case] {
    try runs(hostile) + experiments(hostile) + benchmarks(hostile) + weights(hostile) + failures(hostile)
  }

  private static func runs(_ hostile: HostileFolder) -> [Case] {
    let folder = hostile.folder
    let few = ["--model", hostile.model, "--max-new-tokens", "4"]
    let ask = ["--prompt", text] + few
    let trace = folder.path(text + ".safetensors")
    let report = ["report", hostile.picture]
    return [
      Case(["trace", hostile.picture, "--out", trace] + ask), Case(["report", trace]),
      Case(["report", trace, "--format", "csv"]),
      Case([
        "report", trace, "--export", folder.path("e" + text + ".txt"), "--export", folder.path("e" + text + ".csv"),
      ]),
      Case(1, ["report", trace, "--export", folder.path(text + "/e.npz")]),
      Case(2, ["report", trace, "--export", text]),
      Case(report + ask), Case(report + ["--lens"] + ask), Case(report + ["--answer-back", "--donor", other] + ask),
      Case(1, report + ["--answer-back", "--donor", folder.path(text)] + ask),
      Case(report + ["--trace-map", "--donor", other] + ask), Case(["inspect", "--plain", hostile.picture] + ask),
      Case(["tour", "--plain", hostile.picture] + ask), Case(["ask", hostile.picture, text, "--then", text] + few),
      Case(["ask", hostile.picture, text, "--from", "voco"] + few),
      Case(["ask", hostile.picture, text, "--families"] + few), Case(["doctor"]),
      Case(["--generate-completion-script", "bash"]), Case(["help", "report"]),
    ]
  }

  private static func experiments(_ hostile: HostileFolder) throws -> [Case] {
    let folder = hostile.folder
    let state = folder.path("s" + text)
    let list = try folder.write(hostile.listed + "\n", as: "l" + text + ".txt")
    let model = ["--model", hostile.model]
    let verify = model + ["--no-random-models"]
    let labels = try hostile.labels(besides: other)
    let series = try hostile.series()
    return [
      Case(["verify", hostile.picture, "--prompt", text, "--out", state] + verify), Case(["verify", "merge", state]),
      Case(["verify", "--merge", state, "--report", folder.path("p" + text)]),
      Case(1, ["verify", hostile.picture, "--out", state] + verify),
      Case(["report", hostile.picture, "--evidence", state, "--prompt", text, "--max-new-tokens", "4"] + model),
      Case(["verify", list, "--prompt", text, "--figure", folder.path("f" + text + ".png")] + verify),
      Case(["probe", labels, "--permutations", "19"] + model),
      Case(["probe", labels, "--permutations", "19", "--format", "csv"] + model),
      Case(1, ["probe", folder.path(text)] + model),
      Case(["codebook", hostile.picture, "--against", hostile.picture, "--code", "1:0"] + model),
      Case(["codebook", hostile.picture, "--against-model", ParityCase.directory, "--format", "csv"] + model),
      Case(["codebook", hostile.picture, "--reconstruct", "--plots", folder.path("plots" + text)] + model),
      Case(["codebook", "--series", series]),
      Case(1, ["codebook", "--codebook", text, hostile.model + "/model.safetensors"]),
      Case(1, ["codebook", "--codes", list] + model),
    ]
  }

  private static func benchmarks(_ hostile: HostileFolder) throws -> [Case] {
    let folder = hostile.folder
    let few = ["--model", hostile.model, "--max-new-tokens", "4"]
    let answers = folder.path("a" + text)
    let question: [String: Any] = [
      "question_id": text, "image": URL(fileURLWithPath: hostile.picture).lastPathComponent, "text": text,
      "answer": text, "category": text,
    ]
    let line = String(decoding: try JSONSerialization.data(withJSONObject: question), as: UTF8.self)
    let questions = try folder.write(line + "\n", as: "q" + text + ".jsonl")
    let eval = ["eval", questions, "--images", folder.root]
    return [
      Case(eval + ["--out", answers] + few), Case(["eval", "merge", answers, "--out", folder.path("c" + text)]),
      Case(eval + ["--model", answers]), Case(eval + ["--cut", "anchors"] + few),
      Case(1, eval + ["--swap", "anchors"] + few), Case(1, ["eval", questions, "--images", folder.path(text)] + few),
      Case(1, ["report", questions]),
    ]
  }

  private static func weights(_ hostile: HostileFolder) -> [Case] {
    let folder = hostile.folder
    let lora = URL(fileURLWithPath: ParityCase.directory + "/../../families/lora/").standardizedFileURL.path + "/"
    return [
      Case(["check", hostile.model, "--values"]),
      Case(["check", hostile.model, "--precision", "int8", "--images", hostile.picture, "--prompt", text]),
      Case(1, ["diff", hostile.model, ParityCase.directory, "--all"]),
      Case(2, ["diff", hostile.model, folder.path(text)]),
      Case(1, ["convert", "--llm", hostile.model, "--out", folder.path("n" + text)]),
      Case([
        "convert", "--llm", lora + "base", "--vision", lora + "vision", "--adapter", lora + "adapter", "--out",
        folder.path("o" + text),
      ]),
      Case(1, ["convert", "--llm", folder.path(text), "--out", folder.path("n" + text)]),
    ]
  }

  /// Names that are nothing's, and words that no option takes.
  private static func failures(_ hostile: HostileFolder) throws -> [Case] {
    let folder = hostile.folder
    let notJSON = try folder.write("{\"\(text)\": ", as: "b" + text + ".json")
    let model = ["--model", hostile.model]
    let names = ["view", "report", "check", "verify", "demo", "tour", "inspect"].map {
      Case(1, [$0, folder.path(text)])
    }
    return names + [
      Case(1, ["check", notJSON]), Case(1, ["eval", notJSON] + model), Case(2, ["eval", "--" + text]),
      Case(1, ["trace", hostile.picture, "--out", folder.path("\(text)/\(text)")] + model),
      Case(2, ["ask", hostile.picture, text, "--max-new-tokens", text]), Case(2, ["doctor", "--format", text]),
      Case(2, ["report", hostile.picture, "--panel", text]), Case(2, ["--generate-completion-script", text]),
      Case(0, ["help", text]), Case(1, [text]),
    ]
  }

  @Test("Hostile text is given to every command of the program")
  func everyCommand() throws {
    let hostile = try HostileFolder()
    let named = Set(try Self.commands(hostile).map { $0.arguments[0] })
    let help = try Program.run(["--help"]).output.components(separatedBy: "SUBCOMMANDS:").last ?? ""
    let commands = help.split(separator: "\n").filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
      .compactMap { $0.split(separator: " ").first.map(String.init) }.filter { $0 != "See" }
    #expect(commands.count > 12)
    #expect(commands.filter { !named.contains($0) } == [])
  }

  @Test("No byte that any command sends into a pipe steers a terminal")
  func pipes() throws {
    let hostile = try HostileFolder()
    for command in try Self.commands(hostile) {
      let result = try Program.run(command.arguments, environment: ["HOME": hostile.folder.root])
      for output in [result.output, result.errors] {
        let fault = HostileText.fault(in: Array(output.utf8))
        #expect(
          fault == nil,
          "\(command.name): \(fault ?? "")\n\(output.debugDescription.prefix(2000))")
      }
      #expect(result.status == command.status, "\(command.name): \(result.errors.debugDescription.suffix(300))")
      let isQuiet = command.arguments[0] == "trace" || command.arguments.contains("--export")
      #expect(isQuiet || !(result.output + result.errors).isEmpty, "\(command.name) says nothing")
    }
  }

  @Test("No byte that any command sends to a terminal steers it, but for its own line of progress")
  func terminals() throws {
    let hostile = try HostileFolder()
    // What would open a screen is looked at below.
    let screens = ["view", "demo", "tour", "inspect", Self.text]
    for command in try Self.commands(hostile)
    where !screens.contains(command.arguments[0]) || command.arguments.contains("--plain") {
      let driver = try Program.open(command.arguments)
      _ = driver.waitForExit(.seconds(120))
      let fault = HostileText.fault(in: HostileText.plain(driver.output))
      #expect(fault == nil, "\(command.name): \(fault ?? "")")
    }
  }

  @Test("JSON that is printed gives the texts back as they were, and is safe to look at")
  func json() throws {
    let hostile = try HostileFolder()
    let few = ["--model", hostile.model, "--max-new-tokens", "4", "--format", "json"]
    for command in [
      ["report", hostile.picture, "--prompt", Self.text] + few, ["ask", hostile.picture, Self.text] + few,
    ] {
      let result = try Program.run(command)
      #expect(result.status == 0, "\(result.errors.debugDescription)")
      #expect(HostileText.fault(in: Array(result.output.utf8)) == nil)
      let value = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
      #expect(
        Self.strings(value).contains { Array($0.utf8) == Array(Self.text.utf8) },
        "the question is not in \(command[0])'s JSON")
    }
  }

  private static func strings(_ value: Any) -> [String] {
    switch value {
    case let text as String: [text]
    case let list as [Any]: list.flatMap(strings)
    case let object as [String: Any]: object.values.flatMap(strings)
    default: []
    }
  }

  @Test(
    "The inspector draws hostile texts in every panel, and sends none of their sequences",
    arguments: ["xterm-256color", "linux"])
  func inspector(term: String) throws {
    let hostile = try HostileFolder()
    let arguments = [hostile.picture, "--model", hostile.model, "--prompt", Self.text, "--max-new-tokens", "8"]
    let driver = try Program.open(arguments, term: term)
    // Longer than the run takes; whatever is on the screen then is looked at.
    _ = driver.wait(.seconds(5)) { _ in false }
    #expect(driver.terminal.text.contains { $0.isLetter }, "nothing is drawn")
    for panel in 1...7 {
      driver.send("\(panel)")
      _ = driver.wait(.milliseconds(300)) { _ in false }
    }
    driver.send(":\u{1B}[200~\(Self.text.replacingOccurrences(of: "\u{1B}", with: ""))\u{1B}[201~")
    _ = driver.wait(.milliseconds(300)) { _ in false }
    driver.send("\u{1B}")
    _ = driver.wait(.milliseconds(300)) { _ in false }
    driver.send("q")
    #expect(driver.waitForExit() == .code(0))
    #expect(driver.leftovers == [])
    #expect(HostileText.fault(onScreen: driver.output) == nil, "\(HostileText.fault(onScreen: driver.output) ?? "")")
  }

  @Test("The tour and the demo draw hostile texts, and send none of their sequences", arguments: ["tour", "demo"])
  func guided(command: String) throws {
    let hostile = try HostileFolder()
    let driver = try Program.open(
      [command, hostile.picture, "--model", hostile.model, "--prompt", Self.text]
        + (command == "demo" ? ["--seconds", "0.2"] : ["--max-new-tokens", "8"]))
    _ = driver.wait(.seconds(5)) { _ in false }
    #expect(driver.terminal.text.contains { $0.isLetter }, "nothing is drawn")
    for _ in 0..<8 {
      driver.send(" ")
      _ = driver.wait(.milliseconds(300)) { _ in false }
    }
    driver.send("q")
    #expect(driver.waitForExit() == .code(0))
    #expect(HostileText.fault(onScreen: driver.output) == nil, "\(HostileText.fault(onScreen: driver.output) ?? "")")
  }

  @Test("A trace file whose metadata are hostile is drawn and reported without them")
  func metadata() throws {
    let hostile = try HostileFolder()
    let trace = hostile.folder.path("t.safetensors")
    let few = ["--model", hostile.model, "--max-new-tokens", "4", "--prompt", Self.text]
    try #require(try Program.run(["trace", hostile.picture, "--out", trace] + few).status == 0)
    let driver = try Program.open(["view", trace])
    #expect(driver.wait(.seconds(30)) { $0.text.contains { $0.isLetter } }, "nothing is drawn")
    _ = driver.wait(.seconds(2)) { _ in false }
    driver.send("q")
    #expect(driver.waitForExit() == .code(0))
    #expect(HostileText.fault(onScreen: driver.output) == nil, "\(HostileText.fault(onScreen: driver.output) ?? "")")
  }
}
