internal import COpenBLAS

/// A row-major matrix in memory that somebody else keeps alive: element (r, c) is `base[r * stride + c]`.
struct MatrixPointer {
  var base: UnsafePointer<Float>
  var stride: Int

  func row(_ index: Int) -> MatrixPointer { MatrixPointer(base: base + index * stride, stride: stride) }
  func column(_ index: Int) -> MatrixPointer { MatrixPointer(base: base + index, stride: stride) }
}

/// C[m, n] = alpha · A · B + beta · C in single precision, by OpenBLAS; B is [k, n], or with `transposeB` [n, k].
///
/// OpenBLAS itself runs on one thread and the product is cut into strips here: its own pool would spin for 24 ms after
/// every call and take the processors from oneDNN's and ours.
func gemm(
  m: Int, n: Int, k: Int, alpha: Float = 1, _ a: MatrixPointer, _ b: MatrixPointer, transposeB: Bool = false,
  beta: Float = 0, into c: UnsafeMutablePointer<Float>, stride: Int
) {
  guard m > 0, n > 0 else { return }
  // A strip must be worth waking a thread for, some 20 µs of arithmetic.
  let strips = max(1, m * n * k / (1 << 20))
  if n >= m {
    inParallel(n, grain: max(64, n / strips), multipleOf: 16) { part in
      let strip = transposeB ? b.row(part.lowerBound) : b.column(part.lowerBound)
      sgemm(
        m: m, n: part.count, k: k, alpha: alpha, a, strip, transposeB: transposeB, beta: beta,
        into: c + part.lowerBound, stride: stride)
    }
  } else {
    inParallel(m, grain: max(64, m / strips), multipleOf: 16) { part in
      sgemm(
        m: part.count, n: n, k: k, alpha: alpha, a.row(part.lowerBound), b, transposeB: transposeB, beta: beta,
        into: c + part.lowerBound * stride, stride: stride)
    }
  }
}

private let singleThreadedOpenBLAS: Void = openblas_threads(1)

/// The same product on the calling thread alone.
func sgemm(
  m: Int, n: Int, k: Int, alpha: Float, _ a: MatrixPointer, _ b: MatrixPointer, transposeB: Bool, beta: Float,
  into c: UnsafeMutablePointer<Float>, stride: Int
) {
  _ = singleThreadedOpenBLAS
  openblas_sgemm(
    false, transposeB, Int32(m), Int32(n), Int32(k), alpha, a.base, Int32(max(a.stride, 1)), b.base,
    Int32(max(b.stride, 1)), beta, c, Int32(stride))
}
