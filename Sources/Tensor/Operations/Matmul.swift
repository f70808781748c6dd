/// `scale` · a · b: `[m, k]` times `[k, n]`, or times the transpose of `[n, k]`, gives `[m, n]`.
package func matmul(_ a: Tensor, _ b: Tensor, transposeB: Bool = false, scale: Float = 1) -> Tensor {
  precondition(a.rank == 2 && b.rank == 2, "matmul of \(a.shape) and \(b.shape)")
  let (m, k) = (a.shape[0], a.shape[1])
  let n = b.shape[transposeB ? 0 : 1]
  precondition(b.shape[transposeB ? 1 : 0] == k, "matmul of \(a.shape) and \(b.shape), transposeB: \(transposeB)")
  guard k > 0 else { return .zeros([m, n]) }
  return Tensor(shape: [m, n]) { c in
    a.values.withUnsafeBufferPointer { a in
      b.values.withUnsafeBufferPointer { b in
        guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
        gemm(
          m: m, n: n, k: k, alpha: scale, MatrixPointer(base: a, stride: k),
          MatrixPointer(base: b, stride: transposeB ? k : n), transposeB: transposeB, into: c, stride: n)
      }
    }
  }
}
