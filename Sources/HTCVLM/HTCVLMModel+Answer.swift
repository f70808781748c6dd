package import Tensor
import Tokenization
package import Trace

extension HTCVLMModel {
  /// Answers `prompt` from a compressed picture: the stage `answer`.
  ///
  /// Without a source, as the model was made to: visual keys and values are not touched with `.voco`. `onToken` gets each token as it
  /// is generated. Throws `ModelError.promptTooLong` and `ModelError.emptyPrompt`.
  package func answer(
    _ prompt: String, from cache: VisualCache, source: VisualSource? = nil,
    options: GenerationOptions = GenerationOptions(), run: RunContext = RunContext(),
    onToken: (GeneratedToken) -> Void = { _ in }
  ) throws -> Answer {
    let source = source ?? ownSource
    let ids = try tokenize(prompt)
    let sequence = try PromptedSequence(cache.input, text: ids, self)
    run.observer?.observe(sequence: sequence.trace(piece: tokenizer.piece))
    return try run.stage(.answer, steps: decoder.layers.count + options.maxNewTokens) { step in
      let clock = ContinuousClock()
      let start = clock.now
      var prefix = try prefix(of: sequence, cache, source, run: run)
      let prefixed = clock.now
      let rows = prefix.textRows
      let state = try decoder.text(
        gatherRows(sequence.embeddings, rows), positions: rows.map { sequence.positions[$0] }, cache: &prefix.cache,
        step: step)
      report(state, sequence, prefix.cache, columns: prefix.columns + rows, to: run.observer)
      let prompted = clock.now
      let generated = try generate(
        after: state, cache: prefix.cache, position: sequence.layout.length, options: options, run: run, step: step,
        onToken: onToken)
      let text = tokenizer.decode(generated.ids.filter { !configuration.eosTokenIDs.contains($0) })
      // A run that was to end at the prompt has no answer, not an empty one.
      if options.maxNewTokens > 0 {
        run.observer?.observe(
          generation: GenerationTrace(tokenIDs: generated.ids, text: text, probabilities: generated.probabilities))
      }
      return Answer(
        source: source, promptTokenIDs: ids, tokenIDs: generated.ids, text: text,
        probabilities: generated.probabilities, logits: state.logits[row: 0], stop: generated.stop,
        prefixRows: prefix.columns.count, prefixSeconds: (prefixed - start).seconds,
        promptSeconds: (prompted - prefixed).seconds, generationSeconds: (clock.now - prompted).seconds)
    }
  }

  /// What every token of a prompt and of its answer attends to, in one pass over both.
  ///
  /// - Parameter answer: generated tokens; the last one attends to nothing yet.
  package func textAttention(
    _ prompt: String, answer: [Int32], from cache: VisualCache, source: VisualSource? = nil,
    run: RunContext = RunContext()
  ) throws -> TextAttention {
    let sequence = try PromptedSequence(cache.input, text: try tokenize(prompt), self)
    var prefix = try prefix(of: sequence, cache, source ?? ownSource, run: run)
    let continued = Array(answer.dropLast().map(Int.init))
    let rows = prefix.textRows
    let length = sequence.layout.length
    var embeddings = gatherRows(sequence.embeddings, rows)
    if !continued.isEmpty { embeddings = Tensor.concatenate([embeddings, decoder.embedding.rows(continued)]) }
    let answered = continued.indices.map { length + $0 }
    let state = try decoder.text(
      embeddings, positions: rows.map { sequence.positions[$0] } + answered, cache: &prefix.cache, keepsRows: true,
      step: run.checkCancellation)
    let pieces = sequence.trace(piece: tokenizer.piece).pieces
    return TextAttention(
      layers: state.rows, positions: rows + answered,
      pieces: rows.map { pieces[$0] } + answer.dropLast().map { tokenizer.piece($0) },
      columns: prefix.columns + rows + answered,
      valueNorms: decoder.layers.indices.map { decoder.layers[$0].valueNorms(prefix.cache.values(layer: $0)) })
  }

  /// What the text starts from.
  private struct Prefix {
    var cache: KVCache
    /// The rows' positions in the sequence.
    var columns: [Int]
    /// The text rows to compute after them.
    var textRows: [Int]
  }

  private func prefix(
    of sequence: PromptedSequence, _ cache: VisualCache, _ source: VisualSource, run: RunContext
  ) throws -> Prefix {
    let layout = sequence.layout
    let prompt = Array(layout.promptStart..<layout.length)
    switch source {
    case .voco:
      guard hasVoco else { throw ModelError.noVoco(family: configuration.family) }
      return Prefix(cache: KVCache(cache.voco.prefix(0)), columns: layout.compressed, textRows: sequence.textRows)
    case .full:
      let columns = Array(0..<layout.promptStart)
      let context = try cache.unmasked.get { try causalContext(sequence, columns, run: run) }
      return Prefix(cache: KVCache(context.layers), columns: columns, textRows: prompt)
    case .none:
      let columns = (0..<layout.promptStart).filter { !layout.kinds[$0].isVisual && layout.kinds[$0] != .voco }
      let context = try causalContext(sequence, columns, run: run)
      return Prefix(cache: KVCache(context.layers), columns: columns, textRows: prompt)
    }
  }

  private func causalContext(
    _ sequence: PromptedSequence, _ rows: [Int], run: RunContext
  ) throws -> DecoderContext {
    try decoder.context(
      gatherRows(sequence.embeddings, rows), positions: rows.map { sequence.positions[$0] }, pattern: .causal,
      wantsRollout: false, check: run.checkCancellation, step: run.checkCancellation)
  }

  private func report(
    _ state: TextState, _ sequence: PromptedSequence, _ cache: KVCache, columns: [Int],
    to observer: (any ActivationObserver)?
  ) {
    guard let observer else { return }
    for (layer, weights) in state.attention.enumerated() {
      observer.observe(
        .attentionLast, layer: layer, tensor: sequence.spread(weights, columns: columns))
    }
    if !hasVoco {
      for (layer, row) in state.hidden.enumerated() {
        observer.observe(.hiddenLast, layer: layer, tensor: row[row: 0])
      }
      for (layer, block) in decoder.layers.enumerated() {
        let norms = block.valueNorms(cache.values(layer: layer))
        observer.observe(.valueNormsLast, layer: layer, tensor: sequence.spread(norms, columns: columns))
      }
    }
    observer.observe(.logits, layer: nil, tensor: state.logits[row: 0])
  }

  /// Continues greedily or by sampling, one row at a time against the growing keys and values.
  private func generate(
    after state: TextState, cache: KVCache, position: Int, options: GenerationOptions, run: RunContext,
    step: () throws -> Void, onToken: (GeneratedToken) -> Void
  ) throws -> (ids: [Int32], probabilities: [Float], stop: StopReason) {
    var stream = TokenStream(
      self, cache: cache, logits: state.logits, position: position, options: options)
    while let token = try stream.next(run) {
      onToken(token)
      run.observer?.observe(
        generation: GenerationTrace(
          tokenIDs: stream.tokenIDs, text: stream.text, probabilities: stream.probabilities))
      try step()
    }
    return (stream.tokenIDs, stream.probabilities, stream.stop ?? .maxNewTokens)
  }
}

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

  /// The next-token logits and voco states under each of `interventions`, answering `prompt` from `<voco>`, after the
  /// tokens `answered`.
  ///
  /// Interventions on edges alone share the cache's context and are computed side by side; those that edit inputs
  /// compress the picture anew. `Intervention.none` among them is the baseline. `onProgress` gets how many are done;
  /// cancellation is checked once per layer.
  package func outcomes(
    of interventions: [Intervention], on cache: VisualCache, prompt: String, answered: [Int32] = [],
    run: RunContext = RunContext(), onProgress: (_ done: Int) -> Void = { _ in }
  ) throws -> [Outcome] {
    guard hasVoco else { throw ModelError.noVoco(family: configuration.family) }
    precondition(question == nil || answered.isEmpty, "an inspected token predicts the first of the answer")
    let text = try tokenize(prompt) + answered
    var outcomes = [Outcome?](repeating: nil, count: interventions.count)
    for (index, intervention) in interventions.enumerated() where !intervention.keepsContext {
      let quiet = RunContext(cancellation: run.cancellation)
      let edited = try compress(cache.visual, intervention: intervention, run: quiet)
      outcomes[index] = try self.outcomes(edited, [intervention], text: text, run: run)[0]
      onProgress(outcomes.count { $0 != nil })
    }
    let onEdges = interventions.indices.filter { interventions[$0].keepsContext }
    let variantsAtOnce = max(1, Self.rowsAtOnce / max(1, text.count))
    for start in stride(from: 0, to: onEdges.count, by: variantsAtOnce) {
      let chunk = onEdges[start..<min(start + variantsAtOnce, onEdges.count)]
      let results = try self.outcomes(cache, chunk.map { interventions[$0] }, text: text, run: run)
      for (index, outcome) in zip(chunk, results) { outcomes[index] = outcome }
      onProgress(outcomes.count { $0 != nil })
    }
    return outcomes.compactMap { $0 }
  }

  private func outcomes(
    _ cache: VisualCache, _ variants: [Intervention], text: [Int32], run: RunContext
  ) throws -> [Outcome] {
    let plan = try plan(cache.input, variants)
    let voco = try vocoState(plan, cache.input, cache.context, capture: false, step: run.checkCancellation)
    guard !text.isEmpty else {
      // The token in voco's place is the last of the prompt: its own state predicts.
      let logits = try decoder.logits(voco.hidden[decoder.layers.count])
      return variants.indices.map { Outcome(logits: logits[row: $0], hiddenVoco: voco.hidden($0)) }
    }
    let sequence = try PromptedSequence(cache.input, text: text, self)
    let rows = sequence.textRows
    var caches = variants.indices.map { KVCache(voco.prefix($0)) }
    let state = try decoder.text(
      gatherRows(sequence.embeddings, rows), positions: rows.map { sequence.positions[$0] }, caches: &caches,
      step: run.checkCancellation)
    return variants.indices.map { Outcome(logits: state.logits[row: $0], hiddenVoco: voco.hidden($0)) }
  }
}
