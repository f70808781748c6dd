import Tensor
import Tokenization
import WeightFormats

/// A continuation under way, one token at a time: several can be advanced side by side.
package struct TokenStream: Sendable {
  private let model: HTCVLMModel
  private let options: GenerationOptions
  private var sampler: TokenSampler
  private var detokenizer: StreamingDetokenizer
  private var logits: Tensor
  /// The position of the first token.
  private let position: Int
  /// Of everything before the latest token.
  private(set) var layers: [KeyValues]
  package private(set) var tokenIDs: [Int32] = []
  /// The probability that the model gave each token, at temperature 1.
  package private(set) var probabilities: [Float] = []
  /// The text so far, without half a character.
  package private(set) var text = ""
  /// Why it ended; nil while it goes on.
  package private(set) var stop: StopReason?

  /// Continues after rows whose keys and values are `layers` and whose last row gave `logits`.
  init(_ model: HTCVLMModel, layers: [KeyValues], logits: Tensor, position: Int, options: GenerationOptions) {
    self.model = model
    self.options = options
    self.layers = layers
    self.logits = logits
    self.position = position
    sampler = TokenSampler(options)
    detokenizer = StreamingDetokenizer(tokenizer: model.tokenizer)
    if options.maxNewTokens == 0 { stop = .maxNewTokens }
  }

  /// The position of the latest token.
  var latestPosition: Int { position + tokenIDs.count - 1 }

  /// The next token; nil once the continuation has ended. Throws `CancellationError`.
  package mutating func next(_ run: RunContext = RunContext()) throws -> GeneratedToken? {
    guard stop == nil else { return nil }
    if let latest = tokenIDs.last {
      let state = try model.decoder.text(
        model.decoder.embedding.rows([Int(latest)]), positions: [latestPosition], prefix: layers,
        step: run.checkCancellation)
      layers = zip(layers, state.layers).map { $0 + $1 }
      logits = state.logits
    }
    let (id, probability) = sampler.next(logits.values)
    tokenIDs.append(Int32(id))
    probabilities.append(probability)
    let ends = model.configuration.eosTokenIDs.contains(Int32(id))
    if !ends { text += detokenizer.append(Int32(id)) }
    if ends {
      stop = .endOfSequence
    } else if tokenIDs.count == options.maxNewTokens {
      stop = .maxNewTokens
    } else if let limit = model.configuration.maxPositionEmbeddings, latestPosition >= limit {
      stop = .positions
    }
    return GeneratedToken(id: Int32(id), probability: probability, text: text)
  }
}
