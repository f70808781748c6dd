package import Tensor
package import Trace

/// What a conversation keeps: keys and values of its pictures, as `source` sees them, and of the turns so far.
///
/// Positions follow the sequence of a single picture: the first picture's rows keep the positions that they were
/// computed at, and text counts on from there. A later picture's voco rows are turned from their own positions to the
/// ones after the text so far. Rotary attention depends on differences of positions alone, and the voco rows hold
/// nothing of the conversation, so this is exactly what the picture's own sequence yields when it is placed there;
/// it takes one position per voco token, not one a visual token.
package struct Conversation: Sendable {
  package let source: VisualSource
  package internal(set) var pictures = 1
  /// The position of the next token.
  package internal(set) var position: Int
  /// Seconds for the picture's rows, zero where they were cached.
  package internal(set) var prefixSeconds = 0.0
  var cache: KVCache
  /// Tokens of the sequence whose keys and values are computed with the next turn.
  var pending: [PlacedToken]

  struct PlacedToken: Sendable {
    let id: Int32
    let position: Int
  }

  /// Rows of keys and values that are kept.
  package var rows: Int { cache.rows }

  /// Bytes of the keys and values that are kept, as they lie in memory.
  package var byteCount: Int { cache.byteCount }
}

/// A question under way in a conversation.
package struct ConversationTurn: Sendable {
  package let promptTokenIDs: [Int32]
  /// Rows of keys and values that were there before.
  package let reusedRows: Int
  /// Rows that were computed for the prompt.
  package let computedRows: Int
  /// Seconds for the prompt's tokens.
  package let promptSeconds: Double
  /// `[vocab]`, at the last prompt token.
  package let logits: Tensor
  package private(set) var stream: TokenStream
  /// Seconds for the tokens so far.
  package private(set) var generationSeconds = 0.0
  private let before: Conversation

  init(
    _ before: Conversation, promptTokenIDs: [Int32], computedRows: Int, promptSeconds: Double, logits: Tensor,
    stream: TokenStream
  ) {
    self.before = before
    self.promptTokenIDs = promptTokenIDs
    self.computedRows = computedRows
    self.promptSeconds = promptSeconds
    self.logits = logits
    self.stream = stream
    reusedRows = before.rows
  }

  /// The next token of the answer; nil once it has ended.
  package mutating func next(_ run: RunContext = RunContext()) throws -> GeneratedToken? {
    let start = ContinuousClock.now
    defer { generationSeconds += (ContinuousClock.now - start).seconds }
    return try stream.next(run)
  }

  /// The conversation with this turn's question and answer in it.
  package var kept: Conversation {
    var after = before
    after.cache = stream.cache
    after.pending = stream.tokenIDs.last.map { [.init(id: $0, position: stream.latestPosition)] } ?? []
    after.position = stream.latestPosition + 1
    return after
  }
}
