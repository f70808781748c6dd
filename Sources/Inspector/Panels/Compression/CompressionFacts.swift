package import Evidence
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
