import Foundation
import HTCVLM
import ImageLoading
import Synchronization
import Tensor
import Trace

/// Seconds of each stage and step of a run, as it reports them.
final class StageClock: Sendable {
  private let reports = Mutex<[PipelineStage: [Double]]>([:])
  private let ends = Mutex<[PipelineStage: Double]>([:])

  /// A run that reports here.
  func run(_ cancellation: CancellationFlag = CancellationFlag()) -> RunContext {
    RunContext(progress: { self.note($0) }, cancellation: cancellation)
  }

  private func note(_ progress: StageProgress) {
    switch progress.state {
    case .running: reports.withLock { $0[progress.stage, default: []].append(progress.seconds) }
    case .finished: ends.withLock { $0[progress.stage] = progress.seconds }
    default: break
    }
  }

  func seconds(_ stage: PipelineStage) -> Double { ends.withLock { $0[stage] ?? 0 } }

  /// Seconds of each step.
  func steps(_ stage: PipelineStage) -> [Double] {
    let times = reports.withLock { $0[stage] ?? [] }
    return zip(times.dropFirst(), times).map { $0 - $1 }
  }
}

/// What one run of a model of few layers took, by part. Seconds.
struct RunTimes: Codable {
  /// The tower, without its projector.
  var clip = 0.0
  var projector = 0.0
  var mgvq = 0.0
  var anchors = 0.0
  /// Rows before the voco token: each layer, of which the last computes keys and values only.
  var context: [Double] = []
  /// The voco row, each layer.
  var voco: [Double] = []
  /// The question's rows, each layer.
  var text: [Double] = []
  /// A generated token, all layers and the head.
  var token = 0.0
  var decoder: Double { context.reduce(0, +) + voco.reduce(0, +) }

  /// Encodes a picture and runs it with a question of `promptTokens`.
  static func measure(
    _ model: HTCVLMModel, _ image: Picture, promptTokens: Int
  ) throws -> (times: RunTimes, cache: VisualCache) {
    let clock = StageClock()
    let visual = try model.encode(image, run: clock.run())
    var (times, cache) = try measure(model, visual, promptTokens: promptTokens)
    let vision = clock.steps(.vision)
    times.projector = vision.last ?? 0
    times.clip = clock.seconds(.vision) - times.projector
    (times.mgvq, times.anchors) = (clock.seconds(.mgvq), clock.seconds(.anchors))
    return (times, cache)
  }

  /// Runs the decoder on an encoded picture.
  static func measure(
    _ model: HTCVLMModel, _ visual: VisualEncoding, promptTokens: Int, newTokens: Int = 6
  ) throws -> (times: RunTimes, cache: VisualCache) {
    let clock = StageClock()
    var times = RunTimes()
    let cache = try model.compress(visual, run: clock.run())
    let layers = model.configuration.layers
    let steps = clock.steps(.decoder)
    // The two alternate.
    times.context = (0..<layers).map { steps[2 * $0] }
    times.voco = (0..<layers).map { steps[2 * $0 + 1] }
    let answer = try model.answer(
      try model.prompt(ofTokens: promptTokens), from: cache,
      options: GenerationOptions(maxNewTokens: newTokens, temperature: 0), run: clock.run())
    times.text = Array(clock.steps(.answer).prefix(layers))
    // The first token only reads the question's logits.
    if answer.tokenIDs.count > 1 { times.token = answer.generationSeconds / Double(answer.tokenIDs.count - 1) }
    return (times, cache)
  }

  /// The decoder up to voco with `layers` layers, all but the last like the first here.
  func decoder(layers: Int) -> Double {
    guard let first = context.first, let last = context.last, !voco.isEmpty else { return 0 }
    return Double(layers - 1) * first + last + Double(layers) * voco.reduce(0, +) / Double(voco.count)
  }

  /// The question's rows with `layers` layers.
  func question(layers: Int) -> Double {
    guard let first = text.first, let last = text.last else { return 0 }
    return Double(layers - 1) * first + last
  }
}

/// The largest resident set of this process: all of it, and what is not pages of files.
final class MemoryProbe: Sendable {
  private let largest = Mutex(0)
  private let isOver = Atomic<Bool>(false)

  init() {
    let thread = Thread { [self] in
      while !isOver.load(ordering: .relaxed) {
        let now = memoryStatus("RssAnon")
        largest.withLock { $0 = max($0, now) }
        Thread.sleep(forTimeInterval: 0.02)
      }
    }
    thread.start()
  }

  /// Ends the watch; bytes.
  func finish() -> (all: Int, anonymous: Int) {
    isOver.store(true, ordering: .relaxed)
    return (memoryStatus("VmHWM"), largest.withLock { $0 })
  }
}

/// A size in a process's `/proc/PID/status`, in bytes; 0 where there is none.
func memoryStatus(_ key: String, of process: String = "self") -> Int {
  let text = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
  let line = text.split(separator: "\n").first { $0.hasPrefix("\(key):") }
  return (line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) * 1024
}
