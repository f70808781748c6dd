import Checkpoint
import Evidence
import Foundation
import HTCVLM
import ImageLoading
import Tensor
import Trace

/// A model under test with the question it is asked: turns pictures into voco rows and cuts into distributions.
struct VerifySubject {
  let model: HTCVLMModel
  let prompt: String
  private let provenance: Provenance

  /// - Throws: a sentence if the checkpoint's sequence has no anchors or too few patches to compare them with.
  init(_ checkpoint: CheckpointDirectory, model: HTCVLMModel, prompt: String) throws {
    let configuration = model.configuration
    let kinds = configuration.sequence.map(\.rawValue)
    guard kinds.contains(SegmentKind.anchors.rawValue), configuration.anchorTokens > 0 else {
      throw UsageProblem("\(checkpoint.path): its sequence has no anchors, so there is nothing to verify")
    }
    guard kinds.contains(SegmentKind.patches.rawValue), configuration.vision.patches >= 2 * configuration.anchorTokens
    else {
      throw UsageProblem("\(checkpoint.path): its sequence has too few patches to compare the anchors with")
    }
    self.model = model
    self.prompt = prompt
    provenance = Provenance(
      version: programVersion, imageName: "", imageWidth: 0, imageHeight: 0, imageSHA256: "",
      modelName: checkpoint.name, configSHA256: checkpoint.configSHA256, weightsSHA256: checkpoint.weightsSHA256,
      prompt: prompt)
  }

  private init(model: HTCVLMModel, prompt: String, provenance: Provenance) {
    self.model = model
    self.prompt = prompt
    self.provenance = provenance
  }

  /// The same question to another model.
  func replacing(model: HTCVLMModel) -> VerifySubject {
    VerifySubject(model: model, prompt: prompt, provenance: provenance)
  }

  func evidenceRun(seed: UInt64) -> EvidenceRun {
    EvidenceRun(provenance: provenance, model: model.configuration.modelDescription, seed: seed)
  }

  /// A compressed picture and the voco rows that compressed it.
  struct Compressed {
    let cache: VisualCache
    let attention: VocoAttention
  }

  /// Runs the decoder on an encoded picture.
  func compress(_ visual: VisualEncoding, _ intervention: Intervention = .none) throws -> Compressed {
    let recorder = TraceRecorder(provenance: provenance, model: model.configuration.modelDescription)
    let run = RunContext(observer: recorder)
    recorder.observe(sequence: try model.sequence(visual, intervention, text: try model.tokenize(prompt)))
    let cache = try model.compress(visual, intervention: intervention, run: run)
    _ = try model.answer(prompt, from: cache, options: GenerationOptions(maxNewTokens: 1), run: run)
    return Compressed(cache: cache, attention: try VocoAttention(recorder.trace))
  }

  /// The answer's tokens, the likeliest at each step.
  func answer(_ cache: VisualCache) throws -> [Int32] {
    try model.answer(prompt, from: cache, options: GenerationOptions(maxNewTokens: Self.answerTokens)).tokenIDs
  }

  /// Answers are compared over so many tokens.
  private static let answerTokens = 16

  /// KL of each intervention's next-token distribution from the unchanged one, in nats.
  func divergences(of interventions: [Intervention], on cache: VisualCache) throws -> [Double] {
    var reference: Tensor?
    var divergences: [Double] = []
    let all = [Intervention.none] + interventions
    // In parts, so that the states of a large model's variants are not all held at once.
    for start in stride(from: 0, to: all.count, by: Self.variantsAtOnce) {
      let part = Array(all[start..<min(start + Self.variantsAtOnce, all.count)])
      for outcome in try model.outcomes(of: part, on: cache, prompt: prompt) {
        guard let reference else {
          reference = outcome.logits
          continue
        }
        divergences.append(Divergence.kl(reference: reference, changed: outcome.logits))
      }
    }
    return divergences
  }

  private static let variantsAtOnce = 64
}
