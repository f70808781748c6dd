import Tensor
package import Trace
import WeightFormats

extension HTCVLMModel {
  /// A conversation about a compressed picture, before its first question.
  package func conversation(
    on cache: VisualCache, source: VisualSource, run: RunContext = RunContext()
  ) throws -> Conversation {
    let start = ContinuousClock.now
    let (input, layout) = (cache.input, cache.input.layout)
    let layers: [KeyValues]
    var pending: [Conversation.PlacedToken] = []
    switch source {
    case .voco:
      guard hasVoco else { throw ModelError.noVoco(family: configuration.family) }
      layers = cache.voco.prefix(0)
      pending = input.textAfterVoco
    case .full:
      let rows = Array(0..<layout.length)
      layers = try cache.unmasked.get { try causalContext(input, rows, run: run) }.layers
    case .none:
      let rows = (0..<layout.length).filter { !layout.kinds[$0].isVisual && layout.kinds[$0] != .voco }
      layers = try causalContext(input, rows, run: run).layers
    }
    var conversation = Conversation(source: source, position: layout.length, layers: layers, pending: pending)
    conversation.prefixSeconds = (ContinuousClock.now - start).seconds
    return conversation
  }

  /// The conversation with one more picture after what was said.
  ///
  /// From voco it takes a row a voco token, from full all of the picture's rows, from none nothing. Throws
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
      let state = try decoder.text(
        input.embeddings, positions: positions, prefix: after.layers, step: run.checkCancellation)
      after.layers = zip(after.layers, state.layers).map { $0 + $1 }
      after.position += layout.length
    case .voco:
      try check(rows: layout.length - layout.firstVoco, in: after)
      after = try flushed(after, run: run)
      let shift = after.position - layout.firstVoco
      let rebased = cache.voco.prefix(0).map { decoder.moved($0, by: shift) }
      after.layers = zip(after.layers, rebased).map { $0 + $1 }
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
    let state = try textState(tokens, after: conversation, run)
    let stream = TokenStream(
      self, layers: zip(conversation.layers, state.layers).map { $0 + $1 }, logits: state.logits,
      position: conversation.position + ids.count, options: options)
    return ConversationTurn(
      conversation, promptTokenIDs: ids, computedRows: tokens.count,
      promptSeconds: (ContinuousClock.now - start).seconds, logits: state.logits[row: 0], stream: stream)
  }

  private func textState(
    _ tokens: [Conversation.PlacedToken], after conversation: Conversation, _ run: RunContext
  ) throws -> TextState {
    try decoder.text(
      decoder.embedding.rows(tokens.map { Int($0.id) }), positions: tokens.map(\.position),
      prefix: conversation.layers, step: run.checkCancellation)
  }

  /// The conversation without pending tokens: a picture must not be seen by what was said before it.
  private func flushed(_ conversation: Conversation, run: RunContext) throws -> Conversation {
    guard !conversation.pending.isEmpty else { return conversation }
    let state = try textState(conversation.pending, after: conversation, run)
    var after = conversation
    after.layers = zip(after.layers, state.layers).map { $0 + $1 }
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
