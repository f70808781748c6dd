internal import CKernels

/// The mean structural similarity of two planes `[H, W]` (Wang et al. 2004) over every place that `window` covers wholly
/// both ways: population covariance, constants C₁ and C₂; `nil` for planes smaller than the window.
package func structuralSimilarity(_ a: Tensor, _ b: Tensor, window: [Double], c1: Double, c2: Double) -> Double? {
  precondition(a.shape == b.shape && a.rank == 2 && !window.isEmpty)
  let (height, width) = (a.shape[0], a.shape[1])
  guard height >= window.count, width >= window.count else { return nil }
  let (rows, columns) = (height - window.count + 1, width - window.count + 1)
  let sum = withUnsafeTemporaryAllocation(of: Double.self, capacity: 5 * height * columns) { scratch in
    a.values.withUnsafeBufferPointer { a in
      b.values.withUnsafeBufferPointer { b in
        kernel_similarity_sum(
          a.baseAddress, b.baseAddress, height, width, window, window.count, c1, c2, scratch.baseAddress)
      }
    }
  }
  return sum / Double(rows * columns)
}
