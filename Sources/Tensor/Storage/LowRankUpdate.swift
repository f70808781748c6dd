/// What LoRA adds to a matrix `[out, in]`: B · A (Hu et al., arXiv 2106.09685).
package struct LowRankUpdate: Sendable {
  /// `[rank, in]`.
  package let a: Tensor
  /// `[out, rank]`, the scale α/r in it.
  package let b: Tensor

  package init(a: Tensor, b: Tensor) {
    precondition(a.rank == 2 && b.rank == 2 && a.shape[0] == b.shape[1], "\(b.shape) times \(a.shape)")
    self.a = a
    self.b = b
  }

  /// Adds the elements `range` of B · A, counted in row-major order, to `destination`.
  func add(elements range: Range<Int>, to destination: UnsafeMutablePointer<Float>) {
    let (rank, width) = (a.shape[0], a.shape[1])
    a.values.withUnsafeBufferPointer { a in
      b.values.withUnsafeBufferPointer { b in
        for row in range.lowerBound / width...(range.upperBound - 1) / width {
          let columns = max(range.lowerBound - row * width, 0)..<min(range.upperBound - row * width, width)
          for inner in 0..<rank {
            let factor = b[row * rank + inner]
            for column in columns {
              destination[row * width + column - range.lowerBound] += factor * a[inner * width + column]
            }
          }
        }
      }
    }
  }
}
