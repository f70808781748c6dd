internal import CKernels

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
