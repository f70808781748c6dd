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
