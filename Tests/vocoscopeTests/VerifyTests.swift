import Foundation
import TestSupport
import Testing

@Suite("The verdict over many pictures", .serialized)
struct VerifyTests {
  /// The bundled pictures, which differ in size and kind.
  private static let pictures: [String] = {
    let assets = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("assets/images")
    return (1...6).map { assets.appendingPathComponent("scene-\($0).png").path }
  }()

  private func verify(_ arguments: [String], pictures: [String] = pictures) throws -> Program.Result {
    try Program.run(["verify"] + pictures + ["--model", ParityCase.directory] + arguments)
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test("A model with random weights is never said to prioritise the anchors, and every control is reported")
  func randomWeights() throws {
    let folder = try TemporaryFolder()
    let result = try verify(["--format", "json", "--seed", "7", "--report", folder.path("report")])
    #expect(result.status == 0, "\(result.errors)")
    let said = result.errors.split(separator: "\n")
    #expect(!said.isEmpty && said.allSatisfy { $0.hasPrefix("The random control: 39 models") }, "\(result.errors)")
    let report = try object(result.output)
    for name in ["attends", "contributes", "causes"] {
      let tier = try #require(report[name] as? [String: Any])
      #expect(tier["verdict"] as? String == "undecided", "\(name): \(tier)")
      #expect(tier["n"] as? Int == 6 && tier.keys.contains("smallest_detectable"))
      guard let interval = tier["interval"] as? [Double], let effect = tier["effect"] as? Double else { continue }
      #expect(interval.count == 2 && interval[0] <= effect && effect <= interval[1])
    }
    let causes = try #require(report["causes"] as? [String: Any])
    for key in [
      "content", "steering", "edges", "total", "sufficiency", "presence", "scale", "left_out", "donors", "flips",
      "path",
    ] {
      #expect(causes.keys.contains(key), "\(key)")
    }
    let controls = try #require(report["controls"] as? [String: [String: Any]])
    #expect(Set(controls.keys) == ["order", "content", "blank", "random_weights"])
    for (name, control) in controls {
      #expect(control.keys.contains("passed") && (control["sentence"] as? String)?.isEmpty == false, "\(name)")
    }
    #expect(report["anecdote"] as? Bool == true && report["seed"] as? Int == 7)
    #expect((report["headline"] as? String)?.isEmpty == false && (report["voco_tokens"] as? [Any])?.count == 1)
    #expect(report["live_layers"] as? [Int] == [0, 1])
    let provenance = try #require(report["provenance"] as? [String: Any])
    #expect(provenance["modelName"] as? String == "star-png" && (provenance["configSHA256"] as? String)?.count == 64)
    #expect(provenance["randomModels"] as? Int == 39 && (provenance["picturesSHA256"] as? String)?.count == 64)
    try checkMaps(report)
    try checkPage(report, folder.path("report"), printed: result.output)
  }

  /// Maps and rows of the shape of the recorded model: 3 layers of 4 heads, 4 anchors and 36 patches.
  private func checkMaps(_ report: [String: Any]) throws {
    let maps = try #require(report["maps"] as? [String: Any])
    for name in ["lift", "same_position"] {
      let map = try #require(maps[name] as? [[Double]], "\(name)")
      #expect(map.count == 2 && map.allSatisfy { $0.count == 4 && $0.allSatisfy { $0 >= 0 } }, "\(name)")
    }
    let rows = try #require(report["rows"] as? [[String: Any]])
    #expect(rows.map { $0["index"] as? Int } == [0, 1, 2, 3, 4, 5])
    #expect(rows.allSatisfy { ($0["anchors"] as? [Double])?.count == 4 && ($0["patches"] as? [Double])?.count == 36 })
  }

  /// The page quotes the JSON, and its figures are there.
  private func checkPage(_ report: [String: Any], _ directory: String, printed: String) throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    let figures = ["attention", "causes", "paper"].flatMap { name in ["pdf", "png", "svg"].map { "\(name).\($0)" } }
    #expect(files == ["EVIDENCE.md", "evidence.json"].reduce(into: figures) { $0.append($1) }.sorted())
    #expect(try String(contentsOfFile: directory + "/evidence.json", encoding: .utf8) == printed)
    let page = try String(contentsOfFile: directory + "/EVIDENCE.md", encoding: .utf8)
    let headline = try #require(report["headline"] as? String)
    let conclusion = try #require(report["conclusion"] as? String)
    #expect(page.contains("**\(headline)**") && page.contains(conclusion))
    for name in ["attends", "contributes", "causes"] {
      let tier = try #require(report[name] as? [String: Any])
      let (sentence, rule) = (try #require(tier["sentence"] as? String), try #require(tier["rule"] as? String))
      #expect(page.contains(sentence) && page.contains(rule))
    }
    for file in files where file.hasSuffix(".png") { #expect(page.contains("](\(file))")) }
  }

  @Test("A run that was killed goes on where it was and prints the bytes of an uninterrupted one")
  func resumes() throws {
    let folder = try TemporaryFolder()
    let whole = try verify([])
    #expect(whole.status == 0, "\(whole.errors)")

    let state = folder.path("state.jsonl")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try PtyDriver.builtProduct("vocoscope"))
    process.arguments = ["verify"] + Self.pictures + ["--model", ParityCase.directory, "--out", state]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    while process.isRunning, (try? String(contentsOfFile: state, encoding: .utf8).contains("scene-")) != true {
      usleep(2000)
    }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    try #require(process.terminationReason == .uncaughtSignal)

    let kept = try String(contentsOfFile: state, encoding: .utf8)
    #expect(kept.contains("scene-1.png") && !kept.contains("\"scene-6.png\""))
    let resumed = try verify(["--out", state])
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(resumed.output == whole.output)
    #expect(folder.contents == ["state.jsonl"])

    let other = try verify(["--out", state, "--prompt", "how many?"])
    #expect(other.status == 1)
    #expect(other.errors.contains("state.jsonl: is of another run: prompts"), "\(other.errors)")
  }

  @Test("Parts put together say what one run says, in whatever order they come")
  func merges() throws {
    let folder = try TemporaryFolder()
    let list = folder.path("pictures.txt")
    try Self.pictures.joined(separator: "\n").write(toFile: list, atomically: true, encoding: .utf8)
    let states = (1...2).map { folder.path("part-\($0).jsonl") }
    for (index, state) in states.enumerated() {
      let part = try verify(["--shard", "\(index + 1)/2", "--out", state], pictures: [list])
      #expect(part.status == 0 && part.output.isEmpty, "\(part.errors)")
    }
    let whole = try verify(["--format", "csv"])
    for words in [["merge"] + states, ["--merge"] + states.reversed()] {
      let merged = try Program.run(["verify"] + words + ["--format", "csv"])
      #expect(merged.status == 0, "\(merged.errors)")
      #expect(merged.output == whole.output)
    }

    let figure = folder.path("figure.png")
    let drawn = try Program.run(["verify", "--merge"] + states + ["--figure", figure])
    #expect(drawn.status == 0 && FileManager.default.fileExists(atPath: figure), "\(drawn.errors)")

    let half = try Program.run(["verify", "--merge", states[0]])
    #expect(half.status == 1 && half.errors.contains("part 2/2 is missing"), "\(half.errors)")
    let twice = try Program.run(["verify", "--merge", states[0], states[0]])
    #expect(twice.status == 1 && twice.errors.contains("holds part 1/2"), "\(twice.errors)")
  }

  @Test("Parts that are prepared first write the evidence.json of one run, random models included")
  func prepared() throws {
    let folder = try TemporaryFolder()
    let whole = try verify(["--report", folder.path("whole")])
    #expect(whole.status == 0, "\(whole.errors)")
    for part in 1...2 {
      let result = try verify(["--prepare", folder.path("prepared"), "--shard", "\(part)/2"])
      #expect(result.status == 0 && result.output.isEmpty && result.errors.isEmpty, "\(result.errors)")
    }
    let states = (1...2).map { folder.path("part-\($0).jsonl") }
    for (index, state) in states.enumerated() {
      let result = try verify([
        "--prepared", folder.path("prepared"), "--shard", "\(index + 1)/2", "--out", state,
      ])
      #expect(result.status == 0 && result.errors.hasPrefix("The random control"), "\(result.errors)")
    }
    let merged = try Program.run(["verify", "merge"] + states + ["--report", folder.path("merged")])
    #expect(merged.status == 0 && merged.output == whole.output, "\(merged.errors)")
    let evidence = { (name: String) in try String(contentsOfFile: folder.path("\(name)/evidence.json"), encoding: .utf8)
    }
    #expect(try evidence("merged") == evidence("whole"))

    let other = try verify(["--prepared", folder.path("prepared"), "--prompt", "how many?"])
    #expect(other.status == 1 && other.errors.contains("is of another run: prompts"), "\(other.errors)")
  }

  @Test("The same picture twice is one observation, and one picture decides nothing")
  func onePicture() throws {
    let result = try verify(["--format", "json"], pictures: [Self.pictures[0], Self.pictures[0]])
    #expect(result.status == 0, "\(result.errors)")
    let report = try object(result.output)
    #expect(report["n"] as? Int == 1)
    for name in ["attends", "contributes", "causes"] {
      #expect((report[name] as? [String: Any])?["verdict"] as? String == "undecided")
    }
    let content = (report["controls"] as? [String: [String: Any]])?["content"]
    #expect(content?["passed"] is NSNull)
  }

  @Test("A state that was tampered with is refused by file, line and field")
  func damagedState() throws {
    let folder = try TemporaryFolder()
    let state = folder.path("state.jsonl")
    let made = try verify(["--out", state, "--no-random-models"], pictures: Array(Self.pictures.prefix(2)))
    #expect(made.status == 0, "\(made.errors)")
    let text = try String(contentsOfFile: state, encoding: .utf8)
    let line = try #require(text.split(separator: "\n").firstIndex { $0.hasPrefix("{\"picture\"") }) + 1
    let cases: [(String, String, String)] = [
      ("\"pictures\":2", "\"pictures\":-5", "line 1: pictures is -5"),
      ("\"randomModels\":0", "\"randomModels\":-1", "line 1: randomModels is -1"),
      ("\"layers\":3", "\"layers\":9000000000", "line 1: layers is 9000000000"),
      ("\"logLift\":", "\"logLift\":1e300,\"old\":", "line \(line): vocos[0].attends.logLift is 1e+300"),
      ("\"anchors\":[", "\"anchors\":[],\"old\":[", "line \(line): row.anchors is a list of 0"),
      ("\"vocos\":", "\"other\":", "line \(line): "),
    ]
    for (found, replaced, sentence) in cases {
      let changed = folder.path("changed.jsonl")
      let place = try #require(text.range(of: found), "\(found)")
      try text.replacingCharacters(in: place, with: replaced).write(toFile: changed, atomically: true, encoding: .utf8)
      let result = try Program.run(["verify", "--merge", changed])
      #expect(result.status == 1 && result.errors.contains("changed.jsonl, \(sentence)"), "\(result.errors)")
    }
  }

  @Test("What cannot be read is one sentence that names the file, with exit code 1")
  func badInput() throws {
    let folder = try TemporaryFolder()
    let empty = folder.path("empty")
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
    let broken = folder.path("broken.png")
    try Data([0x89, 0x50, 0x4E, 0x47]).write(to: URL(fileURLWithPath: broken))
    let list = folder.path("list.txt")
    try "absent.png\n".write(toFile: list, atomically: true, encoding: .utf8)
    let cases = [
      ([empty], "empty: holds no PNG or JPEG"), ([broken], "broken.png"), ([list], "absent.png: no such file"),
      (["--merge", ParityCase.image], "image.png: is not a file that"),
      ([ParityCase.image, "--out", "/no/such/folder/state"], "/no/such/folder/state"),
      ([ParityCase.image, "--out", list], "list.txt: is not a file that"),
    ]
    for (arguments, sentence) in cases {
      let result = try verify([], pictures: arguments)
      #expect(result.status == 1, "\(arguments)")
      #expect(result.errors.contains(sentence), "\(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1 && result.output.isEmpty, "\(result.errors)")
    }
    #expect(try String(contentsOfFile: list, encoding: .utf8) == "absent.png\n")
    let noAnchors = URL(fileURLWithPath: ParityCase.directory).deletingLastPathComponent()
      .appendingPathComponent("voco-causal-bf16").path
    let result = try Program.run(["verify", ParityCase.image, "--model", noAnchors])
    #expect(result.status == 1 && result.errors.contains("no anchors"), "\(result.errors)")
  }

  @Test(
    "A wrong command line exits with 2",
    arguments: [
      [], ["a.png", "--prompt", "what", "--prompt", "what"], ["a.png", "--figure", "figure.jpg"],
      ["a.png", "--shard", "1/2", "--out", "s.jsonl", "--report", "r"], ["a.png", "--shard", "1/2"],
      ["a.png", "--shard", "3/2", "--out", "s.jsonl"], ["a.png", "--prepare", "d", "--prepared", "d"],
      ["a.png", "--prepare", "d", "--out", "s.jsonl"],
    ])
  func usage(arguments: [String]) throws {
    let result = try Program.run(["verify"] + arguments)
    #expect(result.status == 2, "\(result.errors)")
    #expect(!result.errors.isEmpty && result.output.isEmpty)
  }
}
