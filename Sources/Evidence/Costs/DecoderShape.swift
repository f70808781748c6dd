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
