import Foundation
import TerminalUI
import TestSupport
import Testing

@Suite("The inspector in a terminal", .serialized)
struct InspectorProgramTests {
  /// Opens the recorded model and waits until the answer is there.
  private func opened(size: Size = Size(width: 120, height: 36), _ more: [String] = []) throws -> PtyDriver {
    let driver = try Program.open(ParityCase.arguments + more, size: size)
    let isDone = driver.wait(.seconds(60)) {
      $0.text.contains("attention 0.0") && !$0.text.contains("running") && !$0.text.contains("not run yet")
    }
    try #require(isDone, "the run did not finish:\n\(driver.terminal.text)")
    return driver
  }

  private func expectQuit(_ driver: PtyDriver, _ exit: PtyDriver.Exit) {
    #expect(driver.waitForExit() == exit)
    #expect(driver.leftovers == [])
  }

  @Test("It opens, fills its panels, and q gives the terminal back")
  func opensAndQuits() throws {
    let driver = try opened()
    for title in ["Image", "Attention · anchors ×", "Anchors", "Mask", "Verdict"] {
      #expect(driver.terminal.text.contains(title), "\(title) is missing:\n\(driver.terminal.text)")
    }
    #expect(driver.terminal.text.contains("anecdote"))
    driver.send("q")
    expectQuit(driver, .code(0))
  }

  @Test("Memory that a run has freed goes back to the system once nothing is left to do")
  func freedMemory() throws {
    let scene = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("assets/images/scene-1.png").path
    let driver = try Program.open([scene, "--no-reopen"], size: Size(width: 120, height: 36))
    func held() throws -> Int {
      let status = try String(contentsOfFile: "/proc/\(driver.processID)/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") })
      return try #require(Int(line.filter(\.isNumber)))
    }
    try #require(driver.wait(for: "running"), "\(driver.terminal.text)")
    var most = 0
    var now = 0
    // The run takes tens of megabytes more than what is shown of it.
    let isReleased = driver.wait(.seconds(60)) { screen in
      now = (try? held()) ?? 0
      most = max(most, now)
      return !screen.text.contains("running") && now < most * 4 / 5
    }
    #expect(isReleased, "\(now) KiB of \(most) are still held")
    driver.send("q")
    expectQuit(driver, .code(0))
  }

  /// The libraries' exit handlers free what a run computes with: of a hundred such quits three ended with a fault.
  @Test("q in the middle of a run ends with code 0 whatever is being computed")
  func quitsWhileRunning() throws {
    let scene = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("assets/images/scene-1.png").path
    for moment in 0..<24 {
      let driver = try Program.open([scene, "--no-reopen"], size: Size(width: 120, height: 36))
      try #require(driver.wait(for: "running"), "\(driver.terminal.text)")
      usleep(UInt32(moment * 25_000))
      driver.send("q")
      expectQuit(driver, .code(0))
    }
  }

  @Test("Progressive shows the run of 8 bits, then the exact one in its place, and compares them; a report refuses it")
  func progressive() throws {
    // The integers are written beside the weights.
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: ParityCase.directory, toPath: folder.path("model"))
    let arguments = [ParityCase.image, "--model", folder.path("model"), "--precision", "progressive"]
    let driver = try Program.open(arguments + ["--no-reopen"], size: Size(width: 160, height: 40))
    #expect(
      driver.wait(.seconds(60)) { $0.text.contains("exact in the place of int8") && !$0.text.contains("running") },
      "\(driver.terminal.text)")
    #expect(driver.terminal.text.contains("star · exact") || !driver.terminal.text.contains("· int8"))
    driver.send("8")
    #expect(driver.wait(for: "int8"), "\(driver.terminal.text)")
    driver.send("q")
    expectQuit(driver, .code(0))
    let report = try Program.run(["report"] + arguments)
    #expect(report.status == 2 && report.errors.contains("progressive is of the inspector"), "\(report.errors)")
  }

  @Test("The cursor moves in all panels and the status line tells its numbers")
  func cursor() throws {
    let driver = try opened()
    driver.send("gll")
    #expect(driver.wait(for: "patch (0,2)"), "\(driver.terminal.text)")
    driver.send("j")
    #expect(driver.wait(for: "patch (1,2)"), "\(driver.terminal.text)")
    driver.send("q")
    expectQuit(driver, .code(0))
  }

  @Test("n goes through the pictures beside the first, by the bytes of their names, without what systems leave there")
  func neighbours() throws {
    let folder = try TemporaryFolder()
    // The two last names differ in the Unicode form of é alone.
    let names = ["a.png", "caf\u{E9}.png", "cafe\u{301}.png"]
    for name in names {
      try FileManager.default.copyItem(atPath: ParityCase.image, toPath: folder.path(name))
    }
    for name in ["._a.png", "._b.png", ".DS_Store"] {
      try Data([0, 5, 22, 7]).write(to: URL(fileURLWithPath: folder.path(name)))
    }
    let driver = try Program.open(
      [folder.path("a.png"), "--model", ParityCase.directory, "--max-new-tokens", "1"],
      size: Size(width: 120, height: 36))
    #expect(driver.wait(for: "a.png"))
    for _ in 0..<2 {
      driver.send("n")
      #expect(driver.wait(.seconds(60)) { $0.text.contains("caf") }, "\(driver.terminal.text)")
      // The names look alike, so only time tells that the second run has begun, and a key during it is refused.
      _ = driver.wait(.seconds(3)) { _ in false }
      #expect(driver.wait(.seconds(60)) { !$0.text.contains("running") }, "\(driver.terminal.text)")
    }
    driver.send("n")
    #expect(
      driver.wait(.seconds(60)) { $0.text.contains("a.png") && !$0.text.contains("caf") }, "\(driver.terminal.text)")
    driver.send("q")
    expectQuit(driver, .code(0))
  }

  @Test("Help opens and closes, and a new prompt reuses the picture")
  func helpAndPrompt() throws {
    let driver = try opened()
    driver.send("?")
    #expect(driver.wait { $0.text.contains("What works here") })
    driver.send("\u{1B}")
    #expect(driver.wait { !$0.text.contains("What works here") })
    driver.send("p")
    driver.send("\u{15}how many?\r")
    #expect(driver.wait(.seconds(60)) { $0.text.contains("how many?") && $0.text.contains("reused") })
    driver.send("q")
    expectQuit(driver, .code(0))
  }

  @Test("A code is replaced, the model runs from there, and undo takes it back")
  func editsCode() throws {
    let driver = try opened()
    driver.send("3")
    #expect(driver.wait(for: "candidate"), "\(driver.terminal.text)")
    driver.send("D")
    #expect(driver.wait(.seconds(30)) { $0.text.contains("PSNR") }, "\(driver.terminal.text)")
    driver.send("ddE")
    #expect(driver.wait(.seconds(60)) { $0.text.contains("edited: group 1") }, "\(driver.terminal.text)")
    driver.send("u")
    #expect(driver.wait { !$0.text.contains("edited: group 1") }, "\(driver.terminal.text)")
    driver.send("q")
    expectQuit(driver, .code(0))
  }

  @Test("It follows every resize, down to almost nothing and back")
  func resizes() throws {
    let driver = try opened()
    for size in [
      Size(width: 80, height: 24), Size(width: 20, height: 5), Size(width: 5, height: 2), Size(width: 200, height: 60),
    ] {
      driver.resize(size)
      #expect(driver.wait { $0.text.contains(size.width < 20 ? "term" : "patch") }, "\(size):\n\(driver.terminal.text)")
    }
    #expect(driver.wait(for: "Checkpoint"))
    driver.send("q")
    expectQuit(driver, .code(0))
  }

  @Test("A click moves the cursor")
  func mouse() throws {
    let driver = try opened()
    let before = driver.terminal.text
    driver.sendMouse(button: 0, at: Point(x: 20, y: 10))
    driver.sendMouse(button: 0, at: Point(x: 20, y: 10), isRelease: true)
    #expect(driver.wait { $0.text != before && $0.text.contains("patch (") && !$0.text.contains("patch (0,0) #0") })
    driver.send("q")
    expectQuit(driver, .code(0))
  }

  @Test("Signals end it with the terminal restored", arguments: [SIGTERM, SIGINT, SIGHUP])
  func signals(number: Int32) throws {
    let driver = try opened()
    driver.signal(number)
    expectQuit(driver, .signal(number))
  }

  @Test("A model that cannot be opened is said before the terminal is touched, or in a sentence on screen")
  func brokenModel() throws {
    let driver = try Program.open([ParityCase.image, "--model", "/no/such/model"])
    let isSaid = driver.wait(for: "/no/such/model")
    #expect(isSaid)
    driver.send("qq")
    _ = driver.waitForExit()
    #expect(driver.leftovers == [])
  }

  @Test("A trace file opens without its weights, and shows the same numbers")
  func view() throws {
    let folder = try TemporaryFolder()
    let file = folder.path("run.safetensors")
    try #require(try Program.run(["trace"] + ParityCase.arguments + ["--out", file]).status == 0)
    let live = try opened()
    let viewed = try Program.open(["view", file])
    #expect(viewed.wait(for: "rank"))
    let status = { (driver: PtyDriver) in
      driver.terminal.text.split(separator: "\n").first { $0.contains("rank") }.map { $0.split(separator: "·")[1] }
    }
    #expect(status(live) == status(viewed))
    live.send("q")
    viewed.send("q")
    expectQuit(live, .code(0))
    expectQuit(viewed, .code(0))
  }

  @Test("ASCII terminals get ASCII, monochrome ones no colour")
  func fallbacks() throws {
    let driver = try opened(["--ascii", "--color", "mono"])
    let beyondASCII = driver.terminal.text.filter { !$0.isASCII }
    #expect(beyondASCII.isEmpty, "\(driver.terminal.text)")
    #expect(!String(decoding: driver.output, as: UTF8.self).contains("\u{1B}[38;"))
    driver.send("q")
    expectQuit(driver, .code(0))
  }
}
