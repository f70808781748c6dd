internal import COpenBLAS

/// A row-major matrix in memory that somebody else keeps alive: element (r, c) is `base[r * stride + c]`.
struct MatrixPointer {
  var base: UnsafePointer<Float>
  var stride: Int
}

/// C[m, n] = alpha · A · B + beta · C in single precision, by OpenBLAS; the transposed forms take A as [k, m] and
/// B as [n, k].
func gemm(
  m: Int, n: Int, k: Int, alpha: Float = 1, _ a: MatrixPointer, transposeA: Bool = false, _ b: MatrixPointer,
  transposeB: Bool = false, beta: Float = 0, into c: UnsafeMutablePointer<Float>, stride: Int
) {
  guard m > 0, n > 0 else { return }
  openblas_sgemm(
    transposeA, transposeB, Int32(m), Int32(n), Int32(k), alpha, a.base, Int32(max(a.stride, 1)), b.base,
    Int32(max(b.stride, 1)), beta, c, Int32(stride))
}
