import ArgumentParser
import Foundation
import TerminalUI
import TestSupport

/// What a person waits for: the picture, the answer, the next frame. Measured on the real program in a terminal.
struct InspectorBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspector",
    abstract: "Milliseconds from start to picture and to the finished run, and from key to frame; peak memory.")

  @Argument(help: "A PNG or JPEG picture.")
  var image: String

  @Option(help: "Checkpoint directory.")
  var model: String

  @Option(help: "Starts to take the median of.")
  var starts = 5

  @Option(help: "Keys to press.")
  var keys = 400

  func run() throws {
    var (picture, finished, frames) = (Sample(), Sample(), Sample())
    var memory = 0
    for start in 0..<starts {
      let began = ContinuousClock.now
      let driver = try PtyDriver(
        executable: PtyDriver.builtProduct("vocoscope"), arguments: [image, "--model", model, "--no-reopen"],
        environment: [
          "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "COLORTERM": "truecolor", "HOME": "/nonexistent",
          "PATH": "/usr/bin:/bin",
        ],
        size: Size(width: 200, height: 60))
      guard driver.wait(until: { $0.text.contains("▀▀▀▀") || $0.text.contains("▄▄▄▄") }) else { throw Stuck(driver) }
      picture.add((ContinuousClock.now - began).seconds)
      guard driver.wait(.seconds(120), until: { $0.text.contains(" → “") && !$0.text.contains("running") })
      else { throw Stuck(driver) }
      finished.add((ContinuousClock.now - began).seconds)
      if start == starts - 1 { try press(driver, &frames) }
      memory = max(memory, memoryStatus("VmHWM", of: "\(driver.processID)"))
      driver.send("q")
      _ = driver.waitForExit()
    }
    print(picture.milliseconds("start to picture"))
    print(finished.milliseconds("start to finished run"))
    print(frames.milliseconds("key to new frame, 200×60"))
    for key in slowest(frames) { print("  \(key)") }
    print("peak resident memory         \(memory >> 20) MiB")
  }

  /// Keys that all change the screen: they move the cursor, go through the layers and change the scale.
  private static let cycle = Array("lj]lj]shk[hk[ss")

  /// The five keys that took longest, in words.
  private func slowest(_ frames: Sample) -> [String] {
    frames.values.enumerated().sorted { $0.element > $1.element }.prefix(5).map { press in
      let milliseconds = (press.element * 10_000).rounded() / 10
      return "'\(Self.cycle[press.offset % Self.cycle.count])', key \(press.offset + 1): \(milliseconds) ms"
    }
  }

  /// Presses keys that all change the screen, one after the other's frame has arrived.
  private func press(_ driver: PtyDriver, _ frames: inout Sample) throws {
    for index in 0..<keys {
      let before = driver.output.count
      let start = ContinuousClock.now
      driver.send(String(Self.cycle[index % Self.cycle.count]))
      guard driver.wait(until: { _ in driver.output.count > before }) else { throw Stuck(driver) }
      frames.add((ContinuousClock.now - start).seconds)
      // Whatever else the frame brings belongs to this key, not to the next.
      _ = driver.wait(.milliseconds(15), until: { _ in false })
    }
  }
}

/// The program did not show what was waited for.
struct Stuck: Error, CustomStringConvertible {
  let description: String

  init(_ driver: PtyDriver) { description = "the program does not go on; its screen:\n\(driver.terminal.text)" }
}
