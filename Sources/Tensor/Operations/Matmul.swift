import COpenBLAS

/// Columns of a row-major matrix that lies in an array: nothing is copied to read them.
package struct MatrixColumns: Sendable {
  fileprivate let elements: [Float]
  fileprivate let width: Int
  fileprivate let columns: Range<Int>

  /// Columns `columns` of the matrix `[elements.count / width, width]`.
  package init(_ elements: [Float], width: Int, columns: Range<Int>) {
    precondition(
      columns.lowerBound >= 0 && columns.upperBound <= width && width > 0 && elements.count % width == 0,
      "columns \(columns) of \(elements.count) elements in rows of \(width)")
    (self.elements, self.width, self.columns) = (elements, width, columns)
  }

  fileprivate var shape: [Int] { [elements.count / width, columns.count] }
}

/// `scale` · a · b: `[m, k]` times `[k, n]`, or times the transpose of `[n, k]`, gives `[m, n]`.
package func matmul(_ a: Tensor, _ b: Tensor, transposeB: Bool = false, scale: Float = 1) -> Tensor {
  precondition(b.rank == 2, "matmul of \(a.shape) and \(b.shape)")
  return product(a, b.values, shape: b.shape, offset: 0, stride: b.shape[1], transposeB: transposeB, scale: scale)
}

/// The same with some columns of a matrix for b.
package func matmul(_ a: Tensor, _ b: MatrixColumns, transposeB: Bool = false, scale: Float = 1) -> Tensor {
  product(
    a, b.elements, shape: b.shape, offset: b.columns.lowerBound, stride: b.width, transposeB: transposeB, scale: scale)
}

private func product(
  _ a: Tensor, _ b: [Float], shape: [Int], offset: Int, stride: Int, transposeB: Bool, scale: Float
) -> Tensor {
  precondition(
    a.rank == 2 && shape[transposeB ? 1 : 0] == a.shape[1],
    "matmul of \(a.shape) and \(shape), transposeB: \(transposeB)")
  let (m, k, n) = (a.shape[0], a.shape[1], shape[transposeB ? 0 : 1])
  guard k > 0 else { return .zeros([m, n]) }
  return Tensor(shape: [m, n]) { c in
    a.values.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
        gemm(
          m: m, n: n, k: k, alpha: scale, MatrixPointer(base: a, stride: k),
          MatrixPointer(base: b + offset, stride: stride), transposeB: transposeB, into: c, stride: n)
      }
    }
  }
}

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
