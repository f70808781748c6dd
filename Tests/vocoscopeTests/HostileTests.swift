import Foundation
import TerminalUI
import TestSupport
import Testing

@Suite("Hostile names, prompts, pieces, questions and metadata", .serialized)
struct HostileTests {
  private static let text = HostileText.name

  /// Every command that prints, each with what is hostile in what it reads.
  private static func commands(_ hostile: HostileFolder) throws -> [[String]] {
    let folder = hostile.folder
    let few = ["--model", hostile.model, "--max-new-tokens", "4"]
    let ask = ["--prompt", text] + few
    let trace = folder.path(text + ".safetensors")
    let (state, answers) = (folder.path("s" + text), folder.path("a" + text))
    let question: [String: Any] = [
      "question_id": text, "image": URL(fileURLWithPath: hostile.picture).lastPathComponent, "text": text,
      "answer": text,
      "category": text,
    ]
    let line = String(decoding: try JSONSerialization.data(withJSONObject: question), as: UTF8.self)
    let questions = try folder.write(line + "\n", as: "q" + text + ".jsonl")
    let list = try folder.write(hostile.listed + "\n", as: "l" + text + ".txt")
    let notJSON = try folder.write("{\"\(text)\": ", as: "b" + text + ".json")
    let draws = ["--draws", "200", "--no-every-head"]
    let model = ["--model", hostile.model]
    let lora = URL(fileURLWithPath: ParityCase.directory + "/../../families/lora/").standardizedFileURL.path + "/"
    return [
      ["trace", hostile.picture, "--out", trace] + ask, ["report", trace], ["report", trace, "--format", "csv"],
      ["report", hostile.picture] + ask, ["inspect", "--plain", hostile.picture] + ask,
      ["ask", hostile.picture, text, "--then", text] + few, ["ask", hostile.picture, text, "--families"] + few,
      ["check", hostile.model],
      ["check", hostile.model, "--precision", "int8", "--images", hostile.picture, "--prompt", text],
      ["verify", hostile.picture, "--prompt", text, "--out", state] + draws + model,
      ["verify", "merge", state], ["verify", hostile.picture, "--out", state] + draws + model,
      ["report", hostile.picture, "--evidence", state] + ask, ["verify", list] + draws + model,
      ["codebook", hostile.picture, "--against", hostile.picture, "--code", "1:0"] + model,
      ["codebook", hostile.picture, "--against-model", ParityCase.directory, "--format", "csv"] + model,
      ["eval", questions, "--images", folder.root, "--out", answers] + few,
      ["eval", "merge", answers, "--out", folder.path("c" + text)],
      ["eval", questions, "--images", folder.root, "--model", answers], ["eval", notJSON] + few,
      ["eval", questions, "--images", folder.path(text)] + few, ["diff", hostile.model, ParityCase.directory, "--all"],
      ["convert", "--llm", hostile.model, "--out", folder.path("n" + text)],
      [
        "convert", "--llm", lora + "base", "--vision", lora + "vision", "--adapter", lora + "adapter", "--out",
        folder.path("o" + text),
      ],
      ["convert", "--llm", folder.path(text), "--out", folder.path("n" + text)],
      ["view", folder.path(text)], ["report", folder.path(text)], ["check", notJSON], ["check", folder.path(text)],
      [text], ["eval", "--" + text],
      ["trace", hostile.picture, "--out", folder.path("\(text)/\(text)")] + ask, ["report", questions],
      ["codebook", "--codes", list] + model,
      ["ask", hostile.picture, text, "--max-new-tokens", text], ["help", text], ["verify", folder.path(text)],
      ["demo", folder.path(text)],
    ]
  }

  @Test("No byte that any command sends into a pipe steers a terminal")
  func pipes() throws {
    let hostile = try HostileFolder()
    for command in try Self.commands(hostile) {
      let result = try Program.run(command)
      for output in [result.output, result.errors] {
        let fault = HostileText.fault(in: Array(output.utf8))
        #expect(
          fault == nil,
          "\(command.map(\.debugDescription).prefix(3)): \(fault ?? "")\n\(output.debugDescription.prefix(2000))")
      }
      #expect(
        result.status <= 2, "\(command.prefix(1)): \(result.status) \(result.errors.debugDescription.suffix(300))")
      #expect(!(result.output + result.errors).isEmpty || command[0] == "trace", "\(command.prefix(1)) says nothing")
    }
  }

  @Test("No byte that any command sends to a terminal steers it, but for its own line of progress")
  func terminals() throws {
    let hostile = try HostileFolder()
    for command in try Self.commands(hostile) where !["view", "demo", Self.text].contains(command[0]) {
      let driver = try Program.open(command)
      _ = driver.waitForExit(.seconds(120))
      let fault = HostileText.fault(in: HostileText.plain(driver.output))
      #expect(fault == nil, "\(command.map(\.debugDescription).prefix(3)): \(fault ?? "")")
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
