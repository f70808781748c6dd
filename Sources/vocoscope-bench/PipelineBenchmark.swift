import ArgumentParser
import Foundation
import HTCVLM
import ImageLoading
import Statistics
import Synchronization
import Tensor
import Trace

/// Time a stage, from opened files to the answer.
struct PipelineBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pipeline", abstract: "Seconds per stage of a run, the first one and a new question after it.")

  @Argument(help: "A PNG or JPEG picture.")
  var image: String

  @Option(help: "Checkpoint directory.")
  var model: String

  @Option(help: "Runs to take the median of.")
  var runs = 5

  func run() throws {
    print("OpenBLAS core \(ComputeBackend.openBLASCore), \(ComputeBackend.processors) threads")
    let decoded = try ImageDecoder.decode(path: image)
    let picture = PictureSource(image: decoded.image, name: image, sha256: decoded.fileSHA256)
    let stages = Mutex<[PipelineStage: Sample]>([:])
    var (whole, question) = (Sample(), Sample())
    for _ in 0..<runs {
      let start = ContinuousClock.now
      let pipeline = try Pipeline(opening: model, version: "bench", progress: { Self.note($0, stages) })
      _ = try pipeline.trace(
        picture, Pipeline.Request(prompt: "what is in the picture?"), progress: { Self.note($0, stages) })
      whole.add((ContinuousClock.now - start).seconds)
      let asked = ContinuousClock.now
      _ = try pipeline.trace(
        picture, Pipeline.Request(prompt: "how many?", options: GenerationOptions(maxNewTokens: 1)))
      question.add((ContinuousClock.now - asked).seconds)
    }
    let samples = stages.withLock { $0 }
    for stage in PipelineStage.allCases {
      if let sample = samples[stage] { print(sample.milliseconds(stage.title)) }
    }
    print(whole.milliseconds("whole run"))
    print(question.milliseconds("new question, first token"))
  }

  private static func note(_ progress: StageProgress, _ stages: borrowing Mutex<[PipelineStage: Sample]>) {
    guard case .finished = progress.state else { return }
    stages.withLock { $0[progress.stage, default: Sample()].add(progress.seconds) }
  }
}

/// Time to the first token of a new question on a compressed picture, beside that of the same tokens without a picture
/// and on all visual tokens.
struct QuestionBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "question", abstract: "Seconds until a new question on a cached picture begins to stream.")

  @Argument(help: "A PNG or JPEG picture.")
  var image: String

  @Option(help: "Checkpoint directory.")
  var model: String

  @Option(help: "The question.")
  var prompt = "how many objects are in the picture?"

  @Option(help: "Questions to take the median of.")
  var runs = 100

  func run() throws {
    print("OpenBLAS core \(ComputeBackend.openBLASCore), \(ComputeBackend.processors) threads")
    let model = try HTCVLMModel(directory: try CheckpointDirectory(path: model))
    let cache = try model.compress(try model.encode(try ImageDecoder.decode(path: image).image))
    let conversations = try [VisualSource.none, .voco, .full].map { try model.conversation(on: cache, source: $0) }
    var samples = [Sample](repeating: Sample(), count: conversations.count)
    // Sources take turns, so that whatever else the machine does slows all of them alike.
    for _ in 0..<runs {
      for (index, conversation) in conversations.enumerated() {
        let start = ContinuousClock.now
        var turn = try model.ask(prompt, in: conversation)
        _ = try turn.next()
        samples[index].add((ContinuousClock.now - start).seconds)
      }
    }
    for (conversation, sample) in zip(conversations, samples) {
      print(sample.milliseconds("first token, \(conversation.source.rawValue), \(conversation.rows) kept"))
    }
    let ratio = samples[1].quantile(0.5) / samples[0].quantile(0.5)
    print("on one voco, beside the same tokens without a picture: " + String(format: "×%.3f measured", ratio))
  }
}

/// Repeated measurements of one thing.
struct Sample {
  private(set) var values: [Double] = []

  mutating func add(_ value: Double) { values.append(value) }

  /// The value that a share `p` of all measurements does not exceed (nearest rank).
  func quantile(_ p: Double) -> Double {
    precondition(!values.isEmpty)
    let sorted = values.sorted()
    return sorted[min(sorted.count - 1, max(0, Int((p * Double(sorted.count)).rounded(.up)) - 1))]
  }

  /// `median 12.3 ms, p99 15.0, worst 16.1, n 200`
  func milliseconds(_ name: String) -> String {
    let text = { (value: Double) in String(format: "%.1f", value * 1000) }
    let name = name.padding(toLength: 28, withPad: " ", startingAt: 0)
    return
      "\(name) median \(text(quantile(0.5))) ms, p99 \(text(quantile(0.99))), worst \(text(quantile(1))), n \(values.count)"
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
