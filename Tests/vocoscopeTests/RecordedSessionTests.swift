import Foundation
import TerminalUI
import TestSupport
import Testing

/// Sessions of random keys, recorded in a terminal and replayed without one in another folder.
///
/// `VOCOSCOPE_SESSIONS=100 swift test -c release --filter "Recorded sessions"` runs a hundred of them; without it, two.
@Suite("Recorded sessions", .serialized)
struct RecordedSessionTests {
  private static let count = ProcessInfo.processInfo.environment["VOCOSCOPE_SESSIONS"].flatMap { Int($0) } ?? 2

  /// A folder with two pictures and the recorded checkpoint, as a person might have it.
  private static func fill(_ folder: String) throws {
    let files = FileManager.default
    try files.createDirectory(atPath: "\(folder)/pictures", withIntermediateDirectories: true)
    try files.copyItem(atPath: ParityCase.directory, toPath: "\(folder)/model")
    for name in ["a.png", "b.png"] {
      try files.copyItem(atPath: ParityCase.image, toPath: "\(folder)/pictures/\(name)")
    }
  }

  @Test(
    "A session of random keys at 200×60 has the same frames again, in another folder without a terminal",
    arguments: 0..<count)
  func replays(_ seed: Int) throws {
    let (here, there) = (try TemporaryFolder(), try TemporaryFolder())
    try Self.fill(here.path("work"))
    let arguments = [
      here.path("work/pictures/a.png"), "--model", here.path("work/model"), "--prompt", ParityCase.prompt,
      "--max-new-tokens", "3", "--threads", "1", "--record", here.path("work/session.jsonl"),
    ]
    let driver = try Program.open(arguments, size: Size(width: 200, height: 60))
    try #require(driver.wait(.seconds(60), for: "Attention"))
    var random = Numbers(UInt64(seed))
    for _ in 0..<40 {
      driver.send(Self.input(&random))
      // Some keys come in while the model works, some after.
      _ = driver.wait(.milliseconds(Int(random.next() % 3) * 40)) { _ in false }
    }
    driver.send("\u{1B}\u{1B}\u{1B}")
    _ = driver.wait(.milliseconds(300)) { _ in false }
    // The first closes a dialog where one is open.
    var exit: PtyDriver.Exit?
    for _ in 0..<3 where exit == nil {
      driver.send("q")
      exit = driver.waitForExit(.seconds(20))
    }
    try #require(exit == .code(0), "\(driver.terminal.text)")
    try FileManager.default.moveItem(atPath: here.path("work"), toPath: there.path("moved"))
    let replayed = try Program.run(["--replay", there.path("moved/session.jsonl"), "--plain"])
    #expect(replayed.status == 0 && replayed.errors.contains("each as it was recorded"), "\(seed): \(replayed.errors)")
    #expect(replayed.output.contains("── step"))
  }

  private static func input(_ random: inout Numbers) -> String {
    let keys = "123456123hjklGg[]{}amsiVQofxxXrpAFES.,dD)( vwtuUnN/?:O\r\t".map(String.init) + ["\u{1B}[A", "\u{1B}[B"]
    guard random.next() % 10 == 0 else { return keys[Int(random.next() % UInt64(keys.count))] }
    return "\u{1B}[<0;\(1 + random.next() % 200);\(1 + random.next() % 60)M"
  }

  @Test("A replay writes the screen of a step, prints it, and tells of another picture")
  func screens() throws {
    let folder = try TemporaryFolder()
    try Self.fill(folder.path("work"))
    let session = folder.path("work/session.jsonl")
    let start =
      #"{"format":"vocoscope session","version":1,"program":"0","picture":{"path":"pictures/a.png"},"#
      + #""checkpoint":{"path":"model"},"options":["--max-new-tokens","2"],"prompt":"what?","size":[100,30],"#
      + #""depth":"truecolor","unicode":true,"symbols":"half","theme":"dark","mouse":true,"workspace":"explore"}"#
    let steps = [#"{"idle":true}"#, #"{"key":"2"}"#, #"{"key":"+"}"#]
    try ([start] + steps).joined(separator: "\n").write(toFile: session, atomically: true, encoding: .utf8)
    let svg = folder.path("screen.svg")
    let first = try Program.run(["--replay", session, "--screen", svg, "--screen", folder.path("screen.txt")])
    #expect(first.status == 0 && first.output.isEmpty, "\(first.errors)")
    #expect(try String(contentsOfFile: svg, encoding: .utf8).contains("Attention"))
    let one = try Program.run(["--replay", session, "--plain", "--at", "3"])
    #expect(one.output.hasPrefix("── step 3 · key +\n") && one.output.contains("2 Attention"))
    #expect(one.output.hasSuffix(try String(contentsOfFile: folder.path("screen.txt"), encoding: .utf8)))
    #expect(try Program.run(["--replay", session, "--plain", "--at", "9"]).errors.contains("has 3 steps"))
    #expect(try Program.run(["--at", "1"]).errors.contains("go with --replay"))
    let other = start.replacingOccurrences(of: #"a.png""#, with: #"a.png","sha256":"00""#)
    try other.write(toFile: session, atomically: true, encoding: .utf8)
    let refused = try Program.run(["--replay", session, "--plain"])
    #expect(refused.status == 1 && refused.errors.contains("line 1 was recorded with pictures/a.png of SHA-256 00"))
  }

  @Test("A picture opens as it was left, unless that is not wanted")
  func reopens() throws {
    let folder = try TemporaryFolder()
    let environment = ["XDG_STATE_HOME": folder.path("state")]
    func open(_ more: [String] = []) throws -> PtyDriver {
      let driver = try Program.open(
        ParityCase.arguments + more, size: Size(width: 120, height: 36), environment: environment)
      try #require(
        driver.wait(.seconds(30)) { $0.text.contains("shown as it was left") || $0.text.contains("most in layer") },
        "\(driver.terminal.text)")
      return driver
    }
    let first = try open()
    first.send("2]}}+")
    try #require(first.wait(for: "layer 1"))
    first.send("q")
    #expect(first.waitForExit() == .code(0))
    let again = try open()
    #expect(again.wait { $0.text.contains("layer 1") && $0.text.contains("head 2") }, "\(again.terminal.text)")
    again.send("q")
    #expect(again.waitForExit() == .code(0))
    let fresh = try open(["--no-reopen"])
    #expect(fresh.terminal.text.contains("head mean"), "\(fresh.terminal.text)")
    fresh.send("q")
    #expect(fresh.waitForExit() == .code(0))
  }

  @Test("The chooser offers the pictures that were opened last in other folders, as long as they are there")
  func recent() throws {
    let folder = try TemporaryFolder()
    for place in ["one", "two", "three"] { try Self.fill(folder.path(place)) }
    for (place, name) in [("one", "dog.png"), ("two", "cow.png")] {
      try FileManager.default.moveItem(
        atPath: folder.path("\(place)/pictures/a.png"), toPath: folder.path("\(place)/pictures/\(name)"))
    }
    func open(_ path: String) throws -> PtyDriver {
      let driver = try Program.open(
        [folder.path(path), "--model", ParityCase.directory, "--max-new-tokens", "2"],
        size: Size(width: 120, height: 36), environment: ["XDG_STATE_HOME": folder.path("state")])
      try #require(driver.wait(.seconds(30), for: "most in layer"), "\(driver.terminal.text)")
      return driver
    }
    for path in ["one/pictures/dog.png", "two/pictures/cow.png"] {
      let driver = try open(path)
      driver.send("q")
      try #require(driver.waitForExit() == .code(0))
    }
    try FileManager.default.removeItem(atPath: folder.path("two/pictures/cow.png"))
    let driver = try open("three/pictures/a.png")
    driver.send("O")
    #expect(driver.wait(for: "dog.png (recent)"), "\(driver.terminal.text)")
    #expect(!driver.terminal.text.contains("cow.png"))
    driver.send("dog\r")
    #expect(
      driver.wait(.seconds(30)) { $0.text.contains("vocoscope  dog.png") && $0.text.contains("most in layer") },
      "\(driver.terminal.text)")
    driver.send("q")
    #expect(driver.waitForExit() == .code(0))
  }
}

private struct Numbers {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 33
  }
}
