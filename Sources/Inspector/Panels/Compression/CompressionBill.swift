package import Evidence
import Statistics
package import Trace

/// What one source costs: measured in this run, and computed from the shapes.
package struct SourceBill: Sendable, Hashable {
  package let source: VisualSource
  /// Rows of keys and values that the first picture leaves behind.
  package let rows: Int
  /// Their bytes as they lay in memory; `nil` where they were not computed here.
  package let measuredBytes: Int?
  package let computedBytes: Int
  /// Once a picture: seconds and operations of the decoder up to what is kept.
  package let pictureSeconds: Double?
  package let pictureOperations: Int
  /// A question: its tokens, seconds until its first answer token, operations.
  package let questionTokens: Int
  package let questionSeconds: Double?
  package let questionOperations: Int
  /// An answer token after the first.
  package let tokenSeconds: Double?
  package let tokenOperations: Int
}

/// The bill of a conversation's latest question, and that of the published size for the same question.
package struct CompressionBill: Sendable, Hashable {
  package let sources: [SourceBill]
  /// Llama-7B in 16 bits: computed, never measured here; empty for a model without voco.
  package let published: [SourceBill]
  private let hasVoco: Bool
  /// State of one token: layers, and bytes a layer.
  package let layers: Int
  package let bytesPerLayer: Int

  /// The elements of the published model are 16 bits.
  package static let publishedBytesPerElement = 2
  /// HTC-VLM's own sequence: `<s>`, 4 anchors, 576 patches, one voco.
  package static let publishedPrompt = PromptShape(prefix: 1, visual: 580, voco: 1, text: 0)
  /// A question's length where none was asked yet.
  private static let assumedTokens = 16

  package init(_ facts: CompressionFacts, pictures: [ConversationPicture], latest: Exchange?) {
    let asked = latest?.answers.compactMap { $0.cost?.promptTokens }.first
    let tokens = asked ?? Self.assumedTokens
    layers = facts.shape.layers
    bytesPerLayer = facts.shape.keyValueBytes(tokens: 1, bytesPerElement: facts.bytesPerElement) / facts.shape.layers
    hasVoco = facts.prompt.voco > 0
    sources = facts.sources.map { source in
      Self.bill(
        source, facts.shape, facts.prompt, facts.pattern, bytes: facts.bytesPerElement, tokens: tokens,
        picture: pictures.first, answer: latest?[source])
    }
    // 580 tokens and one voco say nothing of a model without it.
    published = (hasVoco ? VisualSource.allCases : []).map { source in
      Self.bill(
        source, .llama7B, Self.publishedPrompt, .star, bytes: Self.publishedBytesPerElement, tokens: tokens,
        picture: nil, answer: nil)
    }
  }

  /// nil for voco in a model without it.
  package subscript(source: VisualSource) -> SourceBill? { sources.first { $0.source == source } }

  private static func bill(
    _ source: VisualSource, _ shape: DecoderShape, _ prompt: PromptShape, _ pattern: AttentionPattern, bytes: Int,
    tokens: Int, picture: ConversationPicture?, answer: SourceAnswer?
  ) -> SourceBill {
    let kept: Int
    let context: Int
    switch source {
    case .full:
      kept = prompt.prefix + prompt.visual + prompt.voco
      context = shape.contextOperations(prompt, .full)
    case .voco:
      kept = prompt.voco
      context = shape.contextOperations(prompt, pattern)
    case .none:
      kept = prompt.prefix
      context = shape.contextOperations(PromptShape(prefix: prompt.prefix, visual: 0, voco: 0, text: 0), .full)
    }
    let reused = answer?.cost?.reusedRows ?? kept
    return SourceBill(
      source: source, rows: kept, measuredBytes: picture?.bytes[source],
      computedBytes: shape.keyValueBytes(tokens: kept, bytesPerElement: bytes),
      pictureSeconds: picture?.seconds[source], pictureOperations: context, questionTokens: tokens,
      questionSeconds: answer?.cost?.seconds,
      questionOperations: shape.questionOperations(tokens: answer?.cost?.computedRows ?? tokens, kept: reused),
      tokenSeconds: answer?.secondsPerToken,
      tokenOperations: shape.decodeOperations(keys: reused + (answer?.cost?.computedRows ?? tokens)))
  }

  /// That one token is no vector but a state of every layer.
  package var sentence: String {
    "One \(hasVoco ? "<voco> token" : "token of the picture") is \(layers) layers of state: a key and a value in each, \(Format.bytes(bytesPerLayer)) a layer, "
      + "\(Format.bytes(layers * bytesPerLayer)) in all."
  }

  /// How much smaller voco is: bytes of all tokens over bytes of voco; nil in a model without it.
  package var ratio: Double? {
    guard let full = self[.full], let voco = self[.voco] else { return nil }
    return Double(full.computedBytes) / Double(max(1, voco.computedBytes))
  }
}
