import ArgumentParser
import Foundation
import ImageLoading
import Plots
import Statistics
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

/// The limits of the paper's model at full size, and whether a run kept them.
struct FullTable {
  struct Ratio {
    let name: String
    let ours: Double
    let theirs: Double
    let peer: String
    let limit: Double

    var value: Double { ours / theirs }
    var isKept: Bool { value <= limit }
  }

  let ratios: [Ratio]
  private let rounds: PeerRounds

  init(_ rounds: PeerRounds) {
    self.rounds = rounds
    let stages = ["clip", "projector", "mgvq", "anchors", "decoder"]
    func total(_ name: String) -> Double { rounds.sum(stages.map { "\(name).\($0)" }) }
    func ratio(_ name: String, _ ours: String, of theirs: String, _ peer: String, limit: Double) -> Ratio {
      Ratio(name: name, ours: rounds.median(ours), theirs: rounds.median(theirs), peer: peer, limit: limit)
    }
    let torch = total("torch")
    ratios = [
      Ratio(name: "image → voco, exact", ours: total("exact"), theirs: torch, peer: "PyTorch f32", limit: 0.75),
      ratio("decoder, exact", "exact.decoder", of: "llama.F16.decoder", "llama.cpp F16", limit: 0.70),
      ratio("decoder prefill, int8", "int8.decoder", of: "llama.Q8_0.decoder", "llama.cpp Q8_0", limit: 0.30),
      Ratio(name: "image → voco, int8", ours: total("int8"), theirs: torch, peer: "PyTorch f32", limit: 0.35),
      ratio("MGVQ encode", "exact.mgvq", of: "torch.mgvq", "PyTorch f32", limit: 0.45),
      ratio("new question, exact", "exact.ask.voco", of: "exact.ask.none", "its own tokens", limit: 1.1),
      ratio("new question, int8", "int8.ask.voco", of: "int8.ask.none", "its own tokens", limit: 1.1),
      ratio("decode a token, F16", "exact.token", of: "llama.F16.token", "llama.cpp F16", limit: 0.9),
      ratio("decode a token, 8 bits", "int8.token", of: "llama.Q8_0.token", "llama.cpp Q8_0", limit: 0.9),
    ]
  }

  /// Markdown.
  var text: String {
    let number = { (value: Double) in String(format: value < 1 ? "%.3f" : "%.2f", value) }
    var lines = [
      "| what | ours, s | peer, s | peer | ratio | limit | |", "| --- | ---: | ---: | --- | ---: | ---: | --- |",
    ]
    lines += ratios.map { ratio in
      "| \(ratio.name) | \(number(ratio.ours)) | \(number(ratio.theirs)) | \(ratio.peer) | "
        + String(format: "%.3f | %.2f | ", ratio.value, ratio.limit) + (ratio.isKept ? "kept |" : "**missed** |")
    }
    lines += ["", "| stage | exact | int8 | PyTorch f32 |", "| --- | ---: | ---: | ---: |"]
    for stage in ["clip", "projector", "mgvq", "anchors", "layer", "decoder"] {
      let cells = ["exact", "int8", "torch"].map { number(rounds.median("\($0).\(stage)")) }
      lines.append("| \(stage) | \(cells.joined(separator: " | ")) |")
    }
    lines += ["", "All medians and extremes, seconds:", ""]
    for (name, sample) in rounds.samples.sorted(by: { $0.key < $1.key }) {
      lines.append(
        "* `\(name)` \(number(sample.quantile(0.5))) (\(number(sample.quantile(0)))–\(number(sample.quantile(1))), n "
          + "\(sample.values.count))")
    }
    let same = rounds.sameCodes
    lines += ["", "Codes that PyTorch finds too: \(same.same) of \(same.of)."]
    return lines.joined(separator: "\n") + "\n"
  }
}
