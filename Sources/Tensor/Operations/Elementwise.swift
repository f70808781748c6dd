internal import CKernels

/// The element-wise sum of two tensors of one shape.
package func + (a: Tensor, b: Tensor) -> Tensor {
  precondition(a.shape == b.shape, "\(a.shape) + \(b.shape)")
  return Tensor(shape: a.shape) { c in
    withPointers(a, b) { a, b in kernel_add(a.start, b.start, c.baseAddress, a.count) }
  }
}

/// The element-wise product of two tensors of one shape.
package func * (a: Tensor, b: Tensor) -> Tensor {
  precondition(a.shape == b.shape, "\(a.shape) * \(b.shape)")
  return Tensor(shape: a.shape) { c in
    withPointers(a, b) { a, b in kernel_multiply(a.start, b.start, c.baseAddress, a.count) }
  }
}

/// Every element times `factor`.
package func * (a: Tensor, factor: Float) -> Tensor {
  Tensor(shape: a.shape) { c in
    withPointers(a) { kernel_scale($0.start, factor, c.baseAddress, $0.count) }
  }
}

extension Tensor {
  /// Whether no element is an infinity or a NaN.
  package var isFinite: Bool { values.withUnsafeBufferPointer { kernel_all_finite($0.baseAddress, $0.count) != 0 } }
}
