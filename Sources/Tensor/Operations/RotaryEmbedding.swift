internal import CKernels
internal import Glibc

/// Rotary position embedding in HF's half-rotation layout: element i of a head pairs with element i + headDim/2.
///
/// The pair at position p turns by p·theta^(−2i/headDim) (Su et al., arXiv 2104.09864).
package struct RotaryEmbedding: Sendable {
  package let headDim: Int
  /// theta^(−2i/headDim) for i in 0..<headDim/2.
  private let frequencies: [Double]

  package init(headDim: Int, theta: Double) {
    precondition(headDim > 0 && headDim % 2 == 0, "rotary embedding of \(headDim) elements")
    self.headDim = headDim
    self.frequencies = (0..<headDim / 2).map { pow(theta, -2 * Double($0) / Double(headDim)) }
  }

  /// Turns every head of `x` `[n, heads·headDim]`; row r is at position `positions[r]`.
  ///
  /// Angles are computed in double precision: at position 2,000 a float's angle is off by 1e-4.
  package func apply(_ x: Tensor, heads: Int, positions: [Int]) -> Tensor {
    precondition(
      x.shape == [positions.count, heads * headDim], "\(x.shape) for \(positions.count)×\(heads)×\(headDim)")
    let angles = positions.flatMap { position in frequencies.map { Double(position) * $0 } }
    let (cosines, sines) = (angles.map { Float(cos($0)) }, angles.map { Float(sin($0)) })
    return Tensor(shape: x.shape) { y in
      withPointers(x) {
        kernel_rotate_halves($0.start, cosines, sines, y.baseAddress, positions.count, heads, headDim / 2)
      }
    }
  }
}
