import Tensor

extension AttentionShape {
  /// Causal attention of text rows to a prefix that all of them see and to each other, for variants side by side.
  ///
  /// `prefix` holds `[variants · p, …]`, `own` `[variants · n, …]`; `queries` holds the last `rows` of each variant's
  /// n rows. Returns `[variants · rows, heads · headDim]` and the last row of the first variant `[heads, p + n]`.
  func attend(
    variants: Int, rows: Int, queries: Tensor, _ own: KeyValues, prefix: KeyValues
  ) -> (mixed: Tensor, lastRow: Tensor) {
    var lastRow: [Float] = []
    let (prefixRows, ownRows) = (prefix.rows / variants, own.rows / variants)
    let mixed = (0..<variants).map { variant in
      let all =
        variants == 1
        ? prefix + own
        : prefix[rows: variant * prefixRows..<(variant + 1) * prefixRows]
          + own[rows: variant * ownRows..<(variant + 1) * ownRows]
      let q = queries[rows: variant * rows..<(variant + 1) * rows]
      return Tensor.concatenateColumns(
        (0..<heads).map { head in
          let keyColumns = keyColumns(head: head)
          let scores = matmul(
            q.columns(columns(head: head)), all.keys.columns(keyColumns), transposeB: true, scale: scale)
          let weights = softmaxRows(causallyMasked(scores))
          if variant == 0 { lastRow += weights[row: rows - 1].values }
          return matmul(weights, all.values.columns(keyColumns))
        })
    }
    return (
      Tensor.concatenate(mixed), Tensor(shape: [heads, prefixRows + ownRows], values: lastRow)
    )
  }
}
