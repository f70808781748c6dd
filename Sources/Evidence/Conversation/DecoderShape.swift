/// The sizes that decide what a Llama decoder costs.
package struct DecoderShape: Sendable, Hashable, Codable {
  package var layers: Int
  package var hiddenSize: Int
  package var intermediateSize: Int
  package var heads: Int
  package var keyValueHeads: Int
  package var headDim: Int
  package var vocabularySize: Int

  package init(
    layers: Int, hiddenSize: Int, intermediateSize: Int, heads: Int, keyValueHeads: Int, headDim: Int,
    vocabularySize: Int
  ) {
    self.layers = layers
    self.hiddenSize = hiddenSize
    self.intermediateSize = intermediateSize
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headDim = headDim
    self.vocabularySize = vocabularySize
  }

  /// Llama-7B, the shape of the publications.
  package static let llama7B = DecoderShape(
    layers: 32, hiddenSize: 4096, intermediateSize: 11008, heads: 32, keyValueHeads: 32, headDim: 128,
    vocabularySize: 32000)

  /// D_kv, the width of the keys and of the values.
  package var keyValueSize: Int { keyValueHeads * headDim }

  /// K/V bytes that `tokens` keep: 2·L·D_kv·bytes each. One token is L layers of state, not one vector.
  package func keyValueBytes(tokens: Int, bytesPerElement: Int) -> Int {
    2 * layers * keyValueSize * bytesPerElement * tokens
  }
}

/// How many tokens of each kind a prompt has, in the order prefix, visual, voco, text.
package struct PromptShape: Sendable, Hashable, Codable {
  package var prefix: Int
  package var visual: Int
  package var voco: Int
  package var text: Int

  package init(prefix: Int, visual: Int, voco: Int, text: Int) {
    self.prefix = prefix
    self.visual = visual
    self.voco = voco
    self.text = text
  }

  package var length: Int { prefix + visual + voco + text }
}

/// Who attends to whom.
package enum AttentionPattern: String, Sendable, Hashable, Codable, CaseIterable {
  /// Visual tokens see the prefix and themselves, voco everything, text from voco on (HTC-VLM).
  case star
  /// Visual tokens see all before them, voco everything, text from voco on (VoCo-LLaMA).
  case voco
  /// Every token sees all before it: the uncompressed model.
  case full
}

extension PromptShape {
  /// The (query, key) pairs of one layer that the mask allows.
  package func pairs(_ pattern: AttentionPattern) -> Int {
    let triangle = { (count: Int) in count * (count + 1) / 2 }
    if pattern == .full { return triangle(length) }
    // voco: token i sees prefix, visual and i + 1 voco tokens; text: token j sees voco and j + 1 text tokens.
    let compressed = voco * (prefix + visual) + triangle(voco) + text * voco + triangle(text)
    return pattern == .star
      ? triangle(prefix) + visual * (prefix + 1) + compressed : triangle(prefix + visual) + compressed
  }

  /// Of them, the pairs whose query is visual.
  package func visualPairs(_ pattern: AttentionPattern) -> Int {
    pattern == .star ? visual * (prefix + 1) : visual * prefix + visual * (visual + 1) / 2
  }
}

extension DecoderShape {
  /// Floating-point operations of the matrix products of one token in one layer, a multiplication and an addition each:
  /// 2·(D·D_q + 2·D·D_kv + D_q·D + 3·D·I), D_q = heads·head_dim.
  package var operationsPerTokenAndLayer: Int { keyValueOperations + queryOperations }

  /// The part for K and V: 2·2·D·D_kv.
  private var keyValueOperations: Int { 4 * hiddenSize * keyValueSize }

  /// The rest: query, output projection and the three matrices of the MLP.
  private var queryOperations: Int { 2 * (2 * hiddenSize * heads * headDim + 3 * hiddenSize * intermediateSize) }

  /// Of one (query, key) pair in one layer: scores and mixing, 2·D_q each.
  private var operationsPerPair: Int { 4 * heads * headDim }

  /// Of the whole prompt and the logits of its last token. Norms, rotary and softmax are left out: under 1 %.
  ///
  /// In the last layer nobody reads what a token before the last one computes beyond K and V; implementations that
  /// use this for visual tokens pass `skippingLastVisual`.
  package func prefillOperations(
    _ prompt: PromptShape, _ pattern: AttentionPattern, skippingLastVisual: Bool = false
  ) -> Int {
    let perLayer = prompt.length * operationsPerTokenAndLayer + prompt.pairs(pattern) * operationsPerPair
    let skipped = prompt.visual * queryOperations + prompt.visualPairs(pattern) * operationsPerPair
    return layers * perLayer - (skippingLastVisual ? skipped : 0) + logitOperations
  }

  /// Of one more token that sees `keys` earlier keys and itself, with its logits.
  package func decodeOperations(keys: Int) -> Int {
    layers * (operationsPerTokenAndLayer + (keys + 1) * operationsPerPair) + logitOperations
  }

  private var logitOperations: Int { 2 * hiddenSize * vocabularySize }

  /// Of the rows before the text, up to their keys and values, as this program runs them: nothing reads what rows
  /// before voco (with `full`, voco too) compute beyond K and V in the last layer, and there are no logits.
  package func contextOperations(_ prompt: PromptShape, _ pattern: AttentionPattern) -> Int {
    let triangle = { (count: Int) in count * (count + 1) / 2 }
    let (prefix, visual, voco) = (prompt.prefix, prompt.visual, prompt.voco)
    let context = prefix + visual + (pattern == .full ? voco : 0)
    let pairs = pattern == .star ? triangle(prefix) + visual * (prefix + 1) : triangle(context)
    let ofContext =
      layers * context * keyValueOperations + (layers - 1) * (context * queryOperations + pairs * operationsPerPair)
    guard pattern != .full else { return ofContext }
    let vocoPairs = voco * context + triangle(voco)
    return ofContext + layers * (voco * operationsPerTokenAndLayer + vocoPairs * operationsPerPair)
  }

  /// Of a question of `tokens` after `kept` rows of keys and values, with the logits of its last token: in the last
  /// layer only that token goes on beyond K and V.
  package func questionOperations(tokens: Int, kept: Int) -> Int {
    let pairs = tokens * kept + tokens * (tokens + 1) / 2
    return layers * tokens * keyValueOperations + (layers - 1) * (tokens * queryOperations + pairs * operationsPerPair)
      + queryOperations + (kept + tokens) * operationsPerPair + logitOperations
  }
}
