import Statistics
package import Tensor

/// How alike the anchors are to each other.
package struct AnchorSimilarity: Sendable, Hashable, Codable {
  /// Anchors with a mean cosine above this hold nearly one vector.
  package static let collapsedCosine = 0.99
  /// Above this they are suspiciously alike.
  package static let closeCosine = 0.95

  /// `[A]`, lengths.
  package var norms: [Double]
  /// `[A][A]`, pairwise cosines; 0 with a zero vector.
  package var cosines: [[Double]]

  /// - Parameter anchors: `[A, D]`.
  package init(_ anchors: Tensor) {
    let rows = (0..<anchors.shape[0]).map { anchors[row: $0] }
    norms = rows.map { $0.values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot() }
    cosines = rows.map { a in rows.map { Divergence.cosine(a, $0) } }
  }

  /// Over pairs of different anchors; `nil` for fewer than two.
  package var meanCosine: Double? {
    mean(cosines.indices.flatMap { a in (0..<a).map { cosines[a][$0] } })
  }

  package var isFinite: Bool { norms.allSatisfy(\.isFinite) }
  package var hasZero: Bool { norms.contains(0) }
  package var isCollapsed: Bool { (meanCosine ?? 0) > Self.collapsedCosine }
}
