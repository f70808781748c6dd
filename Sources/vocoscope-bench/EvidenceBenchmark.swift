import ArgumentParser
import Experiments
import Foundation
import HTCVLM
import ImageLoading
import Statistics
import Tensor
import Trace

/// What `verify` costs a picture, beside a traced run of it.
struct EvidenceBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evidence", abstract: "Seconds a picture of a verdict, and how many traced runs that is.")

  @Argument(help: "PNG or JPEG pictures, at least two.")
  var images: [String]

  @Option(help: "Checkpoint directory, or one that 'weights' wrote.")
  var model: String

  @Option(help: "Decoder layers; without it, all. Two of a 7B model tell what the others cost.")
  var layers: Int?

  @Option(help: "The question.")
  var prompt = "what is in the picture?"

  func run() throws {
    print("OpenBLAS core \(ComputeBackend.openBLASCore), \(ComputeBackend.processors) threads")
    let checkpoint = try ShapedCheckpoint(path: model)
    var shape = checkpoint.shape
    if let layers { shape.layers = layers }
    let directory = checkpoint.directory
    let built = try checkpoint.model(shape)
    let traced = try tracedRuns(built)
    print(traced.milliseconds("traced run"))
    let source = PictureFiles(
      paths: images, keys: images.indices.map { "\($0)" },
      names: images.map { URL(fileURLWithPath: $0).lastPathComponent })
    let subject = try VerifySubject(model: built, prompts: [prompt], provenance: provenance, path: model)
    let clock = Phases()
    let run = VerifyRun(
      subject, source, tensors: directory.tensors, preprocessor: directory.preprocessor, picturesSHA256: "", seed: 0,
      randomModels: false, progress: { clock.begin(String($0.prefix { $0 != " " })) })
    _ = try run.finish()
    clock.begin("")
    let count = Double(images.count)
    for (name, words) in [("answers", "answers, to draw donors"), ("picture", "measures"), ("blank", "blank pictures")]
    {
      print("\(words): \(Format.duration((clock.seconds[name] ?? 0) / count)) a picture")
    }
    let perPicture = ((clock.seconds["answers"] ?? 0) + (clock.seconds["picture"] ?? 0)) / count
    print(
      "verify, random models and blank pictures apart: \(Format.duration(perPicture)) a picture, "
        + "\(Format.fixed(perPicture / traced.quantile(0.5), digits: 2)) traced runs")
  }

  private var provenance: Provenance {
    Provenance(
      version: "bench", imageName: "", imageWidth: 0, imageHeight: 0, imageSHA256: "", modelName: model,
      configSHA256: "",
      weightsSHA256: "", prompt: prompt)
  }

  /// Each picture from its file to its answer, with everything that a trace holds.
  private func tracedRuns(_ model: HTCVLMModel) throws -> Sample {
    var sample = Sample()
    for path in images {
      let start = ContinuousClock.now
      let recorder = TraceRecorder(provenance: provenance, model: model.description)
      let run = RunContext(observer: recorder)
      let visual = try model.encode(try ImageDecoder.decode(path: path).image, run: run)
      let cache = try model.compress(visual, run: run)
      _ = try model.answer(prompt, from: cache, options: GenerationOptions(maxNewTokens: 16), run: run)
      sample.add((ContinuousClock.now - start).seconds)
    }
    return sample
  }
}

/// Seconds by what is under way.
private final class Phases {
  private(set) var seconds: [String: Double] = [:]
  private var current: (name: String, start: ContinuousClock.Instant)?

  func begin(_ name: String) {
    let now = ContinuousClock.now
    if let current { seconds[current.name, default: 0] += (now - current.start).seconds }
    current = (name, now)
  }
}
