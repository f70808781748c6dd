import ArgumentParser
import Foundation
import HTCVLM
import ImageLoading
import JSON
import Safetensors
import Tensor
import Tokenization
import Trace
import WeightFormats

extension Precision: ExpressibleByArgument {}

/// What a run of one shape took, in a process of its own.
struct ShapeReport: Codable {
  let shape: ModelShape
  let precision: String
  let threads: Int
  /// Seconds to open, integers included.
  let open: Double
  let times: [RunTimes]
  /// Bytes of the resident set, with and without pages of files.
  let peak: Int
  let peakAnonymous: Int
  /// Bytes that `check` computes: everything, and what is not pages of files.
  let estimate: Int
  let estimateResident: Int
  /// Seconds from a cancellation to the end of the run.
  let cancellations: [Double]
}

/// Runs one shape and prints JSON: time by part, memory, and how soon it stops.
struct ShapeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shape", abstract: "Run a model of one shape in this process; print its times and memory as JSON.")

  @Argument(help: "A directory that 'weights' wrote.")
  var directory: String

  @Option(help: "A PNG or JPEG picture.")
  var image = "assets/images/cat.jpg"

  @Option(help: "Decoder layers; without it, all.")
  var layers: Int?

  @Option(help: "Patches along a side.")
  var grid: Int?

  @Option(help: "star or causal.")
  var mask: String?

  @Option(help: "exact or int8.")
  var precision = Precision.exact

  @Option(help: "Threads.")
  var threads = 2

  @Option(help: "Runs of the decoder; the picture is encoded once.")
  var runs = 1

  @Option(help: "Runs to cancel at random moments afterwards.")
  var cancellations = 0

  func run() throws {
    ComputeBackend.setThreads(threads)
    let probe = MemoryProbe()
    let start = ContinuousClock.now
    let checkpoint = try ShapedCheckpoint(path: directory)
    var shape = checkpoint.shape
    shape.layers = layers ?? shape.layers
    shape.grid = grid ?? shape.grid
    shape.mask = mask ?? shape.mask
    let model = try checkpoint.model(shape, int8: precision == .int8 ? checkpoint.integers() : nil)
    let open = (ContinuousClock.now - start).seconds
    let picture = try ImageDecoder.decode(path: image).image
    let (first, cache) = try RunTimes.measure(model, picture, promptTokens: PeerRounds.promptTokens)
    var times = [first]
    for _ in 1..<max(1, runs) {
      var next = try RunTimes.measure(model, cache.visual, promptTokens: PeerRounds.promptTokens).times
      (next.clip, next.projector, next.mgvq, next.anchors) = (first.clip, first.projector, first.mgvq, first.anchors)
      times.append(next)
    }
    let latencies = try (0..<cancellations).map { try Self.cancellation(of: model, picture, number: $0) }
    let memory = probe.finish()
    let estimate = MemoryEstimate(
      configuration: model.configuration, tensors: checkpoint.directory.tensors, precision: precision)
    let report = ShapeReport(
      shape: shape, precision: precision.rawValue, threads: threads, open: open, times: times, peak: memory.all,
      peakAnonymous: memory.anonymous, estimate: estimate.total, estimateResident: estimate.resident,
      cancellations: latencies)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    print(String(decoding: try encoder.encode(report), as: UTF8.self))
  }

  /// Seconds that a run goes on after it was told to stop, at a moment that differs with `number`.
  private static func cancellation(of model: HTCVLMModel, _ picture: Picture, number: Int) throws -> Double {
    let flag = CancellationFlag()
    let begun = ContinuousClock.now
    // Moments over the first seconds, so that they fall into every stage.
    let delay = 0.3 + 0.37 * Double(number)
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: delay)
      flag.cancel()
    }
    do {
      while true {
        let clock = StageClock()
        let visual = try model.encode(picture, run: clock.run(flag))
        _ = try model.compress(visual, run: clock.run(flag))
      }
    } catch is CancellationError {
      return (ContinuousClock.now - begun).seconds - delay
    }
  }
}

/// What a measurement varies of a checkpoint's shape.
struct ModelShape: Codable, Hashable {
  var layers: Int
  /// Patches along a side of the picture.
  var grid: Int
  var mask: String

  /// Positions up to the voco token: bos, anchors, patches, voco.
  func tokens(anchors: Int) -> Int { 1 + anchors + grid * grid + 1 }
}

/// A checkpoint of random weights from which models of other shapes are made: of fewer layers, of larger pictures, under
/// the other mask.
struct ShapedCheckpoint {
  let directory: CheckpointDirectory
  private let document: JSONValue
  private let tokenizer: SentencePieceTokenizer

  init(path: String) throws {
    directory = try CheckpointDirectory(path: path)
    document = try JSONValue(file: "\(path)/config.json")
    tokenizer = try SentencePieceTokenizer(path: directory.tokenizerPath)
  }

  var shape: ModelShape {
    let configuration = directory.configuration
    return ModelShape(
      layers: configuration.layers, grid: configuration.vision.grid, mask: configuration.visualMask.rawValue)
  }

  /// Room for 9,216 visual tokens; the paper's model has 4,096 positions, and no weight depends on it.
  private static let positions = 16384

  func configuration(_ shape: ModelShape) throws -> HTCVLMConfiguration {
    let size = shape.grid * directory.configuration.vision.patchSize
    let vision = (document["vision_config"] ?? .null).replacing("image_size", .integer(size))
    let changed = document.replacing("num_hidden_layers", .integer(shape.layers))
      .replacing("max_position_embeddings", .integer(Self.positions))
      .replacing("visual_mask", .string(shape.mask)).replacing("vision_config", vision)
    return try HTCVLMConfiguration(document: changed, path: "\(directory.path)/config.json")
  }

  /// The 8-bit integers of all layers; made on first use, which takes minutes.
  func integers() throws -> Int8Weights {
    try directory.int8Weights(keys: HTCVLMModel.int8Keys(directory.configuration), cacheDirectory: nil)
  }

  /// A model of this shape; positions that the file lacks are zero.
  func model(_ shape: ModelShape, int8: Int8Weights? = nil) throws -> HTCVLMModel {
    let configuration = try configuration(shape)
    let vision = configuration.vision
    var tensors = directory.tensors
    let positions = "model.vision_tower.vision_tower.vision_model.embeddings.position_embedding.weight"
    if tensors[positions]?.shape.first != vision.patches + 1 {
      tensors[positions] = StoredTensor(name: positions, tensor: .zeros([vision.patches + 1, vision.hiddenSize]))
    }
    return try HTCVLMModel(
      configuration: configuration, preprocessor: .clip(imageSize: vision.imageSize), tensors: tensors,
      tokenizer: tokenizer, checkpoint: directory.path, int8: int8)
  }
}

extension JSONValue {
  /// An object with the member `key` set to `value`.
  fileprivate func replacing(_ key: String, _ value: JSONValue) -> JSONValue {
    guard case .object(let object) = self else { return self }
    return .object(object.members.filter { $0.key != key } + [JSONMember(key, value)])
  }
}

extension HTCVLMModel {
  /// A prompt that makes `count` tokens with its template, or as few more as there can be.
  func prompt(ofTokens count: Int) throws -> String {
    var prompt = "?"
    while try tokenize(prompt).count < count { prompt += " a" }
    return prompt
  }
}

/// Measures shapes in processes of their own, so that one's memory is not another's.
struct ShapeRunner {
  let directory: String
  let image: String
  let threads: Int
  /// A folder in which reports are kept, so that hours of measurements can be made in pieces: delete it to measure anew.
  let kept: String

  func report(
    layers: Int? = nil, grid: Int? = nil, mask: String? = nil, precision: String = "exact", threads: Int? = nil,
    runs: Int = 1, cancellations: Int = 0
  ) throws -> ShapeReport {
    var arguments = [
      "shape", directory, "--image", image, "--precision", precision, "--threads", "\(threads ?? self.threads)",
      "--runs", "\(runs)", "--cancellations", "\(cancellations)",
    ]
    let name = [
      layers.map { "\($0) layers" } ?? "all layers", grid.map { "grid \($0)" } ?? "", mask ?? "", precision,
      "\(threads ?? self.threads) threads", "\(runs) runs", "\(cancellations) cancelled",
    ].filter { !$0.isEmpty }.joined(separator: ", ")
    let file = URL(fileURLWithPath: "\(kept)/\(name).json")
    if let data = try? Data(contentsOf: file) { return try JSONDecoder().decode(ShapeReport.self, from: data) }
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
    let report = try JSONDecoder().decode(ShapeReport.self, from: data)
    try FileManager.default.createDirectory(atPath: kept, withIntermediateDirectories: true)
    try data.write(to: file, options: .atomic)
    return report
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
