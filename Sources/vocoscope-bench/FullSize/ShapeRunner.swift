import ArgumentParser
import Foundation

/// Measures shapes in processes of their own, so that one's memory is not another's.
struct ShapeRunner {
  let directory: String
  let image: String
  let threads: Int

  func report(
    layers: Int? = nil, grid: Int? = nil, mask: String? = nil, precision: String = "exact", threads: Int? = nil,
    runs: Int = 1, cancellations: Int = 0
  ) throws -> ShapeReport {
    var arguments = [
      "shape", directory, "--image", image, "--precision", precision, "--threads", "\(threads ?? self.threads)",
      "--runs", "\(runs)", "--cancellations", "\(cancellations)",
    ]
    if let layers { arguments += ["--layers", "\(layers)"] }
    if let grid { arguments += ["--grid", "\(grid)"] }
    if let mask { arguments += ["--mask", mask] }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw PeerFailure("\(arguments.joined(separator: " ")): exit status \(process.terminationStatus)")
    }
    return try JSONDecoder().decode(ShapeReport.self, from: data)
  }
}

/// One run of all layers in each precision, and how soon it stops.
struct Record {
  private let reports: [ShapeReport]
  private let cancelled: ShapeReport

  init(_ runner: ShapeRunner) throws {
    // The first int8 run makes the integers; the second is what people wait for later.
    reports = try [runner.report(), runner.report(precision: "int8")]
    cancelled = try runner.report(layers: 2, cancellations: 12)
  }

  var text: String {
    let number = { (value: Double) in String(format: "%.2f", value) }
    let gibibytes = { (bytes: Int) in String(format: "%.2f", Double(bytes) / Double(1 << 30)) }
    var lines = [
      "", "## One run of all layers", "",
      "| | open | MGVQ | anchors | CLIP | projector | decoder | question | a token | peak, GiB | without pages | estimate | "
        + "without pages |",
      "| --- |" + String(repeating: " ---: |", count: 12),
    ]
    for report in reports {
      guard let times = report.times.first else { continue }
      let seconds = [
        report.open, times.mgvq, times.anchors, times.clip, times.projector, times.decoder, times.text.reduce(0, +),
        times.token,
      ]
      let memory = [report.peak, report.peakAnonymous, report.estimate, report.estimateResident]
      lines.append(
        "| \(report.precision), \(report.shape.layers) layers | "
          + (seconds.map(number) + memory.map(gibibytes)).joined(separator: " | ") + " |")
    }
    let sorted = cancelled.cancellations.sorted()
    if let worst = sorted.last {
      let milliseconds = { (seconds: Double) in String(format: "%.0f", seconds * 1000) }
      lines += [
        "",
        "A run of these shapes stops \(milliseconds(sorted[sorted.count / 2])) ms after it is cancelled (median of "
          + "\(sorted.count) moments in every stage; longest \(milliseconds(worst)) ms, limit 300).",
      ]
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension RandomCheckpoint.Scale: ExpressibleByArgument {}

/// Writes random weights of the paper's shape, for the other measurements.
struct WeightsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weights", abstract: "Write a checkpoint directory of random weights in the paper's shape.")

  @Argument(help: "The directory to make.")
  var out: String

  @Option(help: "Decoder layers; a file of 32 also serves to measure fewer.")
  var layers = 32

  @Option(help: "full: the paper's model, 13 GiB with 32 layers; tiny: the same parts, a few hundred kilobytes.")
  var scale = RandomCheckpoint.Scale.full

  @Option(help: "Seed of the weights.")
  var seed: UInt64 = 0

  @Option(help: "A SentencePiece file to go with them; its pieces must be fewer than the vocabulary.")
  var tokenizer = "assets/models/htc-demo/tokenizer.model"

  mutating func validate() throws {
    guard (1...80).contains(layers) else { throw ValidationError("--layers is \(layers), expected 1 to 80") }
  }

  func run() throws {
    let checkpoint = try RandomCheckpoint(scale, layers: layers, seed: seed)
    var shown = -1
    try checkpoint.write(to: out, tokenizer: tokenizer) { done, total in
      let percent = done * 100 / total
      guard percent > shown else { return }
      shown = percent
      FileHandle.standardError.write(Data("\r\(percent) % of \(total >> 20) MiB".utf8))
    }
    FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    print("\(out): \(layers) decoder layers of random weights, seed \(seed)")
  }
}
