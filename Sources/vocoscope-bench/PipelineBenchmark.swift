import ArgumentParser
import HTCVLM
import ImageLoading
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
