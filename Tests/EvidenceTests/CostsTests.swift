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
