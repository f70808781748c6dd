import Foundation

/// Another program that runs the same stages when told to, so that its turns can alternate with ours.
final class Peer {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var pending = Data()
  /// Package names and their versions, as the peer says.
  private(set) var versions: [String: String] = [:]

  /// Starts a script that prints its versions once it has loaded.
  init(python: String, script: [UInt8], name: String, arguments: [String], folder: String) throws {
    let path = "\(folder)/\(name)"
    try Data(script).write(to: URL(fileURLWithPath: path))
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [path] + arguments
    process.standardInput = input
    process.standardOutput = output
    let log = "\(folder)/\(name).log"
    _ = FileManager.default.createFile(atPath: log, contents: nil)
    process.standardError = FileHandle(forWritingAtPath: log)
    try process.run()
    versions = try JSONDecoder().decode([String: String].self, from: Data(try line().utf8))
  }

  /// Runs a stage; seconds.
  func seconds(_ stage: String) throws -> Double {
    input.fileHandleForWriting.write(Data("\(stage)\n".utf8))
    let text = try line()
    guard let seconds = Double(text) else { throw PeerFailure("\(stage): the peer says “\(text)”") }
    return seconds
  }

  /// Ends the process, by force if it does not go within ten seconds of being told that nothing more comes.
  func finish() {
    try? input.fileHandleForWriting.close()
    for _ in 0..<100 where process.isRunning { Thread.sleep(forTimeInterval: 0.1) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  private func line() throws -> String {
    while true {
      if let end = pending.firstIndex(of: 0x0A) {
        defer { pending.removeSubrange(...end) }
        return String(decoding: pending[..<end], as: UTF8.self)
      }
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { throw PeerFailure("\(process.arguments ?? []): ended; its log is beside it") }
      pending.append(more)
    }
  }
}

struct PeerFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// The peers' packages, in an environment of their own that is made on first use.
struct PeerEnvironment {
  let folder: String

  var python: String { "\(folder)/bin/python" }

  /// PyTorch's index is asked for torch alone: a network that cannot reach it would otherwise wait for every package, many times.
  private static let packages = [
    ["--retries", "1", "--extra-index-url", "https://download.pytorch.org/whl/cpu", "torch==2.13.0+cpu"],
    ["numpy", "transformers", "safetensors", "gguf"],
    // From source, so that it uses what this processor has.
    ["--no-binary", "llama-cpp-python", "llama-cpp-python"],
  ]

  /// Makes the environment unless it is complete.
  func install() throws {
    let done = "\(folder)/installed"
    guard !FileManager.default.fileExists(atPath: done) else { return }
    print("installing the peers into \(folder): this builds llama.cpp and takes minutes")
    try call("/usr/bin/env", ["python3", "-m", "venv", folder])
    for packages in Self.packages {
      print("  \(packages.last ?? "")")
      try call("\(folder)/bin/pip", ["install", "--quiet"] + packages)
    }
    _ = FileManager.default.createFile(atPath: done, contents: nil)
  }

  private func call(_ program: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(["CMAKE_ARGS": "-DGGML_NATIVE=ON"]) { $1 }
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw PeerFailure("\(program) \(arguments.joined(separator: " ")): exit status \(process.terminationStatus)")
    }
  }
}
