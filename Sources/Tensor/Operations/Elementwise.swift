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
  inParallel(count, grain: 1 << 15) { body($0.lowerBound, result + $0.lowerBound, $0.count) }
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
      inParallel(x.count, grain: 1 << 16) { part in
        if kernel_all_finite(x.start + part.lowerBound, part.count) == 0 { found.store(true, ordering: .relaxed) }
      }
    }
    return !found.load(ordering: .relaxed)
  }
}

/// Element-wise non-linearities; the raw values are those of HF configurations and MGVQ's `decoder_act`.
package enum Activation: String, Sendable, CaseIterable {
  /// x·Φ(x) with the error function, not the tanh approximation (Hendrycks & Gimpel, arXiv 1606.08415).
  case gelu
  /// x·σ(1.702x), as the released CLIP has it.
  case quickGELU = "quick_gelu"
  /// x·σ(x).
  case silu
  case relu
  case identity

  /// Any shape, the same shape.
  package func callAsFunction(_ x: Tensor) -> Tensor {
    guard self != .identity else { return x }
    return Tensor(shape: x.shape) { y in
      guard let y = y.baseAddress else { return }
      withPointers(x) { x in
        inParallel(x.count, grain: 1 << 15) { part in
          apply(x.start + part.lowerBound, y + part.lowerBound, part.count)
        }
      }
    }
  }

  private func apply(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) {
    switch self {
    case .gelu: kernel_gelu(x, y, count)
    case .quickGELU: kernel_swish(x, 1.702, y, count)
    case .silu: kernel_swish(x, 1, y, count)
    case .relu: kernel_relu(x, y, count)
    case .identity: y.update(from: x, count: count)
    }
  }
}
