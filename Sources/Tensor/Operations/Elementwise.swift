internal import CKernels
internal import Synchronization

/// The element-wise sum of two tensors of one shape.
package func + (a: Tensor, b: Tensor) -> Tensor {
  precondition(a.shape == b.shape, "\(a.shape) + \(b.shape)")
  return Tensor(shape: a.shape) { c in
    withPointers(a, b) { a, b in elementwise(a.count, c) { kernel_add(a.start + $0, b.start + $0, $1, $2) } }
  }
}

/// The element-wise product of two tensors of one shape.
package func * (a: Tensor, b: Tensor) -> Tensor {
  precondition(a.shape == b.shape, "\(a.shape) * \(b.shape)")
  return Tensor(shape: a.shape) { c in
    withPointers(a, b) { a, b in elementwise(a.count, c) { kernel_multiply(a.start + $0, b.start + $0, $1, $2) } }
  }
}

/// Calls `body` for parts of `count` elements with where they begin, their place in `result` and their number.
private func elementwise(
  _ count: Int, _ result: UnsafeMutableBufferPointer<Float>, _ body: (Int, UnsafeMutablePointer<Float>, Int) -> Void
) {
  guard let result = result.baseAddress else { return }
  inParallel(count, grain: 1 << 18) { body($0.lowerBound, result + $0.lowerBound, $0.count) }
}

/// Every element times `factor`.
package func * (a: Tensor, factor: Float) -> Tensor {
  Tensor(shape: a.shape) { c in
    withPointers(a) { kernel_scale($0.start, factor, c.baseAddress, $0.count) }
  }
}

extension Tensor {
  /// Whether no element is an infinity or a NaN.
  package var isFinite: Bool {
    let found = Atomic<Bool>(false)
    withPointers(self) { x in
      inParallel(x.count, grain: 1 << 18) { part in
        if kernel_all_finite(x.start + part.lowerBound, part.count) == 0 { found.store(true, ordering: .relaxed) }
      }
    }
    return !found.load(ordering: .relaxed)
  }
}
