import Tensor

/// What a run of text rows became.
struct TextState: Sendable {
  /// The text's own keys and values `[variants · n, …]`, one entry a layer.
  let layers: [KeyValues]
  /// `[variants, vocab]`, at the last row.
  let logits: Tensor
  /// The first variant's last row, `[heads, prefix + n]` a layer.
  let attention: [Tensor]
  /// The first variant's last row `[1, D]` at the input of each layer, and after the final norm.
  let hidden: [Tensor]
}

extension LlamaDecoder {
  /// Runs text rows after a prefix of keys and values that all of them see.
  ///
  /// `embeddings` `[n, D]`, the same in each variant; `prefix` `[variants · p, …]` a layer. In the last layer only the
  /// last row is computed past its keys and values. Throws `ModelError.notFinite`, and what `step` throws.
  func text(
    _ embeddings: Tensor, positions: [Int], prefix: [KeyValues], variants: Int = 1, step: () throws -> Void = {}
  ) throws -> TextState {
    let count = embeddings.shape[0]
    let lastRows = (0..<variants).map { ($0 + 1) * count - 1 }
    let allPositions = (0..<variants).flatMap { _ in positions }
    var x = variants == 1 ? embeddings : Tensor.concatenate([Tensor](repeating: embeddings, count: variants))
    try check(input: x, positions: allPositions)
    var keyValues: [KeyValues] = []
    var attention: [Tensor] = []
    var hidden: [Tensor] = []
    for (index, layer) in layers.enumerated() {
      hidden.append(x[rows: count - 1..<count])
      var normalized = layer.normalized(x)
      let own = layer.keyValues(normalized, positions: allPositions)
      try layer.check(own, layer: index, positions: allPositions)
      keyValues.append(own)
      var (rows, queryPositions) = (count, allPositions)
      if index == layers.count - 1 {
        rows = 1
        x = gatherRows(x, lastRows)
        normalized = gatherRows(normalized, lastRows)
        queryPositions = [Int](repeating: positions[count - 1], count: variants)
      }
      let queries = layer.queries(normalized, positions: queryPositions)
      try layer.check(queries: queries, layer: index, positions: queryPositions)
      let (mixed, lastRow) = shape.attend(
        variants: variants, rows: rows, queries: queries, own, prefix: prefix[index])
      attention.append(lastRow)
      x = layer.complete(x, attention: mixed) {}
      try layer.check(output: x, layer: index, positions: queryPositions)
      try step()
    }
    let last = self.normalized(x)
    try requireFinite(last, "hidden states after the final norm")
    hidden.append(last[rows: 0..<1])
    return TextState(layers: keyValues, logits: try logits(last), attention: attention, hidden: hidden)
  }
}
