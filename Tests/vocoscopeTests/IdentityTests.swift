import Foundation
import TestSupport
import Testing

@Suite("Memory that a file can take")
struct ProportionTests {
  /// The exit code of a run, and the most memory that it held, in bytes.
  private func peak(_ arguments: [String], home: String) throws -> (status: Int32, bytes: Int) {
    let words = [try PtyDriver.builtProduct("vocoscope")] + arguments
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for stream in Int32(0)...2 { posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0) }
    var (arguments, environment) = (words.map { strdup($0) } + [nil], [strdup("HOME=\(home)"), nil])
    defer { for text in arguments + environment { free(text) } }
    var process: pid_t = 0
    try #require(posix_spawn(&process, words[0], &actions, nil, &arguments, &environment) == 0)
    // What wait4 reports holds the memory of whoever starts a program, and the tests beside this one take theirs. The program's
    // own highest mark only rises, so its last reading is the peak but for what is taken in the last fraction of a millisecond.
    var (status, bytes): (Int32, Int) = (0, 0)
    while true {
      let ended = waitpid(process, &status, WNOHANG)
      if ended == process { break }
      try #require(ended == 0)
      bytes = max(bytes, Self.highestMark(process))
      usleep(300)
    }
    try #require(status & 0x7F == 0)
    return (status >> 8 & 0xFF, bytes)
  }

  /// The most that a running program has held resident, in bytes; 0 once it has ended.
  private static func highestMark(_ process: pid_t) -> Int {
    let lines = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8))?.split(separator: "\n") ?? []
    let mark = lines.first { $0.hasPrefix("VmHWM:") }?.split(separator: " ").dropFirst().first
    return mark.flatMap { Int($0) }.map { $0 << 10 } ?? 0
  }

  /// A directory like the recorded checkpoint, with `bytes` as its `file`.
  private func checkpoint(_ folder: TemporaryFolder, _ file: String, _ bytes: Data) throws -> String {
    let model = folder.path("model")
    try FileManager.default.copyItem(atPath: ParityCase.directory, toPath: model)
    try bytes.write(to: URL(fileURLWithPath: "\(model)/\(file)"))
    return model
  }

  private static func header(_ text: String) -> Data {
    withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { Data($0) } + Data(text.utf8)
  }

  /// What is dense: a few bytes of text or pickle for each value that is made of them.
  private static let texts: [(name: String, text: String)] = [
    ("numbers", "[" + String(repeating: "0,", count: 4 << 20) + "0]"),
    ("lists", "[" + String(repeating: "[],", count: 3 << 20) + "0]"),
    ("strings", "[" + String(repeating: "\"\",", count: 3 << 20) + "0]"),
    ("objects", "[" + String(repeating: "{},", count: 3 << 20) + "0]"),
    ("keys", "{" + (0..<600_000).map { "\"\($0)\":0" }.joined(separator: ",") + "}"),
    ("levels", String(repeating: "[", count: 8 << 20)),
  ]

  @Test("Dense JSON takes at most 64 MiB and eight times its size, wherever it stands", arguments: texts.indices)
  func json(index: Int) throws {
    let folder = try TemporaryFolder()
    let text = Self.texts[index].text
    let base = try peak(["check", ParityCase.directory], home: folder.root).bytes
    try #require(base > 0)
    let model = try checkpoint(folder, "config.json", Data(text.utf8))
    try Self.header(text).write(to: URL(fileURLWithPath: folder.path("w.safetensors")))
    _ = try folder.write(text, as: "q.jsonl")
    try FileManager.default.createDirectory(
      atPath: folder.path(".config/vocoscope"), withIntermediateDirectories: true)
    _ = try folder.write(text, as: ".config/vocoscope/config.json")
    let runs = [
      ["check", model], ["codebook", "--model", folder.path("w.safetensors")], ["eval", folder.path("q.jsonl")],
      ["verify", "--merge", folder.path("q.jsonl")], ["doctor"],
    ]
    for run in runs {
      let found = try peak(run, home: folder.root)
      #expect(found.status == (run == ["doctor"] ? 0 : 1), "\(run)")
      #expect(found.bytes <= base + 64 << 20 + 8 * text.utf8.count, "\(Self.texts[index].name) \(run): \(found.bytes)")
    }
  }

  @Test("A few bytes that stand for many pixels take no more than the model's input does")
  func picture() throws {
    let folder = try TemporaryFolder()
    let run = { (picture: String) in ["report", picture, "--model", ParityCase.directory, "--max-new-tokens", "1"] }
    let base = try peak(run(ParityCase.image), home: folder.root).bytes
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("ImageLoadingTests/Fixtures/white1-32768x5461.png").path
    let found = try peak(run(fixtures), home: folder.root)
    #expect(found.status == 1 && found.bytes <= base + 16 << 20, "\(found.bytes) of \(base)")
  }
}

/// What a result names of the run that it came from.
@Suite("Which run a result is of")
struct IdentityTests {
  private let folder: TemporaryFolder
  private let model: String
  private static let pictures = [1, 2].map { number in
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("assets/images/scene-\(number).png").path
  }

  init() throws {
    folder = try TemporaryFolder()
    model = folder.path("model")
    try FileManager.default.copyItem(atPath: ParityCase.directory, toPath: model)
  }

  private func run(_ arguments: [String]) throws -> Program.Result {
    try Program.run(arguments, environment: ["HOME": folder.path("home")])
  }

  @Test("A trace keeps kernel, threads and sampling, and report prints them; the model's numbers do not depend on them")
  func computation() throws {
    let sampled = ["--temperature", "0.5", "--top-p", "0.75", "--seed", "7", "--threads", "1"]
    let ask = [ParityCase.image, "--model", model, "--max-new-tokens", "1"]
    for (name, options) in [("greedy", []), ("sampled", sampled)] {
      let result = try run(["trace"] + ask + options + ["--out", folder.path("\(name).safetensors")])
      #expect(result.status == 0, "\(result.errors)")
    }
    let sampledText = try run(["report", folder.path("sampled.safetensors"), "--panel", "image"]).output
    #expect(sampledText.contains("temperature 0.5, top-p 0.75, seed 7"), "\(sampledText)")
    #expect(sampledText.contains("OpenBLAS") && sampledText.contains(", 1 thread"), "\(sampledText)")
    let greedy = try run(["report", folder.path("greedy.safetensors"), "--panel", "image"]).output
    #expect(greedy.contains("greedy") && !greedy.contains("temperature"), "\(greedy)")
    let attention = try ["greedy", "sampled"].map {
      try run(["report", folder.path("\($0).safetensors"), "--panel", "attention", "--format", "csv"]).output
    }
    #expect(attention[0] == attention[1] && attention[0].count > 100)
  }

  private func verified(_ options: [String] = []) throws -> String {
    let state = folder.path("state.jsonl")
    let result = try run(
      ["verify"] + Self.pictures + ["--model", model, "--no-random-models", "--out", state] + options)
    #expect(result.status == 0, "\(result.errors)")
    return state
  }

  private func report(_ state: String, _ options: [String] = []) throws -> Program.Result {
    try run(
      [
        "report", Self.pictures[0], "--model", model, "--max-new-tokens", "1", "--evidence", state, "--panel",
        "verdict",
      ]
        + options)
  }

  @Test("Evidence of another precision, configuration or weights is refused by that name")
  func evidence() throws {
    let state = try verified()
    #expect(try report(state).status == 0)
    let precision = try report(state, ["--precision", "int8"])
    #expect(
      precision.status == 1 && precision.errors.contains("state.jsonl: is of precision exact, expected int8"),
      "\(precision.errors)")

    let configuration = URL(fileURLWithPath: model + "/config.json")
    let text = try String(contentsOf: configuration, encoding: .utf8)
    try (text + "\n").write(to: configuration, atomically: true, encoding: .utf8)
    let configured = try report(state)
    #expect(configured.status == 1 && configured.errors.contains("is of config.json "), "\(configured.errors)")
    try text.write(to: configuration, atomically: true, encoding: .utf8)

    try changeWeights()
    let weighed = try report(state)
    #expect(weighed.status == 1 && weighed.errors.contains("is of weights "), "\(weighed.errors)")
  }

  @Test("Evidence of another prompt is shown, and the panel says of which its cause was measured")
  func prompt() throws {
    let state = try verified(["--prompt", "how many?"])
    let other = try report(state)
    #expect(other.status == 0 && other.output.contains("measured with “how many?”, not with this prompt"), "\(other)")
    let same = try report(state, ["--prompt", "how many?"])
    #expect(same.status == 0 && !same.output.contains("not with this prompt"), "\(same)")
  }

  @Test("A state of one precision is not gone on with in another")
  func precision() throws {
    let state = try verified()
    let result = try run(
      ["verify"] + Self.pictures + ["--model", model, "--no-random-models", "--precision", "int8", "--out", state])
    #expect(
      result.status == 1 && result.errors.contains("is of another run: precision is exact in it, expected int8"),
      "\(result.errors)")
  }

  /// One bit of the last weight.
  private func changeWeights() throws {
    let path = URL(fileURLWithPath: model + "/model.safetensors")
    var bytes = try Data(contentsOf: path)
    bytes[bytes.count - 3] ^= 1
    try bytes.write(to: path)
  }

  @Test("--verify-hash reads the weights again, and names a file of which another digest was kept")
  func verifyHash() throws {
    let weights = model + "/model.safetensors"
    // A digest is kept only of a file that has not just been written.
    var times = [timespec(tv_sec: 1_700_000_000, tv_nsec: 0), timespec(tv_sec: 1_700_000_000, tv_nsec: 0)]
    utimensat(AT_FDCWD, weights, &times, 0)
    sleep(3)
    let ask = [
      "trace", ParityCase.image, "--model", model, "--max-new-tokens", "0", "--out", folder.path("t.safetensors"),
    ]
    try #require(try run(ask).status == 0)
    let cache = folder.path("home/.cache/vocoscope/sha256")
    let kept = try #require(try FileManager.default.contentsOfDirectory(atPath: cache).first)
    let entry = URL(fileURLWithPath: "\(cache)/\(kept)")
    let text = try String(contentsOf: entry, encoding: .utf8)
    let digest = try #require(text.split(separator: "\n").dropFirst().first)
    let wrong = text.replacing(digest, with: String(repeating: "0", count: 64))
    try wrong.write(to: entry, atomically: true, encoding: .utf8)
    let trusting = try run(ask)
    #expect(trusting.status == 0 && trusting.errors.isEmpty)
    #expect(try traceText().contains(String(repeating: "0", count: 64)))
    let checking = try run(ask + ["--verify-hash"])
    #expect(
      checking.status == 0
        && checking.errors.contains("model.safetensors: its bytes have another SHA-256 than an earlier run kept"),
      "\(checking.errors)")
    #expect(try traceText().contains(String(digest)))
    #expect(try String(contentsOf: entry, encoding: .utf8) == text)
    #expect(try run(ask + ["--verify-hash"]).errors.isEmpty)
    try wrong.write(to: entry, atomically: true, encoding: .utf8)
    let listing = try run(["check", model, "--verify-hash"])
    #expect(
      listing.status == 0 && listing.errors.contains("model.safetensors: its bytes have another SHA-256"),
      "\(listing.errors)")
  }

  /// The header of the trace that was written last.
  private func traceText() throws -> String {
    String(
      decoding: try Data(contentsOf: URL(fileURLWithPath: folder.path("t.safetensors"))).prefix(8000), as: UTF8.self)
  }

  @Test(
    "A limit of open files that no run gets by with ends the program with a sentence",
    arguments: [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 24])
  func descriptors(limit: Int) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    let program = try PtyDriver.builtProduct("vocoscope")
    // The shell's redirections are made before the limit, which holds from the exec on.
    let script = "exec 2>'\(folder.path("errors"))' >/dev/null; ulimit -n \(limit); exec \"$0\" \"$@\""
    process.arguments = [
      "-c", script, program, "report", ParityCase.image, "--model", model, "--max-new-tokens", "1",
    ]
    process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
    try process.run()
    process.waitUntilExit()
    let errors = try String(contentsOfFile: folder.path("errors"), encoding: .utf8)
    #expect(process.terminationReason == .exit, "\(errors)")
    if limit >= 16 {
      #expect(process.terminationStatus == 0, "\(errors)")
    } else if process.terminationStatus != 0 {
      let lines = errors.split(separator: "\n")
      #expect(process.terminationStatus == 1 && lines.count == 1, "\(errors)")
      #expect(errors.contains("open files"), "\(errors)")
    }
  }

  /// Of six conversions with at most 14 open files four ended with a trap.
  @Test("A limit that leaves too few files to answer signals refuses to write, with a sentence", arguments: 12...24)
  func descriptorsOfOutput(limit: Int) throws {
    let parts = URL(fileURLWithPath: ParityCase.directory).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("families/lora").path
    let out = folder.path("converted-\(limit)")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    let errorsFile = folder.path("errors-\(limit)")
    let script = "exec 2>'\(errorsFile)' >/dev/null; ulimit -n \(limit); exec \"$0\" \"$@\""
    process.arguments = [
      "-c", script, try PtyDriver.builtProduct("vocoscope"), "convert", "--llm", "\(parts)/base", "--vision",
      "\(parts)/vision", "--adapter", "\(parts)/adapter", "--out", out,
    ]
    process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "SWIFT_BACKTRACE": "enable=no"]
    try process.run()
    process.waitUntilExit()
    let errors = try String(contentsOfFile: errorsFile, encoding: .utf8)
    #expect(process.terminationReason == .exit, "\(errors)")
    if process.terminationStatus != 0 {
      #expect(process.terminationStatus == 1 && errors.split(separator: "\n").count == 1, "\(errors)")
      #expect(!FileManager.default.fileExists(atPath: out))
    }
  }
}
