import ArgumentParser
import Foundation
import ImageLoading
import Plots
import Statistics
import Tensor

/// The paper's model at full size beside the runtimes a user could pick: every ratio in one run.
struct FullCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "full",
    abstract: "Compare a model of the paper's size with PyTorch, OpenVINO, ONNX Runtime, llama.cpp; measure growth.",
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

  @Option(help: "The most patches along a side that growth is measured to; 96, 9,216 visual tokens, take minutes.")
  var largest = 96

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
    let runner = ShapeRunner(directory: directory, image: image, threads: threads, kept: "\(out)/shapes")
    if record { try add(Record(runner).text) }
    if growth {
      let measured = try Growth(runner, largest: largest)
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

/// The limits of the paper's model at full size, each against PyTorch and against the fastest peer of its precision, and
/// whether a run kept them.
struct FullTable {
  struct Ratio {
    let name: String
    let ours: Double
    let theirs: Double
    let peer: String
    let limit: Double?

    var value: Double { ours / theirs }
    var verdict: String { limit.map { value <= $0 ? "kept" : "**missed**" } ?? "" }
  }

  let ratios: [Ratio]
  private let rounds: PeerRounds

  init(_ rounds: PeerRounds) {
    self.rounds = rounds
    func ratio(_ name: String, _ ours: String, of theirs: String, _ peer: String, limit: Double) -> Ratio {
      Ratio(name: name, ours: rounds.median(ours), theirs: rounds.median(theirs), peer: peer, limit: limit)
    }
    ratios =
      Self.pictures(rounds) + Self.stages(rounds) + [
        ratio("new question, exact", "exact.ask.voco", of: "exact.ask.none", "its own tokens", limit: 1.1),
        ratio("new question, int8", "int8.ask.voco", of: "int8.ask.none", "its own tokens", limit: 1.1),
        ratio("decode a token, F16", "exact.token", of: "llama.F16.token", "llama.cpp F16", limit: 0.9),
        ratio("decode a token, 8 bits", "int8.token", of: "llama.Q8_0.token", "llama.cpp Q8_0", limit: 0.9),
      ]
  }

  /// Everything from a picture to its voco token.
  private static func pictures(_ rounds: PeerRounds) -> [Ratio] {
    func total(_ name: String) -> Double {
      rounds.sum((StagePeer.stages + ["decoder"]).map { "\(name).\($0)" })
    }
    let (exact, int8) = (total("exact"), total("int8"))
    let torch = total(StagePeer.torch.rawValue)
    let peers = StagePeer.exact.map { (title: $0.title, seconds: total($0.rawValue)) }
    let best = peers.min { $0.seconds < $1.seconds } ?? (StagePeer.torch.title, torch)
    let rounded = StagePeer.openvino8
    return [
      Ratio(name: "image → voco, exact", ours: exact, theirs: torch, peer: StagePeer.torch.title, limit: 0.85),
      Ratio(name: "image → voco, exact", ours: exact, theirs: best.seconds, peer: "best: \(best.title)", limit: 0.95),
      Ratio(name: "image → voco, int8", ours: int8, theirs: torch, peer: StagePeer.torch.title, limit: 0.30),
      Ratio(name: "image → voco, int8", ours: int8, theirs: total(rounded.rawValue), peer: rounded.title, limit: nil),
    ]
  }

  /// Single stages.
  private static func stages(_ rounds: PeerRounds) -> [Ratio] {
    typealias Peer = (title: String, sample: String)
    func best(_ name: String, _ ours: String, of peers: [Peer], limit: Double?) -> Ratio {
      let fastest = peers.min { rounds.median($0.sample) < rounds.median($1.sample) } ?? ("", "")
      return Ratio(
        name: name, ours: rounds.median(ours), theirs: rounds.median(fastest.sample),
        peer: (peers.count > 1 ? "best: " : "") + fastest.title, limit: limit)
    }
    func samples(_ stage: String, of peers: [StagePeer] = StagePeer.exact) -> [Peer] {
      peers.map { ($0.title, "\($0.rawValue).\(stage)") }
    }
    let (f16, q8) = (("llama.cpp F16", "llama.F16.decoder"), ("llama.cpp Q8_0", "llama.Q8_0.decoder"))
    return [
      best("decoder, exact", "exact.decoder", of: [f16], limit: 0.70),
      best("decoder, exact", "exact.decoder", of: samples("decoder") + [f16], limit: nil),
      best("decoder, int8", "int8.decoder", of: [q8], limit: 0.30),
      best("decoder, int8", "int8.decoder", of: samples("decoder", of: [.openvino8]) + [q8], limit: nil),
      best("MGVQ encode", "exact.mgvq", of: samples("mgvq", of: [.torch]), limit: 0.40),
      best("MGVQ encode", "exact.mgvq", of: samples("mgvq"), limit: 0.90),
      best("CLIP, 23 layers, exact", "exact.clip", of: samples("clip"), limit: 0.90),
      best("CLIP, 23 layers, int8", "int8.clip", of: samples("clip", of: [.openvino8]), limit: nil),
    ]
  }

  /// Markdown.
  var text: String {
    let number = { (value: Double) in String(format: value < 1 ? "%.3f" : "%.2f", value) }
    var lines = [
      "| what | ours, s | peer, s | peer | ratio | limit | |", "| --- | ---: | ---: | --- | ---: | ---: | --- |",
    ]
    lines += ratios.map { ratio in
      let limit = ratio.limit.map { String(format: "%.2f", $0) } ?? ""
      return "| \(ratio.name) | \(number(ratio.ours)) | \(number(ratio.theirs)) | \(ratio.peer) | "
        + "\(String(format: "%.3f", ratio.value)) | \(limit) | \(ratio.verdict) |"
    }
    let columns = [("exact", "exact"), ("int8", "int8")] + StagePeer.allCases.map { ($0.rawValue, $0.title) }
    lines += [
      "", "| stage | \(columns.map(\.1).joined(separator: " | ")) |",
      "| --- |" + String(repeating: " ---: |", count: columns.count),
    ]
    for stage in StagePeer.stages + ["layer", "decoder"] {
      let cells = columns.map { number(rounds.median("\($0.0).\(stage)")) }
      lines.append("| \(stage) | \(cells.joined(separator: " | ")) |")
    }
    lines += ["", "All medians and extremes, seconds:", ""]
    for (name, sample) in rounds.samples.sorted(by: { $0.key < $1.key }) {
      lines.append(
        "* `\(name)` \(number(sample.quantile(0.5))) (\(number(sample.quantile(0)))–\(number(sample.quantile(1))), n "
          + "\(sample.values.count))")
    }
    let same = StagePeer.allCases.map { "\($0.title) \(rounds.sameCodes[$0] ?? 0)" }
    lines += ["", "Codes that a peer finds too, of \(rounds.codes): \(same.joined(separator: ", "))."]
    return lines.joined(separator: "\n") + "\n"
  }
}

/// Time and memory against visual tokens, decoder layers and threads.
struct Growth {
  private struct Row {
    let report: ShapeReport
    let name: String

    /// The median of the runs.
    func median(_ value: (RunTimes) -> Double) -> Double {
      var sample = Sample()
      for time in report.times { sample.add(value(time)) }
      return sample.quantile(0.5)
    }

    /// The decoder with 32 layers like these.
    var decoder: Double { median { $0.decoder(layers: PeerRounds.layers) } }
    var measured: Double { median { $0.decoder } }
    var gibibytes: Double { Double(report.peakAnonymous) / Double(1 << 30) }
    var visual: Int { report.shape.grid * report.shape.grid }
  }

  private let tokens: [Row]
  private let layers: [Row]
  private let threads: [Row]

  /// Patches along a side; the causal mask's rows attend to each other, so that its attention grows with their square.
  static let grids = ["star": [12, 24, 36, 48, 72, 96], "causal": [12, 24, 36, 48, 72, 96]]
  /// Patches along a side from which one run has to do.
  static let large = 48

  init(_ runner: ShapeRunner, largest: Int) throws {
    tokens = try ["star", "causal"].flatMap { mask in
      try (Self.grids[mask] ?? []).filter { $0 <= largest }.map { grid in
        let runs = grid < Self.large ? 3 : 1
        return Row(report: try runner.report(layers: 2, grid: grid, mask: mask, runs: runs), name: mask)
      }
    }
    let most = try ShapedCheckpoint(path: runner.directory).shape.layers
    layers = try [1, 2, 4, 8, 16, 32].filter { $0 <= most }.map { count in
      Row(report: try runner.report(layers: count, runs: count < 8 ? 3 : 1), name: "star")
    }
    threads = try [1, 2].map { Row(report: try runner.report(layers: 2, threads: $0, runs: 3), name: "star") }
  }

  private func number(_ value: Double) -> String { String(format: "%.2f", value) }

  var text: String {
    var lines = [
      "", "## Growth", "",
      "Decoder up to voco; seconds with 32 layers are those of two layers carried on, memory is the largest resident set "
        + "of the two-layer run without pages of files. Medians of three runs; single runs from \(Self.large)² visual tokens and "
        + "from 8 layers on.", "",
      "| visual tokens | mask | a layer, s | 32 layers, s | tower, s | memory, GiB |",
      "| ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    lines += tokens.map { row in
      "| \(row.visual) | \(row.name) | \(number(row.median { $0.context.first ?? 0 })) | \(number(row.decoder)) | "
        + "\(number(row.median(\.clip))) | \(number(row.gibibytes)) |"
    }
    lines += ["", "| decoder layers | decoder, s | memory, GiB |", "| ---: | ---: | ---: |"]
    lines += layers.map {
      "| \($0.report.shape.layers) | \(number($0.measured)) | \(number($0.gibibytes)) |"
    }
    lines += [
      "", "| threads | MGVQ, s | tower, s | a layer, s | a token of two layers, s |",
      "| ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += threads.map { row in
      "| \(row.report.threads) | \(number(row.median(\.mgvq))) | \(number(row.median(\.clip))) | "
        + "\(number(row.median { $0.context.first ?? 0 })) | \(String(format: "%.3f", row.median(\.token))) |"
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Three panels: time and memory against visual tokens, and time against layers and threads.
  var figure: Figure {
    func series(_ mask: String, _ index: Int, _ value: (Row) -> Double) -> DataSeries {
      DataSeries(
        mask, color: .series(index),
        points: tokens.filter { $0.name == mask }.map { DataPoint(Double($0.visual), value($0)) })
    }
    func chart(_ title: String, _ unit: String, _ value: (Row) -> Double) -> Chart {
      let both = [series("star", 0, value), series("causal", 1, value)]
      return Chart(
        title: title, x: ChartAxis("visual tokens"), y: ChartAxis(unit),
        marks: both.flatMap { [.line($0), .points($0, radius: 3)] })
    }
    let deep = DataSeries(
      "2 threads", color: .series(0), points: layers.map { DataPoint(Double($0.report.shape.layers), $0.measured) })
    let alone = DataSeries(
      "by threads, 2 layers", color: .series(1),
      points: threads.map { DataPoint(Double($0.report.threads), $0.measured) })
    return Figure(
      title: "The decoder up to voco, Llama-7B's shape, exact", columns: 2,
      panels: [
        chart("Time of 32 layers", "seconds", \.decoder), chart("Memory without pages of files", "GiB", \.gibibytes),
        Chart(
          title: "Time by layers", x: ChartAxis("decoder layers"), y: ChartAxis("seconds"),
          marks: [.line(deep), .points(deep, radius: 3)]),
        Chart(
          title: "Time of two layers by threads", x: ChartAxis("threads"), y: ChartAxis("seconds"),
          marks: [.line(alone), .points(alone, radius: 3)]),
      ], notes: ["Random weights; medians of three runs, of the largest single runs; 32 layers are two carried on."])
  }
}
