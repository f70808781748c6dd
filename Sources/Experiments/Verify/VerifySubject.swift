package import Evidence
package import HTCVLM
import Tensor
import Trace

/// A model under test with the question it is asked: turns pictures into voco rows and cuts into effects.
package struct VerifySubject: Sendable {
  package let model: HTCVLMModel
  package let prompt: String
  private let provenance: Provenance

  /// - Parameter version: of this program, for the provenance.
  /// - Throws: `VerificationError` if the checkpoint's sequence has no anchors or too few patches to compare them with.
  package init(
    _ checkpoint: CheckpointDirectory, model: HTCVLMModel, prompt: String, version: String
  ) throws(VerificationError) {
    try Self.check(model.configuration, path: checkpoint.path)
    self.init(
      model: model, prompt: prompt,
      provenance: Provenance(
        version: version, imageName: "", imageWidth: 0, imageHeight: 0, imageSHA256: "", modelName: checkpoint.name,
        configSHA256: checkpoint.configSHA256, weightsSHA256: checkpoint.weightsSHA256, prompt: prompt))
  }

  private init(model: HTCVLMModel, prompt: String, provenance: Provenance) {
    self.model = model
    self.prompt = prompt
    self.provenance = provenance
  }

  private static func check(_ configuration: HTCVLMConfiguration, path: String) throws(VerificationError) {
    let kinds = configuration.sequence.map(\.rawValue)
    guard kinds.contains(SegmentKind.anchors.rawValue), configuration.anchorTokens > 0 else {
      throw VerificationError("\(path): its sequence has no anchors, so there is nothing to verify")
    }
    guard kinds.contains(SegmentKind.patches.rawValue), configuration.vision.patches >= 2 * configuration.anchorTokens
    else {
      throw VerificationError("\(path): its sequence has too few patches to compare the anchors with")
    }
  }

  /// The same question to another model.
  package func replacing(model: HTCVLMModel) -> VerifySubject {
    VerifySubject(model: model, prompt: prompt, provenance: provenance)
  }

  package func evidenceRun(seed: UInt64) -> EvidenceRun {
    EvidenceRun(provenance: provenance, model: model.description, seed: seed)
  }

  /// A compressed picture and the voco rows that compressed it.
  struct Compressed {
    let cache: VisualCache
    let attention: VocoAttention
  }

  /// Runs the decoder on an encoded picture.
  func compress(_ visual: VisualEncoding, _ intervention: Intervention = .none) throws -> Compressed {
    let recorder = TraceRecorder(provenance: provenance, model: model.description)
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

  /// Whether cutting voco's edges to `keys` changes the answer from `reference`.
  func changes(_ reference: [Int32], _ cache: VisualCache, without keys: Set<Int>) throws -> Bool {
    try answer(model.recompress(cache, intervention: .cut(keys: keys))) != reference
  }

  /// Answers are compared over so many tokens.
  private static let answerTokens = 16

  /// What one intervention does to the next token and to voco's state.
  struct Effect {
    /// KL of the next-token distribution from the unchanged one, in nats.
    var kl: Double
    /// By how much the lead of the likeliest token over the next best shrinks.
    var logitDifference: Double
    /// Of the last voco state before and after.
    var cosine: Double

    init(_ before: Outcome, _ after: Outcome) {
      let values = before.logits.values
      let token = values.indices.max { values[$0] < values[$1] } ?? 0
      let last = before.hiddenVoco.shape[0] - 1
      kl = Divergence.kl(reference: before.logits, changed: after.logits)
      logitDifference = Divergence.logitDifference(reference: before.logits, changed: after.logits, token: token)
      cosine = Divergence.cosine(before.hiddenVoco[row: last], after.hiddenVoco[row: last])
    }
  }

  /// The effect of each intervention, in their order; cuts reuse the cache's visual keys and values.
  func effects(of interventions: [Intervention], on cache: VisualCache) throws -> [Effect] {
    var reference: Outcome?
    var effects: [Effect] = []
    let all = [Intervention.none] + interventions
    // In parts, so that the states of a large model's variants are not all held at once.
    for start in stride(from: 0, to: all.count, by: Self.variantsAtOnce) {
      let part = Array(all[start..<min(start + Self.variantsAtOnce, all.count)])
      for outcome in try model.outcomes(of: part, on: cache, prompt: prompt) {
        guard let reference else {
          reference = outcome
          continue
        }
        effects.append(Effect(reference, outcome))
      }
    }
    return effects
  }

  private static let variantsAtOnce = 64
}
