import Foundation
import Statistics
package import Tensor
import Tokenization
package import Trace

/// How to continue a prompt.
package struct GenerationOptions: Sendable, Hashable {
  package var maxNewTokens: Int
  /// 0 is greedy.
  package var temperature: Float
  /// Draw from the fewest tokens whose probabilities sum to this much (Holtzman et al., arXiv 1904.09751).
  package var topP: Float
  package var seed: UInt64

  package init(maxNewTokens: Int = 64, temperature: Float = 0, topP: Float = 1, seed: UInt64 = 0) {
    self.maxNewTokens = maxNewTokens
    self.temperature = temperature
    self.topP = topP
    self.seed = seed
  }
}

/// Why a continuation ended.
package enum StopReason: String, Sendable, Hashable {
  case endOfSequence, maxNewTokens
  /// `max_position_embeddings` was reached.
  case positions
}

/// A continuation and what it cost.
package struct Answer: Sendable {
  package let source: VisualSource
  package let promptTokenIDs: [Int32]
  /// The continuation, with the end-of-sequence token if it was reached.
  package let tokenIDs: [Int32]
  /// The continuation's text.
  package let text: String
  /// The probability that the model gave each generated token, at temperature 1.
  package let probabilities: [Float]
  /// `[vocab]`, at the last prompt token.
  package let logits: Tensor
  package let stop: StopReason
  /// Rows of keys and values that the text started from: 1 for one voco token.
  package let prefixRows: Int
  /// Seconds for the prefix, zero where it was cached.
  package let prefixSeconds: Double
  /// Seconds for the prompt's tokens.
  package let promptSeconds: Double
  /// Seconds for the continuation.
  package let generationSeconds: Double
}

/// A token as it is generated.
package struct GeneratedToken: Sendable {
  package let id: Int32
  package let probability: Float
  /// The continuation's text so far, without half a character.
  package let text: String
}

/// The token that greedy generation takes: of the largest logit, among equal ones the first.
package func likeliestToken(_ logits: [Float]) -> Int { logits.indices.reduce(0) { logits[$1] > logits[$0] ? $1 : $0 } }

/// Picks tokens from logits.
struct TokenSampler {
  private let options: GenerationOptions
  private var generator: SplitMix64

  init(_ options: GenerationOptions) {
    self.options = options
    generator = SplitMix64(seed: options.seed)
  }

  /// The next token and its probability at temperature 1; among equal logits the first.
  mutating func next(_ logits: [Float]) -> (id: Int, probability: Float) {
    let plain = Self.probabilities(logits, temperature: 1)
    guard options.temperature > 0 else {
      let best = likeliestToken(logits)
      return (best, Float(plain[best]))
    }
    let tempered = Self.probabilities(logits, temperature: Double(options.temperature))
    let ranked = tempered.indices.sorted { (tempered[$0], $1) > (tempered[$1], $0) }
    var nucleus: [Int] = []
    var mass = 0.0
    for id in ranked {
      nucleus.append(id)
      mass += tempered[id]
      if mass >= Double(options.topP) { break }
    }
    var draw = generator.unit() * mass
    for id in nucleus {
      draw -= tempered[id]
      if draw < 0 { return (id, Float(plain[id])) }
    }
    let last = nucleus[nucleus.count - 1]
    return (last, Float(plain[last]))
  }

  /// softmax(logits / temperature).
  private static func probabilities(_ logits: [Float], temperature: Double) -> [Double] {
    let largest = Double(logits.max() ?? 0)
    let weights = logits.map { exp((Double($0) - largest) / temperature) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }
}

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
  private(set) var cache: KVCache
  package private(set) var tokenIDs: [Int32] = []
  /// The probability that the model gave each token, at temperature 1.
  package private(set) var probabilities: [Float] = []
  /// The text so far, without half a character.
  package private(set) var text = ""
  /// Why it ended; nil while it goes on.
  package private(set) var stop: StopReason?

  /// Continues after the rows in `cache`, whose last gave `logits`.
  init(_ model: HTCVLMModel, cache: KVCache, logits: Tensor, position: Int, options: GenerationOptions) {
    self.model = model
    self.options = options
    self.cache = cache
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
        model.decoder.embedding.rows([Int(latest)]), positions: [latestPosition], cache: &cache,
        step: run.checkCancellation)
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
