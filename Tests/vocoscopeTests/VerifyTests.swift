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
    #expect(result.errors.isEmpty)
    let report = try object(result.output)
    for name in ["attends", "contributes", "causes"] {
      let tier = try #require(report[name] as? [String: Any])
      let verdict = try #require(tier["verdict"] as? String)
      #expect(["no", "undecided"].contains(verdict), "\(name): \(tier)")
      #expect(tier["measured"] as? Bool == true)
      let interval = try #require(tier["interval"] as? [Double])
      let effect = try #require(tier["effect"] as? Double)
      #expect(interval.count == 2 && interval[0] <= effect && effect <= interval[1])
      #expect(tier["n"] as? Int == 6)
    }
    let controls = try #require(report["controls"] as? [String: [String: Any]])
    #expect(Set(controls.keys) == ["order", "content", "blank", "random_weights"])
    for (name, control) in controls {
      #expect(control["passed"] is Bool && control["measured"] as? Bool == true, "\(name): \(control)")
      #expect((control["sentence"] as? String)?.isEmpty == false)
    }
    #expect(controls["random_weights"]?["passed"] as? Bool == false)
    #expect((controls["random_weights"]?["sentence"] as? String)?.contains("of 39 randomly weighted models") == true)
    #expect(report["anecdote"] as? Bool == true)
    #expect(report["seed"] as? Int == 7)
    let provenance = try #require(report["provenance"] as? [String: Any])
    #expect(provenance["modelName"] as? String == "star-png")
    #expect((provenance["configSHA256"] as? String)?.count == 64)
    #expect(provenance["draws"] as? Int == 200 && (provenance["picturesSHA256"] as? String)?.count == 64)
    try checkMeasurements(report)
    try checkPage(report, folder.path("report"), printed: result.output)
  }

  /// Maps and rows of the shape of the recorded model: 3 layers of 4 heads, 4 anchors and 36 patches.
  private func checkMeasurements(_ report: [String: Any]) throws {
    let measurements = try #require(report["measurements"] as? [String: Any])
    let maps = try #require(measurements["maps"] as? [String: Any])
    for name in ["lift", "norm_weighted_lift", "head_kl", "head_matched_kl"] {
      let map = try #require(maps[name] as? [[Double]], "\(name)")
      #expect(map.count == 3 && map.allSatisfy { $0.count == 4 && $0.allSatisfy { $0 >= 0 } }, "\(name)")
    }
    #expect((maps["layer_kl"] as? [Double])?.count == 3)
    let rows = try #require(measurements["rows"] as? [[String: Any]])
    #expect(rows.map { $0["index"] as? Int } == [0, 1, 2, 3, 4, 5])
    #expect(rows.allSatisfy { ($0["anchors"] as? [Double])?.count == 4 && ($0["patches"] as? [Double])?.count == 36 })
    let names = Set((measurements["numbers"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String })
    let expected = [
      "attends.lift", "attends.lift_over_uniform", "attends.entropy", "attends.rank_4", "attends.lift_behind",
      "attends.lift_swapped", "contributes.lift", "contributes.rollout", "causes.kl", "causes.kl_matched",
      "causes.kl_largestNorm", "causes.kl_mostAttended", "causes.kl_nearest", "causes.kl_all_patches", "causes.kl_zero",
      "causes.kl_mean", "causes.kl_resample", "causes.kl_content", "causes.kl_shuffled", "causes.logit_difference",
      "causes.cosine", "causes.answer_changed",
    ]
    #expect(names.isSuperset(of: expected), "\(Set(expected).subtracting(names))")
  }

  /// The page quotes the JSON, and its figures are there.
  private func checkPage(_ report: [String: Any], _ directory: String, printed: String) throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    #expect(files == ["EVIDENCE.md", "attention.png", "causes.png", "evidence.json", "paper.png"])
    #expect(try String(contentsOfFile: directory + "/evidence.json", encoding: .utf8) == printed)
    let page = try String(contentsOfFile: directory + "/EVIDENCE.md", encoding: .utf8)
    let conclusion = try #require(report["conclusion"] as? String)
    #expect(page.contains("**\(conclusion)**"))
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
    #expect(kept.contains("scene-1.png") && !kept.contains("scene-6.png"))
    let resumed = try verify(["--out", state])
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(resumed.output == whole.output)
    #expect(folder.contents == ["state.jsonl"])

    let other = try verify(["--out", state, "--prompt", "how many?"])
    #expect(other.status == 1)
    #expect(other.errors.contains("state.jsonl: is of another run: prompt"), "\(other.errors)")
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
    #expect(content?["measured"] as? Bool == false && content?["passed"] as? Bool == false)
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
      [], ["a.png", "--draws", "199"], ["a.png", "--figure", "figure.jpg"],
      ["a.png", "--shard", "1/2", "--out", "s.jsonl", "--report", "r"], ["a.png", "--shard", "1/2"],
      ["a.png", "--shard", "3/2", "--out", "s.jsonl"],
    ])
  func usage(arguments: [String]) throws {
    let result = try Program.run(["verify"] + arguments)
    #expect(result.status == 2, "\(result.errors)")
    #expect(!result.errors.isEmpty && result.output.isEmpty)
  }
}
