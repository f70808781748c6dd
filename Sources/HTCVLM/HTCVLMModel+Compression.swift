import Tensor
import Tokenization
package import Trace

extension HTCVLMModel {
  /// Runs the decoder up to the last voco: the stage `decoder`.
  ///
  /// A model without voco runs everything before the prompt. With an observer, value norms and the rollout are computed too. Throws `ModelError.intervention` if `intervention`
  /// names what the run lacks.
  package func compress(
    _ visual: VisualEncoding, intervention: Intervention = .none, run: RunContext = RunContext()
  ) throws -> VisualCache {
    let input = try decoderInput(visual, edits: intervention.inputs)
    let rows = input.layout.context
    var context = ContextPass(
      decoder, input.embeddings[rows: rows], positions: Array(input.positions[rows]),
      pattern: ContextPattern(input.layout), wantsRollout: hasVoco && run.capturesDetails)
    guard hasVoco else {
      guard intervention.cuts.isEmpty else { throw ModelError.noVoco(family: configuration.family) }
      return try run.stage(.decoder, steps: decoder.layers.count) { step in
        for _ in decoder.layers {
          try context.advance(check: run.checkCancellation)
          try step()
        }
        return finish(visual, intervention, input, context.context, nil, run: run)
      }
    }
    let plan = try plan(input, [intervention])
    return try run.stage(.decoder, steps: 2 * decoder.layers.count) { step in
      var voco = vocoPass(plan, input, capture: run.capturesDetails, wantsRollout: context.rollout != nil)
      // Layer by layer, so that where memory is short its weights are read once for both.
      for layer in decoder.layers.indices {
        try context.advance(check: run.checkCancellation)
        try step()
        try voco.advance(context: context.layers[layer], rollout: context.rollout)
        try step()
      }
      return finish(visual, intervention, input, context.context, voco.state, run: run)
    }
  }

  /// The same picture under other cuts at voco: only the voco rows are computed again.
  ///
  /// The cache's own input edits stay and `intervention` must add none to them.
  package func recompress(
    _ cache: VisualCache, intervention: Intervention, run: RunContext = RunContext()
  ) throws -> VisualCache {
    guard hasVoco else { throw ModelError.noVoco(family: configuration.family) }
    var intervention = intervention
    intervention.inputs = cache.intervention.inputs
    let plan = try plan(cache.input, [intervention])
    return try run.stage(.decoder, steps: decoder.layers.count) { step in
      let voco = try vocoState(plan, cache.input, cache.context, capture: run.capturesDetails, step: step)
      return finish(cache.visual, intervention, cache.input, cache.context, voco, run: run)
    }
  }

  private func finish(
    _ visual: VisualEncoding, _ intervention: Intervention, _ input: DecoderInput, _ context: DecoderContext,
    _ voco: VocoState?, run: RunContext
  ) -> VisualCache {
    let cache = VisualCache(
      visual: visual, intervention: intervention, input: input, context: context, voco: voco)
    cache.report(to: run.observer)
    return cache
  }

  /// The sequence of a picture and a tokenised prompt, as the trace has it, before the decoder runs.
  package func sequence(
    _ visual: VisualEncoding, _ intervention: Intervention = .none, text: [Int32]
  ) throws -> SequenceTrace {
    try PromptedSequence(try decoderInput(visual, edits: intervention.inputs), text: text, self)
      .trace(piece: tokenizer.piece)
  }

  func decoderInput(_ visual: VisualEncoding, edits: [InputEdit]) throws -> DecoderInput {
    try DecoderInput(
      order: configuration.sequence, parts: parts(text: []), visualMask: configuration.visualMask, edits: edits,
      anchors: visual.anchors, patches: visual.vision.patches, cls: visual.cls, embedding: decoder.embedding)
  }

  func plan(_ input: DecoderInput, _ variants: [Intervention]) throws -> VocoPlan {
    try VocoPlan(
      layout: input.layout, variants: variants, shape: decoder.shape, layers: decoder.layers.count)
  }

  private func vocoPass(_ plan: VocoPlan, _ input: DecoderInput, capture: Bool, wantsRollout: Bool) -> VocoPass {
    let rows = input.layout.vocoBlock
    return VocoPass(
      decoder, plan, input.embeddings[rows: rows], positions: Array(input.positions[rows]), capture: capture,
      wantsRollout: wantsRollout)
  }

  /// Runs the voco rows of all of the plan's variants against one context; `step` is called once per layer.
  func vocoState(
    _ plan: VocoPlan, _ input: DecoderInput, _ context: DecoderContext, capture: Bool,
    step: () throws -> Void
  ) throws -> VocoState {
    var pass = vocoPass(plan, input, capture: capture, wantsRollout: capture && context.rollout != nil)
    for layer in context.layers {
      try pass.advance(context: layer, rollout: context.rollout)
      try step()
    }
    return pass.state
  }
}
