import ArgumentParser
import Foundation
import HTCVLM
import ImageLoading
import Statistics
import Tensor
import Trace
import WeightFormats

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
