package import Tensor

/// The anchor vectors compared.
package struct AnchorStatistics: Sendable, Equatable {
  /// `[A]`, Euclidean norms.
  package let norms: [Double]
  /// `[A][A]`, cosines between anchors; 0 with a vector of norm 0.
  package let cosines: [[Double]]

  /// - Parameter anchors: `[A, D]`.
  package init(_ anchors: Tensor) {
    let count = anchors.shape[0]
    let width = anchors.shape[1]
    let values = anchors.values
    func dot(_ a: Int, _ b: Int) -> Double {
      (0..<width).reduce(0) { $0 + Double(values[a * width + $1]) * Double(values[b * width + $1]) }
    }
    let norms = (0..<count).map { dot($0, $0).squareRoot() }
    self.norms = norms
    cosines = (0..<count).map { a in
      (0..<count).map { b in norms[a] > 0 && norms[b] > 0 ? dot(a, b) / (norms[a] * norms[b]) : 0 }
    }
  }
}
