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

  @Option(help: "GiB for pictures that are kept; 0 keeps none, so that every donor is computed again.")
  var memory = Double(VerifyRun.room >> 30)

  mutating func validate() throws {
    guard (0...65_536).contains(memory) else { throw ValidationError("--memory is \(memory), expected 0 to 65536 GiB") }
  }

  func run() throws {
    print("OpenBLAS core \(ComputeBackend.openBLASCore), \(ComputeBackend.processors) threads")
    let checkpoint = try ShapedCheckpoint(path: model)
    var shape = checkpoint.shape
    if let layers { shape.layers = layers }
    let directory = checkpoint.directory
    let configuration = directory.configuration
    let isRandom = configuration.untrainedParts.contains { $0.contains("random") }
    print(
      "\(model): \(shape.layers) of \(configuration.layers) decoder layers, width \(configuration.hiddenSize)"
        + (isRandom ? ", RANDOM WEIGHTS: times alone mean something" : ""))
    let built = try checkpoint.model(shape)
    let traced = try tracedRuns(built)
    print(traced.milliseconds("traced run"))
    let prefill = try prefills(built)
    print(prefill.milliseconds("of it the decoder's prefill"))
    let source = try VerifyPictures(images).files
    let subject = try VerifySubject(model: built, prompts: [prompt], provenance: provenance, path: model)
    let clock = Phases()
    let run = VerifyRun(
      subject, source, tensors: directory.tensors, preprocessor: directory.preprocessor, picturesSHA256: "", seed: 0,
      randomModels: false, room: Int(memory * Double(1 << 30)),
      progress: { clock.begin(String($0.prefix { $0 != " " })) })
    let state = try run.finish()
    clock.begin("")
    print("\(images.count) pictures, \(state.pairs) pairs whose answers differ")
    let count = Double(images.count)
    for (name, words) in [
      ("answers", "answers, to draw donors"), ("picture", "measures"), ("single", "single heads"),
      ("blank", "blank pictures"),
    ] {
      print("\(words): \(Format.duration((clock.seconds[name] ?? 0) / count)) a picture")
    }
    print("up to \(memory) GiB of pictures were kept")
    let seconds = ["answers", "picture", "attention,", "single"].reduce(0) { $0 + (clock.seconds[$1] ?? 0) }
    let perPicture = seconds / count
    print(
      "verify, random models and blank pictures apart: \(Format.duration(perPicture)) a picture, "
        + "\(Format.fixed(perPicture / traced.quantile(0.5), digits: 2)) traced runs, "
        + "\(Format.fixed(perPicture / prefill.quantile(0.5), digits: 2)) prefills")
    try edges(built, prefill: prefill.quantile(0.5))
  }

  /// 200 matched cuts, swaps and ablations of a picture's edges, as rows of one product after its prefill.
  private func edges(_ model: HTCVLMModel, prefill: Double) throws {
    let cache = try model.compress(try model.encode(ImageDecoder.decode(path: images[0]).image))
    let other = try model.compress(try model.encode(ImageDecoder.decode(path: images[1]).image))
    let donor = model.donor(other)
    let (anchors, patches) = (cache.anchorPositions, cache.patchPositions)
    var generator = SplitMix64(seed: 0, stream: "bench edges")
    let drawn = { Set(generator.distinct(max(1, anchors.count), below: patches.count).map { patches[$0] }) }
    let interventions = (0..<200).map { number -> Intervention in
      let keys = number < 3 && !anchors.isEmpty ? Set(anchors) : drawn()
      switch number % 3 {
      case 0: return .cut(keys: keys)
      case 1: return .cut(keys: keys, method: .zero)
      default: return Intervention(swaps: [EdgeSwap(keys: keys, .both, from: donor)])
      }
    }
    var sample = Sample()
    for _ in 0..<3 {
      let start = ContinuousClock.now
      _ = try model.outcomes(of: interventions, on: cache, prompt: prompt)
      sample.add((ContinuousClock.now - start).seconds)
    }
    print(sample.milliseconds("200 cuts, swaps and ablations"))
    let text = try model.tokenize(prompt).count
    let rows = interventions.count * (1 + text)
    print(
      "  \(Format.fixed(sample.quantile(0.5) / prefill, digits: 2)) prefills (wanted: at most 1.5): voco and \(text) tokens of text "
        + "each, \(rows) rows beside the prefill's \(cache.keys)")
  }

  /// Of encoded pictures, from the decoder's input to voco's keys and values.
  private func prefills(_ model: HTCVLMModel) throws -> Sample {
    var sample = Sample()
    for path in images {
      let visual = try model.encode(try ImageDecoder.decode(path: path).image)
      let start = ContinuousClock.now
      _ = try model.compress(visual)
      sample.add((ContinuousClock.now - start).seconds)
    }
    return sample
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
