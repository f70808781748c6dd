internal import CKernels

/// Attention of every row to every row, without a mask: softmax(scale · q kᵀ) v for each head.
///
/// `queries` is `[n, heads·d]`, `keys` and `values` `[m, heads·d]`, head h in columns h·d..<(h+1)·d; the result is
/// `[n, heads·d]`. Heads run side by side, each in a buffer of `[n, m]` scores (Vaswani et al., arXiv 1706.03762).
package func attention(queries: Tensor, keys: Tensor, values: Tensor, heads: Int, scale: Float) -> Tensor {
  precondition(
    queries.rank == 2 && keys.rank == 2 && keys.shape == values.shape && queries.shape[1] == keys.shape[1]
      && heads > 0 && keys.shape[1] % heads == 0,
    "attention of \(queries.shape) to \(keys.shape) in \(heads) heads")
  let (rows, count, width) = (queries.shape[0], keys.shape[0], queries.shape[1])
  let size = width / heads
  guard count > 0, size > 0 else { return .zeros(queries.shape) }
  return Tensor(shape: queries.shape) { output in
    guard let output = output.baseAddress else { return }
    withPointers(queries, keys, values) { queries, keys, values in
      inParallel(heads, grain: 1) { part in
        Scratch.with(rows * count) { scores in
          for start in part.map({ $0 * size }) {
            sgemm(
              m: rows, n: count, k: size, alpha: scale, MatrixPointer(base: queries.start + start, stride: width),
              MatrixPointer(base: keys.start + start, stride: width), transposeB: true, beta: 0, into: scores,
              stride: count)
            kernel_softmax_rows(scores, scores, rows, count)
            sgemm(
              m: rows, n: size, k: count, alpha: 1, MatrixPointer(base: scores, stride: count),
              MatrixPointer(base: values.start + start, stride: width), transposeB: false, beta: 0,
              into: output + start, stride: width)
          }
        }
      }
    }
  }
}
