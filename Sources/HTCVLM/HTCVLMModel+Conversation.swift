import Tensor
package import Trace

extension HTCVLMModel {
  /// A conversation about a compressed picture, before its first question.
  package func conversation(
    on cache: VisualCache, source: VisualSource, run: RunContext = RunContext()
  ) throws -> Conversation {
    let start = ContinuousClock.now
    let (input, layout) = (cache.input, cache.input.layout)
    let rows: [KeyValues]
    var pending: [Conversation.PlacedToken] = []
    switch source {
    case .voco:
      guard hasVoco else { throw ModelError.noVoco(family: configuration.family) }
      rows = cache.voco.prefix(0)
      pending = input.textAfterVoco
    case .full:
      rows = try cache.unmasked.get { try causalContext(input, Array(0..<layout.length), run: run) }.layers
    case .none:
      let seen = (0..<layout.length).filter { !layout.kinds[$0].isVisual && layout.kinds[$0] != .voco }
      rows = try causalContext(input, seen, run: run).layers
    }
    var conversation = Conversation(source: source, position: layout.length, cache: KVCache(rows), pending: pending)
    conversation.prefixSeconds = (ContinuousClock.now - start).seconds
    return conversation
  }

  /// The conversation with one more picture after what was said.
  ///
  /// From voco it takes a row per voco token, from full all of the picture's rows, from none nothing. Throws
  /// `ModelError.conversationTooLong`.
  package func adding(
    _ cache: VisualCache, to conversation: Conversation, run: RunContext = RunContext()
  ) throws -> Conversation {
    var after = conversation
    after.pictures += 1
    let (input, layout) = (cache.input, cache.input.layout)
    let start = ContinuousClock.now
    switch conversation.source {
    case .none: return after
    case .full:
      try check(rows: layout.length, in: after)
      after = try flushed(after, run: run)
      let positions = input.positions.map { $0 + after.position }
      _ = try decoder.text(input.embeddings, positions: positions, cache: &after.cache, step: run.checkCancellation)
      after.position += layout.length
    case .voco:
      try check(rows: layout.length - layout.firstVoco, in: after)
      after = try flushed(after, run: run)
      let shift = after.position - layout.firstVoco
      after.cache.append(cache.voco.prefix(0).map { decoder.moved($0, by: shift) })
      after.pending = input.textAfterVoco.map { .init(id: $0.id, position: $0.position + shift) }
      after.position += layout.length - layout.firstVoco
    }
    after.prefixSeconds = (ContinuousClock.now - start).seconds
    return after
  }

  /// Asks `prompt`, in the checkpoint's template: computes the prompt's rows against what the conversation keeps.
  ///
  /// Throws `ModelError.conversationTooLong` and `ModelError.emptyPrompt`.
  package func ask(
    _ prompt: String, in conversation: Conversation, options: GenerationOptions = GenerationOptions(),
    run: RunContext = RunContext()
  ) throws -> ConversationTurn {
    let ids = try promptTokens(prompt)
    try check(rows: ids.count, in: conversation)
    let start = ContinuousClock.now
    let tokens =
      conversation.pending
      + ids.enumerated().map { .init(id: $0.element, position: conversation.position + $0.offset) }
    var cache = conversation.cache
    let state = try textState(tokens, after: &cache, run)
    let stream = TokenStream(
      self, cache: cache, logits: state.logits, position: conversation.position + ids.count, options: options)
    return ConversationTurn(
      conversation, promptTokenIDs: ids, computedRows: tokens.count,
      promptSeconds: (ContinuousClock.now - start).seconds, logits: state.logits[row: 0], stream: stream)
  }

  private func textState(
    _ tokens: [Conversation.PlacedToken], after cache: inout KVCache, _ run: RunContext
  ) throws -> TextState {
    try decoder.text(
      decoder.embedding.rows(tokens.map { Int($0.id) }), positions: tokens.map(\.position), cache: &cache,
      step: run.checkCancellation)
  }

  /// The conversation without pending tokens: a picture must not be seen by what was said before it.
  private func flushed(_ conversation: Conversation, run: RunContext) throws -> Conversation {
    guard !conversation.pending.isEmpty else { return conversation }
    var after = conversation
    _ = try textState(conversation.pending, after: &after.cache, run)
    after.pending = []
    return after
  }

  private func check(rows: Int, in conversation: Conversation) throws(ModelError) {
    guard let limit = configuration.maxPositionEmbeddings, conversation.position + rows > limit else { return }
    throw .conversationTooLong(used: conversation.position, adding: rows, limit: limit)
  }

  private func causalContext(_ input: DecoderInput, _ rows: [Int], run: RunContext) throws -> DecoderContext {
    try decoder.context(
      gatherRows(input.embeddings, rows), positions: rows.map { input.positions[$0] }, pattern: .causal,
      wantsRollout: false, check: run.checkCancellation, step: run.checkCancellation)
  }
}

extension DecoderInput {
  /// The tokens between voco and the prompt, which text rows see.
  fileprivate var textAfterVoco: [Conversation.PlacedToken] {
    layout.textRows.map { .init(id: layout.tokenIDs[$0], position: positions[$0]) }
  }
}
