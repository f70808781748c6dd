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
