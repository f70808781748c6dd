import Foundation
import TerminalUI
import TestSupport
import Testing

/// The built program, without a terminal.
struct Program {
  struct Result {
    let status: Int32
    let output: String
    let errors: String
  }

  /// Runs the program to its end.
  static func run(
    _ arguments: [String], environment: [String: String] = [:], product: String = "vocoscope"
  ) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try PtyDriver.builtProduct(product))
    process.arguments = arguments
    process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"].merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    let folder = try TemporaryFolder()
    let (output, errors) = (folder.path("output"), folder.path("errors"))
    process.standardOutput = try handle(output)
    process.standardError = try handle(errors)
    try process.run()
    process.waitUntilExit()
    return Result(
      status: process.terminationStatus, output: try String(contentsOfFile: output, encoding: .utf8),
      errors: try String(contentsOfFile: errors, encoding: .utf8))
  }

  private static func handle(_ path: String) throws -> FileHandle {
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
  }

  /// Opens the program in a pseudo-terminal.
  static func open(
    _ arguments: [String], size: Size = Size(width: 120, height: 36), environment: [String: String] = [:],
    term: String = "xterm-256color"
  ) throws -> PtyDriver {
    let folder = FileManager.default.temporaryDirectory.path
    let all = [
      "TERM": term, "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "HOME": folder, "XDG_STATE_HOME": "/dev/null",
      "SWIFT_BACKTRACE": "enable=no",
    ].merging(environment) { $1 }
    return try PtyDriver(
      executable: PtyDriver.builtProduct("vocoscope"), arguments: arguments, environment: all, size: size)
  }
}

/// The recorded model that the parity tests hold the model to; its weights are random.
enum ParityCase {
  static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("HTCVLMTests/Fixtures/parity/star-png").path
  static let image = directory + "/image.png"
  static let prompt = "what colour is the large square?"
  static let arguments = [image, "--model", directory, "--prompt", prompt, "--max-new-tokens", "8"]
}
