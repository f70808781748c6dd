package import Tensor

/// What an intervention leaves of a run: enough to measure its effect.
package struct Outcome: Sendable {
  /// `[vocab]`, at the last prompt token.
  package let logits: Tensor
  /// `hidden.voco` `[L + 1, D]`.
  package let hiddenVoco: Tensor
}

extension HTCVLMModel {
  /// Text rows computed side by side: enough to fill a product, few enough for a large model's memory.
  static let rowsAtOnce = 2048

  /// The next-token logits and voco states under each of `interventions`, answering `prompt` from `<voco>`.
  ///
  /// Interventions that only cut edges share the cache's context and are computed side by side; those that edit inputs
  /// compress the picture anew. `Intervention.none` among them is the baseline. `onProgress` gets how many are done;
  /// cancellation is checked once per layer.
  package func outcomes(
    of interventions: [Intervention], on cache: VisualCache, prompt: String, run: RunContext = RunContext(),
    onProgress: (_ done: Int) -> Void = { _ in }
  ) throws -> [Outcome] {
    guard hasVoco else { throw ModelError.noVoco(family: configuration.family) }
    let text = try tokenize(prompt)
    var outcomes = [Outcome?](repeating: nil, count: interventions.count)
    for (index, intervention) in interventions.enumerated() where !intervention.keepsContext {
      let quiet = RunContext(cancellation: run.cancellation)
      let edited = try compress(cache.visual, intervention: intervention, run: quiet)
      outcomes[index] = try self.outcomes(edited, [intervention.cuts], text: text, run: run)[0]
      onProgress(outcomes.count { $0 != nil })
    }
    let cutting = interventions.indices.filter { interventions[$0].keepsContext }
    let variantsAtOnce = max(1, Self.rowsAtOnce / text.count)
    for start in stride(from: 0, to: cutting.count, by: variantsAtOnce) {
      let chunk = cutting[start..<min(start + variantsAtOnce, cutting.count)]
      let results = try self.outcomes(cache, chunk.map { interventions[$0].cuts }, text: text, run: run)
      for (index, outcome) in zip(chunk, results) { outcomes[index] = outcome }
      onProgress(outcomes.count { $0 != nil })
    }
    return outcomes.compactMap { $0 }
  }

  private func outcomes(
    _ cache: VisualCache, _ variants: [[EdgeCut]], text: [Int32], run: RunContext
  ) throws -> [Outcome] {
    let voco = try vocoState(
      try plan(cache.input, variants), cache.input, cache.context, capture: false, step: run.checkCancellation)
    let sequence = try PromptedSequence(cache.input, text: text, self)
    let rows = sequence.textRows
    var caches = variants.indices.map { KVCache(voco.prefix($0)) }
    let state = try decoder.text(
      gatherRows(sequence.embeddings, rows), positions: rows.map { sequence.positions[$0] }, caches: &caches,
      step: run.checkCancellation)
    return variants.indices.map { Outcome(logits: state.logits[row: $0], hiddenVoco: voco.hidden($0)) }
  }
}
