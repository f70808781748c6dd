import Evidence
package import HTCVLM
import Statistics
package import Tensor
import Trace

/// What cutting edges from `<voco>` does to one picture's answer, for whoever tries cuts one by one.
package struct CutProbe {
  private let pipeline: Pipeline
  private let picture: PictureSource
  private let prompt: String
  private let options: GenerationOptions
  private let cancellation: CancellationFlag

  package init(
    pipeline: Pipeline, picture: PictureSource, prompt: String, options: GenerationOptions,
    cancellation: CancellationFlag = CancellationFlag()
  ) {
    self.pipeline = pipeline
    self.picture = picture
    self.prompt = prompt
    self.options = options
    self.cancellation = cancellation
  }

  /// What the model did without the edges.
  package struct Effect: Sendable {
    /// The answer to the same prompt.
    package let answer: String
    /// KL(p ‖ p_cut) over the token after the prompt, in nats.
    package let kl: Double
    /// The lead of the uncut run's first answer token over the best other one, in logits: cut minus uncut.
    package let leadChange: Double
    /// `[L, H, S]`, the voco row of the cut run.
    package let attentionVoco: Tensor
  }

  package func effect(of cut: Intervention) throws -> Effect {
    let trace = try pipeline.trace(
      picture, Pipeline.Request(prompt: prompt, options: options, intervention: cut, reconstructs: false),
      cancellation: cancellation)
    guard let language = trace.language else { preconditionFailure("a finished run has the decoder's rows") }
    let before = try uncut().logits
    return Effect(
      answer: trace.generation?.text ?? "", kl: Divergence.kl(reference: before, changed: language.logits),
      leadChange: Divergence.leadChange(
        reference: before, changed: language.logits, token: likeliest(before)),
      attentionVoco: language.attentionVoco)
  }

  /// KL(p ‖ p_cut) in nats of cuts of `count` keys drawn from `candidates`, again and again; `onProgress` gets those of
  /// all draws so far.
  package func randomCuts(
    of count: Int, among candidates: [Int], draws: Int, seed: UInt64, cutting: ([Int]) -> Intervention,
    onProgress: ([Double]) -> Void
  ) throws {
    let before = try uncut().logits
    let cache = try pipeline.cache(picture, cancellation: cancellation)
    var generator = SplitMix64(seed: seed)
    var kls: [Double] = []
    while kls.count < draws {
      let cuts = (kls.count..<min(kls.count + Self.drawsAtOnce, draws)).map { _ in
        cutting(Array(candidates.shuffled(using: &generator).prefix(count)))
      }
      let outcomes = try pipeline.model.outcomes(
        of: cuts, on: cache, prompt: prompt, run: RunContext(cancellation: cancellation))
      kls += outcomes.map { Divergence.kl(reference: before, changed: $0.logits) }
      onProgress(kls)
    }
  }

  /// Draws between two reports: often enough to watch, few enough that sharing work still pays.
  private static let drawsAtOnce = 16

  private func uncut() throws -> Outcome {
    let cache = try pipeline.cache(picture, cancellation: cancellation)
    return try pipeline.model.outcomes(
      of: [.none], on: cache, prompt: prompt, run: RunContext(cancellation: cancellation))[0]
  }

  private func likeliest(_ logits: Tensor) -> Int {
    logits.values.indices.max { logits.values[$0] < logits.values[$1] } ?? 0
  }
}
