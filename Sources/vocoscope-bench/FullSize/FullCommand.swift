import ArgumentParser
import Foundation
import ImageLoading
import Plots
import Tensor

/// The paper's model at full size beside PyTorch and llama.cpp: every ratio in one run.
struct FullCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "full",
    abstract: "Compare a model of the paper's size with PyTorch and llama.cpp, stage by stage, and measure its growth.",
    discussion: """
      The directory is one that 'weights' wrote. Peers are installed on first use. Per-layer figures come from models of \
      one and two layers; the record is one run of all layers in each precision.
      """)

  @Argument(help: "A directory that 'weights' wrote.")
  var directory: String

  @Option(help: "A PNG or JPEG picture.")
  var image = "assets/images/cat.jpg"

  @Option(help: "Where the peers' Python environment is, or is made.")
  var peers = NSHomeDirectory() + "/.cache/vocoscope/bench-peers"

  @Option(help: "Where the tables and plots go.")
  var out: String

  @Option(help: "Rounds to take medians of.")
  var runs = 5

  @Option(help: "Threads, ours and the peers'.")
  var threads = 2

  @Flag(inversion: .prefixedNo, help: "Compare with the peers.")
  var compare = true

  @Flag(inversion: .prefixedNo, help: "Run all layers once in each precision.")
  var record = true

  @Flag(inversion: .prefixedNo, help: "Measure growth, and draw it.")
  var growth = true

  func run() throws {
    ComputeBackend.setThreads(threads)
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    var text = machine
    // Each part is kept as soon as it is measured: a later one may fail after an hour.
    func add(_ part: String) throws {
      text += part
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(out)/full-size.md"), options: .atomic)
    }
    if compare { try add(comparison()) }
    let runner = ShapeRunner(directory: directory, image: image, threads: threads)
    if record { try add(Record(runner).text) }
    if growth {
      let measured = try Growth(runner)
      try measured.figure.write(to: "\(out)/full-size-growth.png", scale: 1.5)
      try add(measured.text)
    }
    print(text, terminator: "")
  }

  private func comparison() throws -> String {
    let environment = PeerEnvironment(folder: peers)
    try environment.install()
    let folder = "\(out)/peers"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var rounds = PeerRounds(
      try ShapedCheckpoint(path: directory), picture: try ImageDecoder.decode(path: image).image,
      environment: environment, threads: threads, folder: folder)
    try rounds.run(runs)
    let versions = rounds.versions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    return "\n## Ratios\n\n\(versions.joined(separator: ", ")).\n\n" + FullTable(rounds).text
  }

  /// When and on what.
  private var machine: String {
    let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let name = information.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
    let date = Date().formatted(.iso8601.year().month().day())
    let processor = name.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
    let speed = String(format: "%.0f GFLOP/s", ComputeBackend.measureGEMM())
    return "\(date), \(processor), \(threads) threads, OpenBLAS core \(ComputeBackend.openBLASCore), \(speed).\n"
  }
}
