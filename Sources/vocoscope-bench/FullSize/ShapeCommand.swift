import ArgumentParser
import Foundation
import HTCVLM
import ImageLoading
import Tensor
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
