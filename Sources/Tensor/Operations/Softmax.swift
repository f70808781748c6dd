internal import CKernels

/// exp(x − max) / Σ over each row of `x` `[n, m]`, summed in double precision.
///
/// Keys masked with −∞ get exactly 0, and so does a row in which every key is masked.
package func softmaxRows(_ x: Tensor) -> Tensor {
  precondition(x.rank >= 1, "softmax of a scalar")
  let columns = x.shape[x.rank - 1]
  return Tensor(shape: x.shape) { y in
    guard let y = y.baseAddress else { return }
    withPointers(x) { x in
      inParallel(x.count / columns, grain: max(1, (1 << 14) / columns)) { part in
        let start = part.lowerBound * columns
        kernel_softmax_rows(x.start + start, y + start, part.count, columns)
      }
    }
  }
}
