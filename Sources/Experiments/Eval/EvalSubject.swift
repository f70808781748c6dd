import Evaluation
import Foundation
import HTCVLM
import ImageLoading
import JSON
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
  private let images: String
  private let options: GenerationOptions
  private let run: RunContext
  private var last: (image: ImageReference, sha256: String, cache: VisualCache)?

  /// - Throws: `ModelError.noVoco` for a model without voco that is to be asked from it.
  init(
    _ pipeline: Pipeline, of contestant: EvalContestant, images: String, settings: EvalRun.Settings, run: RunContext
  ) throws(ModelError) {
    let checkpoint = pipeline.checkpoint
    model = pipeline.model
    from = contestant.from ?? model.ownSource
    guard from != .voco || model.hasVoco else { throw .noVoco(family: checkpoint.family) }
    name = contestant.name(checkpoint.name, seeing: from, untrained: checkpoint.configuration.untrainedParts)
    sha256 = "\(checkpoint.configSHA256)+\(checkpoint.weightsSHA256)"
    promptTemplate = model.configuration.promptTemplate ?? PromptTemplate.vocoLLaMA
    self.settings =
      "from \(from.rawValue), greedy, at most \(settings.maxNewTokens) tokens, precision \(settings.precision.rawValue), "
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
    let decoded =
      switch image {
      case .file(let path): try ImageDecoder.decode(path: ImageReference.path(of: path, in: images))
      case .embedded(let embedded): try ImageDecoder.decode(Array(embedded.data()), path: image.key)
      }
    // Freed before the next is made: a 7B model's keys and values of one picture are hundreds of megabytes.
    last = nil
    let cache = try model.compress(model.encode(decoded.image, run: run), run: run)
    last = (image, decoded.fileSHA256, cache)
    return (decoded.fileSHA256, cache)
  }
}
