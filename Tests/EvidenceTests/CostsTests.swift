import Evidence
import Testing

@Test("At 7B in 16 bits a voco token holds 0.5 MiB and 580 visual tokens 290 MiB")
func keyValueBytes() {
  #expect(DecoderShape.llama7B.keyValueBytes(tokens: 1, bytesPerElement: 2) == 1 << 19)
  #expect(DecoderShape.llama7B.keyValueBytes(tokens: 580, bytesPerElement: 2) == 290 << 20)
}

/// Pairs counted cell by cell from the table of who may attend to whom.
private func counted(_ prompt: PromptShape, _ pattern: AttentionPattern) -> (all: Int, visual: Int) {
  let visual = prompt.prefix..<prompt.prefix + prompt.visual
  let firstVoco = visual.upperBound
  let firstText = firstVoco + prompt.voco
  var (all, ofVisual) = (0, 0)
  for row in 0..<prompt.length {
    for column in 0...row {
      var allowed = true
      if pattern != .full {
        if row >= firstText { allowed = column >= firstVoco }
        if pattern == .star, visual.contains(row) { allowed = !visual.contains(column) || column == row }
      }
      if allowed { all += 1 }
      if allowed, visual.contains(row) { ofVisual += 1 }
    }
  }
  return (all, ofVisual)
}

@Test("The pairs of every mask agree with counting its cells", arguments: AttentionPattern.allCases)
func pairs(_ pattern: AttentionPattern) {
  let prompts = [(1, 20, 1, 6), (1, 9, 3, 4), (0, 5, 0, 3), (4, 0, 2, 0)]
  for (prefix, visual, voco, text) in prompts {
    let prompt = PromptShape(prefix: prefix, visual: visual, voco: voco, text: text)
    let expected = counted(prompt, pattern)
    #expect(prompt.pairs(pattern) == expected.all && prompt.visualPairs(pattern) == expected.visual)
  }
}

@Test("A layer's matrix products cost two operations a weight, and 7B about 13 billion a token")
func operations() {
  let tiny = DecoderShape(
    layers: 1, hiddenSize: 8, intermediateSize: 12, heads: 4, keyValueHeads: 2, headDim: 2, vocabularySize: 10)
  // q 8·8, k and v 8·4 each, o 8·8, gate, up and down 8·12 each.
  let weights = 64 + 32 + 32 + 64 + 3 * 96
  #expect(tiny.operationsPerTokenAndLayer == 2 * weights)
  // Five keys besides itself: 6 pairs of 4·8.
  #expect(tiny.decodeOperations(keys: 5) == 2 * weights + 6 * 32 + 2 * 8 * 10)
  let prompt = PromptShape(prefix: 1, visual: 3, voco: 1, text: 1)
  let all = tiny.prefillOperations(prompt, .star)
  #expect(all == 6 * 2 * weights + (1 + 6 + 5 + 2) * 32 + 160)
  let skipped = 3 * 2 * (weights - 64) + 6 * 32
  #expect(tiny.prefillOperations(prompt, .star, skippingLastVisual: true) == all - skipped)
  let perToken = Double(DecoderShape.llama7B.decodeOperations(keys: 0))
  #expect(perToken > 13.0e9 && perToken < 13.5e9)
}

@Test("Rows before the text and the question after them cost, together, the whole prefill")
func contextAndQuestion() {
  let tiny = DecoderShape(
    layers: 3, hiddenSize: 8, intermediateSize: 12, heads: 4, keyValueHeads: 2, headDim: 2, vocabularySize: 10)
  let (weights, keyValues, pair) = (64 + 32 + 32 + 64 + 3 * 96, 2 * 2 * 32, 32)
  let prompt = PromptShape(prefix: 1, visual: 5, voco: 1, text: 0)
  let rest = 2 * weights - keyValues
  // Star: the prefix sees itself, a visual token two keys, voco all seven; only voco goes on in the last layer.
  let star = 3 * 7 * keyValues + 2 * (6 * rest + 11 * pair) + 3 * (rest + 7 * pair)
  #expect(tiny.contextOperations(prompt, .star) == star)
  let full = 3 * 7 * keyValues + 2 * (7 * rest + 28 * pair)
  #expect(tiny.contextOperations(prompt, .full) == full)
  // Four tokens after one kept row: 4 + 10 pairs, 5 of them the last token's.
  let question = 3 * 4 * keyValues + 2 * (4 * rest + 14 * pair) + rest + 5 * pair + 2 * 8 * 10
  #expect(tiny.questionOperations(tokens: 4, kept: 1) == question)
  // The same rows in one piece, without what nobody reads in the last layer.
  let whole = tiny.prefillOperations(PromptShape(prefix: 1, visual: 5, voco: 1, text: 4), .full)
  let unread = (7 + 3) * rest + (28 + 4 * 7 + 10 - (7 + 4)) * pair
  #expect(full + tiny.questionOperations(tokens: 4, kept: 7) == whole - unread)
}

@Test("A question on one cached voco row costs hardly more than its own tokens, on all visual tokens it costs more")
func cachedQuestion() {
  let alone = Double(DecoderShape.llama7B.questionOperations(tokens: 16, kept: 0))
  #expect(Double(DecoderShape.llama7B.questionOperations(tokens: 16, kept: 1)) < 1.001 * alone)
  #expect(Double(DecoderShape.llama7B.questionOperations(tokens: 16, kept: 582)) > 1.02 * alone)
}
