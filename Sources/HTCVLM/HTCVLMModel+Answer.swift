import Tensor
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
      columns: prefix.columns + rows + answered)
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
