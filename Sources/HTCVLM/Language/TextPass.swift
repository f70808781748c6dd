import Tensor

/// What a run of text rows became, beside its keys and values.
struct TextState: Sendable {
  /// `[variants, vocab]`, at the last row.
  let logits: Tensor
  /// The first variant's last row, `[heads, prefix + n]` per layer.
  let attention: [Tensor]
  /// The first variant's last row `[1, D]` at the input of each layer, and after the final norm.
  let hidden: [Tensor]
  /// Per layer `[heads, n, prefix + n]`, all of the first variant's rows; empty unless they were asked for.
  let rows: [Tensor]
}

extension LlamaDecoder {
  /// Runs text rows after what `cache` holds, which all of them see, and appends their keys and values to it.
  ///
  /// `embeddings` is `[n, D]`. A pass that ends by throwing, what `step` throws or `ModelError.notFinite`, leaves the cache as it
  /// was.
  func text(
    _ embeddings: Tensor, positions: [Int], cache: inout KVCache, keepsRows: Bool = false,
    step: () throws -> Void = {}
  ) throws -> TextState {
    try cache.asList {
      try text(embeddings, positions: positions, caches: &$0, keepsRows: keepsRows, step: step)
    }
  }

  /// The same rows in variants side by side, each after a cache of its own. In the last layer only the last row is
  /// computed past its keys and values, unless `keepsRows`, which gathers the weights of all.
  ///
  /// Up to the first layer whose cached rows differ between variants the rows are the same in all of them, and are computed
  /// once: cuts and swaps at voco's attention leave its keys and values in the first layer as they are.
  func text(
    _ embeddings: Tensor, positions: [Int], caches: inout [KVCache], keepsRows: Bool = false,
    step: () throws -> Void = {}
  ) throws -> TextState {
    let (count, variants) = (embeddings.shape[0], caches.count)
    let differing = caches.firstDifferingLayer
    var x = embeddings
    try check(input: x, positions: positions)
    var attention: [Tensor] = []
    var all: [Tensor] = []
    var hidden: [Tensor] = []
    for (index, layer) in layers.enumerated() {
      hidden.append(x[rows: count - 1..<count])
      // As many copies of the rows as differ: one, or one for each variant.
      let copies = x.shape[0] / count
      let allPositions = (0..<copies).flatMap { _ in positions }
      var normalized = layer.normalized(x)
      let own = layer.keyValues(normalized, positions: allPositions)
      try layer.check(own, layer: index, positions: allPositions)
      for variant in 0..<variants {
        let copy = copies == 1 ? 0 : variant
        caches[variant].append(own, rows: copy * count..<(copy + 1) * count, layer: index)
      }
      var (rows, queryPositions) = (count, allPositions)
      if index == layers.count - 1 && !keepsRows {
        let lastRows = (0..<copies).map { ($0 + 1) * count - 1 }
        rows = 1
        x = gatherRows(x, lastRows)
        normalized = gatherRows(normalized, lastRows)
        queryPositions = [Int](repeating: positions[count - 1], count: copies)
      }
      let queries = layer.queries(normalized, positions: queryPositions)
      try layer.check(queries: queries, layer: index, positions: queryPositions)
      let mixtures = index < differing ? 1 : variants
      let mixed = (0..<mixtures).map { variant in
        let (mixed, lastRow, weights) = shape.attend(
          copies == 1 ? queries : queries[rows: variant * rows..<(variant + 1) * rows], to: caches[variant],
          layer: index, keepsRows: keepsRows && variant == 0)
        if variant == 0 { attention.append(lastRow) }
        if let weights { all.append(weights) }
        return mixed
      }
      if copies < mixtures { x = Tensor.concatenate([Tensor](repeating: x, count: mixtures)) }
      x = layer.complete(x, attention: mixtures == 1 ? mixed[0] : Tensor.concatenate(mixed)) {}
      try layer.check(
        output: x, layer: index, positions: (0..<x.shape[0] / rows).flatMap { _ in positions.suffix(rows) })
      try step()
    }
    if keepsRows { x = gatherRows(x, (0..<x.shape[0] / count).map { ($0 + 1) * count - 1 }) }
    let last = self.normalized(x)
    try requireFinite(last, "hidden states after the final norm")
    hidden.append(last[rows: 0..<1])
    var logits = try logits(last)
    if logits.shape[0] < variants { logits = Tensor.concatenate([Tensor](repeating: logits, count: variants)) }
    for variant in 0..<variants { caches[variant].commit(count) }
    return TextState(logits: logits, attention: attention, hidden: hidden, rows: all)
  }
}

extension AttentionShape {
  /// Causal attention of the last rows of a cache, whose queries are `[n, heads · headDim]`, to all of its rows up to
  /// themselves: `[n, heads · headDim]`, the last row's weights `[heads, rows]`, and all of them `[heads, n, rows]`.
  fileprivate func attend(
    _ queries: Tensor, to cache: KVCache, layer: Int, keepsRows: Bool
  ) -> (mixed: Tensor, lastRow: Tensor, weights: Tensor?) {
    var lastRow: [Float] = []
    var all: [Float] = []
    let mixed = (0..<heads).map { head in
      let keyColumns = keyColumns(head: head)
      let scores = matmul(
        queries.columns(columns(head: head)), cache.keys(layer: layer, columns: keyColumns), transposeB: true,
        scale: scale)
      let weights = softmaxRows(causallyMasked(scores))
      lastRow += weights[row: weights.shape[0] - 1].values
      if keepsRows { all += weights.values }
      return matmul(weights, cache.values(layer: layer, columns: keyColumns))
    }
    return (
      Tensor.concatenateColumns(mixed), Tensor(shape: [heads, lastRow.count / heads], values: lastRow),
      keepsRows ? Tensor(shape: [heads, queries.shape[0], lastRow.count / heads], values: all) : nil
    )
  }
}
