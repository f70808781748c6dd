import Statistics
package import Trace

/// What the loaded checkpoint is, as far as costs and honesty need it.
package struct CompressionFacts: Sendable, Equatable {
  package var modelName: String
  package var configSHA256: String
  package var weightsSHA256: String
  package var version: String
  package var shape: DecoderShape
  /// Tokens of a picture's sequence, without text.
  package var prompt: PromptShape
  /// How visual tokens see each other.
  package var pattern: AttentionPattern
  /// Bytes of an element of a key or value in this program.
  package var bytesPerElement: Int
  /// Positions that the decoder was made for; `nil` when the checkpoint does not say.
  package var contextLength: Int?
  /// What the text was trained to answer from; `nil` when the checkpoint does not say.
  package var trainedSources: [VisualSource]?
  package var untrainedParts: [String]
  package var temperature: Double
  package var seed: UInt64

  package init(
    modelName: String, configSHA256: String, weightsSHA256: String, version: String, shape: DecoderShape,
    prompt: PromptShape, pattern: AttentionPattern, bytesPerElement: Int, contextLength: Int?,
    trainedSources: [VisualSource]?, untrainedParts: [String], temperature: Double, seed: UInt64
  ) {
    self.modelName = modelName
    self.configSHA256 = configSHA256
    self.weightsSHA256 = weightsSHA256
    self.version = version
    self.shape = shape
    self.prompt = prompt
    self.pattern = pattern
    self.bytesPerElement = bytesPerElement
    self.contextLength = contextLength
    self.trainedSources = trainedSources
    self.untrainedParts = untrainedParts
    self.temperature = temperature
    self.seed = seed
  }

  /// “580 tokens”, “1 <voco>”, “no picture”.
  package func title(of source: VisualSource) -> String {
    switch source {
    case .full: "\(Format.integer(prompt.visual)) tokens"
    case .voco: "\(prompt.voco) <voco>"
    case .none: "no picture"
    }
  }

  /// Whether answers from `source` are what the checkpoint was trained for; `nil` when it does not say.
  package func isTrained(_ source: VisualSource) -> Bool? { trainedSources.map { $0.contains(source) } }

  /// What this model can answer from: a model without voco has no compressed picture.
  package var sources: [VisualSource] { VisualSource.allCases.filter { $0 != .voco || prompt.voco > 0 } }

  /// What an audience must know about answers from `sources`, or from all that the model has.
  package func edges(of sources: [VisualSource]? = nil) -> [String] {
    let sources = sources ?? self.sources
    guard let trained = trainedSources else {
      return ["What this checkpoint was trained to answer from is unknown: config.json has no trained_sources."]
    }
    let outside = sources.filter { !trained.contains($0) }
    guard !outside.isEmpty else { return [] }
    return [
      "This checkpoint was trained to answer from \(trained.map(title).joined(separator: " and ")) only: what it says from "
        + "\(outside.map(title).joined(separator: " or from ")) is outside of its training."
    ]
  }
}

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
  /// State of one token: layers, and bytes per layer.
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
