import Evaluation
import Files
import Foundation
package import HTCVLM
import ImageLoading
import JSON
import Tensor
import Tokenization
package import Trace
import WeightFormats

/// One model of an evaluation: a checkpoint to ask, or the answers that an earlier run left.
package struct EvalContestant: Sendable {
  enum Model: Sendable {
    case checkpoint(CheckpointSource)
    case answers(path: String)
  }

  let model: Model
  /// What a checkpoint's text may attend to; nil: what the model was made to answer from.
  let from: VisualSource?
  /// What is taken from a checkpoint while it is asked.
  private(set) var intervention: EvalIntervention?

  /// A checkpoint, whole or in parts.
  package init(_ source: CheckpointSource, from: VisualSource?) {
    model = .checkpoint(source)
    self.from = from
  }

  /// The checkpoint to ask; nil for a file of answers.
  package var checkpoint: CheckpointSource? { if case .checkpoint(let source) = model { source } else { nil } }

  /// The same checkpoint under an intervention; nil for a file of answers, which cannot be asked again.
  package func under(_ intervention: EvalIntervention) -> EvalContestant? {
    guard case .checkpoint = model else { return nil }
    var contestant = self
    contestant.intervention = intervention
    return contestant
  }

  /// A checkpoint directory, or a file of answers; a file of weights is the former, and refused when it is opened.
  package init(path: String, from: VisualSource?) {
    let isFile =
      FileManager.default.fileExists(atPath: path) && !Directory.exists(path) && !WeightFiles.areIn(file: path)
    model = isFile ? .answers(path: path) : .checkpoint(.directory(path))
    self.from = from
  }

  /// What reports call a checkpoint of this name: what its text sees and what of it is not trained belong to it.
  func name(_ checkpoint: String, seeing from: VisualSource, untrained parts: [String]) -> String {
    let how = [from == .voco ? nil : from.rawValue, intervention?.title].compactMap { $0 }.joined(separator: ", ")
    let seen = how.isEmpty ? checkpoint : "\(checkpoint) (\(how))"
    return parts.isEmpty ? seen : "\(seen) [\(parts.joined(separator: ", "))]"
  }
}

/// A model's answers, whether it was asked now or before.
package struct EvalAnswers: Sendable {
  package let name: String
  /// The text for the question of each index.
  package let answers: [Int: String]
  package let source: EvaluationReport.Source
  /// Pictures that were decoded in this run although something was wrong with their files, with what it was.
  package let pictureWarnings: [String]

  init(header: ResultsHeader, records: [ResultRecord], pictureWarnings: [String] = []) {
    self.pictureWarnings = pictureWarnings
    name = header.model
    answers = Dictionary(uniqueKeysWithValues: records.map { ($0.index, $0.answer.text) })
    source = EvaluationReport.Source(header: header, picturesSHA256: records.picturesSHA256)
  }

  private init(name: String, _ other: EvalAnswers) {
    self.name = name
    answers = other.answers
    source = other.source
    pictureWarnings = other.pictureWarnings
  }

  /// The same answers, those of equal names numbered.
  static func distinctlyNamed(_ all: [EvalAnswers]) -> [EvalAnswers] {
    var seen: [String: Int] = [:]
    return all.map { one in
      let number = (seen[one.name] ?? 0) + 1
      seen[one.name] = number
      return number == 1 ? one : EvalAnswers(name: "\(one.name) #\(number)", one)
    }
  }
}

extension [ResultRecord] {
  /// SHA-256 over the pictures' own, in the order of the questions; nil where one was not recorded.
  fileprivate var picturesSHA256: String? {
    let digests = sorted { $0.index < $1.index }.compactMap(\.answer.imageSHA256)
    guard !isEmpty, digests.count == count else { return nil }
    return SHA256.hexDigest(of: [UInt8](digests.joined(separator: "\n").utf8))
  }
}

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
  private let weights: WeightIdentity
  private let from: VisualSource
  private let intervention: EvalIntervention?
  private let seed: UInt64
  private let donors: AnchorDonors?
  private let images: String
  private let options: GenerationOptions
  private let run: RunContext
  /// A line for each picture that was decoded although something was wrong with its file.
  private(set) var pictureWarnings: [String] = []
  private var lastHashed: (image: ImageReference, sha256: String)?
  private var last: (image: ImageReference, sha256: String, cache: VisualCache)?

  /// - Throws: `ModelError.noVoco` for a model without voco that is to be asked from it.
  init(
    _ pipeline: Pipeline, of contestant: EvalContestant, images: String, settings: EvalRun.Settings,
    donors: AnchorDonors?, run: RunContext
  ) throws(ModelError) {
    let checkpoint = pipeline.checkpoint
    model = pipeline.model
    from = contestant.from ?? model.ownSource
    guard from != .voco || model.hasVoco else { throw .noVoco(family: checkpoint.family) }
    weights = checkpoint.weights
    name = contestant.name(checkpoint.name, seeing: from, untrained: checkpoint.configuration.untrainedParts)
    sha256 = "\(checkpoint.configSHA256)+\(checkpoint.weightsSHA256)"
    promptTemplate = model.configuration.promptTemplate ?? PromptTemplate.vocoLLaMA
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
      // Results of two states of a file would pass for one model's.
      try weights.checkUnchanged()
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

  /// SHA-256 of a question's picture as it is now.
  func pictureSHA256(_ question: Question) throws -> String? {
    if let lastHashed, lastHashed.image == question.image { return lastHashed.sha256 }
    let bytes =
      switch question.image {
      case .file(let path):
        try FileContents.read(path: ImageReference.path(of: path, in: images), limit: Self.largestPicture)
      case .embedded(let embedded): Array(try embedded.data())
      }
    let sha256 = SHA256.hexDigest(of: bytes)
    lastHashed = (question.image, sha256)
    return sha256
  }

  private static let largestPicture = 1 << 30

  private func compressed(_ image: ImageReference) throws -> (sha256: String, cache: VisualCache) {
    if let last, last.image == image { return (last.sha256, last.cache) }
    let decoded = try decode(image)
    if !decoded.warnings.isEmpty {
      pictureWarnings.append("\(image.key): \(decoded.warnings.joined(separator: "; "))")
    }
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
