import Evaluation
import Foundation
import HTCVLM
import ImageLoading
import JSON
import Tensor
import Tokenization
import Trace
import WeightFormats

/// A checkpoint that answers a benchmark's questions.
///
/// The last picture's keys and values are kept, as benchmarks ask several questions about one picture in a row.
final class EvalSubject {
  let name: String
  /// SHA-256 of config.json, a plus sign, and that of the weights.
  let sha256: String
  let promptTemplate: String
  /// What else changes answers.
  let settings: String
  private let model: HTCVLMModel
  private let from: VisualSource
  private let intervention: EvalIntervention?
  private let seed: UInt64
  private let donors: AnchorDonors?
  private let images: String
  private let options: GenerationOptions
  private let run: RunContext
  private var last: (image: ImageReference, sha256: String, cache: VisualCache)?

  init(
    _ pipeline: Pipeline, of contestant: EvalContestant, images: String, settings: EvalRun.Settings,
    donors: AnchorDonors?, run: RunContext
  ) {
    let checkpoint = pipeline.checkpoint
    model = pipeline.model
    name = contestant.name(checkpoint.name, untrained: checkpoint.configuration.untrainedParts)
    sha256 = "\(checkpoint.configSHA256)+\(checkpoint.weightsSHA256)"
    promptTemplate = model.configuration.promptTemplate ?? PromptTemplate.vocoLLaMA
    from = contestant.from
    intervention = contestant.intervention
    seed = settings.seed
    self.donors = donors
    let clause = intervention.map { ", \($0.clause(seed: settings.seed))" } ?? ""
    self.settings =
      "from \(from.rawValue)\(clause), greedy, at most \(settings.maxNewTokens) tokens, precision \(settings.precision.rawValue), "
      + "vocoscope \(settings.version)"
    self.images = images
    options = GenerationOptions(maxNewTokens: settings.maxNewTokens)
    self.run = run
  }

  /// The greedy answer; throws one sentence that names the picture or the question.
  func answer(_ question: Question) throws -> ModelAnswer {
    let (sha256, cache) = try compressed(question.image)
    do {
      let answer = try model.answer(asked(question), from: cache, source: from, options: options, run: run)
      return ModelAnswer(text: answer.text, tokens: answer.tokenIDs.count, imageSHA256: sha256)
    } catch let error as ModelError {
      throw ExperimentError("question \(question.id): \(error)")
    }
  }

  /// VoCo-LLaMA's evaluation, whose template this is, takes every newline out of a prompt before it is tokenised
  /// (VoCo-LLaMA, `llava/eval/model_vqa_loader.py` and its like); LLaVA's leaves them.
  private func asked(_ question: Question) -> String {
    guard promptTemplate.isExactly(PromptTemplate.vocoLLaMA) else { return question.text }
    return String(String.UnicodeScalarView(question.text.unicodeScalars.filter { $0 != "\n" }))
  }

  private func compressed(_ image: ImageReference) throws -> (sha256: String, cache: VisualCache) {
    if let last, last.image == image { return (last.sha256, last.cache) }
    let decoded = try decode(image)
    // Freed before the next is made: a 7B model's keys and values of one picture are hundreds of megabytes.
    last = nil
    let cache = try compress(model.encode(decoded.image, run: run), of: image)
    last = (image, decoded.fileSHA256, cache)
    return (decoded.fileSHA256, cache)
  }

  private func decode(_ image: ImageReference) throws -> DecodedImage {
    switch image {
    case .file(let path): try ImageDecoder.decode(path: ImageReference.path(of: path, in: images))
    case .embedded(let embedded): try ImageDecoder.decode(Array(embedded.data()), path: image.key)
    }
  }

  /// The picture under the intervention.
  private func compress(_ visual: VisualEncoding, of image: ImageReference) throws -> VisualCache {
    switch intervention {
    case nil: return try model.compress(visual, run: run)
    case .cut(let keys):
      let plain = try model.compress(visual, run: run)
      let positions = try keys.positions(plain, picture: image.key, seed: seed, model: name)
      return try model.recompress(plain, intervention: .cut(keys: positions), run: run)
    case .swapAnchors:
      guard visual.anchors.shape[0] > 0, let donor = donors?.donor(of: image) else {
        throw ExperimentError("\(name): has no anchors to swap")
      }
      let anchors = try model.anchors(of: decode(donor).image, run: run)
      return try model.compress(
        visual, intervention: Intervention(inputs: [.anchors(EditedRows(anchors))]), run: run)
    }
  }
}
