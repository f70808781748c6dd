import Foundation
import Statistics
package import Tensor

/// How alike anchors are, to each other, across pictures and to patch tokens; adds up over pictures in constant memory.
package struct AnchorAccumulator: Sendable {
  package let anchors: Int
  private(set) var count = 0
  /// Of the picture whose anchors are the most alike.
  private(set) var worst: AnchorSimilarity?
  private var normSums: [Double]
  private var cosineSums: [[Double]]
  /// `[A][D]`, sums of the anchors at length 1.
  private var directions: [[Double]]
  private var directionCounts: [Int]
  /// Mean and largest cosine of each anchor with the patch tokens.
  private var patchMeans: [Moments]
  private var patchMaxima: [Moments]
  /// Of the projector that made the anchors.
  package private(set) var health = AnchorHealth()

  package init(anchors: Int, dimension: Int) {
    self.anchors = anchors
    normSums = [Double](repeating: 0, count: anchors)
    cosineSums = [[Double]](repeating: normSums, count: anchors)
    directions = [[Double]](repeating: [Double](repeating: 0, count: dimension), count: anchors)
    directionCounts = [Int](repeating: 0, count: anchors)
    patchMeans = [Moments](repeating: Moments(), count: anchors)
    patchMaxima = patchMeans
  }

  /// Adds a picture's anchors `[A, D]`, what stands before the activations of their projector and, if there are any, its
  /// patch tokens `[P, D]`.
  package mutating func add(_ picture: Tensor, beforeActivations layers: [Tensor] = [], patches: Tensor? = nil) {
    health.add(picture, beforeActivations: layers)
    precondition(picture.shape == [anchors, directions.first?.count ?? 0])
    let similarity = AnchorSimilarity(picture)
    count += 1
    if worst.map({ Self.badness(similarity) > Self.badness($0) }) ?? true { worst = similarity }
    for anchor in 0..<anchors {
      normSums[anchor] += similarity.norms[anchor]
      for other in 0..<anchors { cosineSums[anchor][other] += similarity.cosines[anchor][other] }
      let norm = similarity.norms[anchor]
      guard norm.isFinite, norm > 0 else { continue }
      directionCounts[anchor] += 1
      let row = picture[row: anchor].values
      for index in row.indices { directions[anchor][index] += Double(row[index]) / norm }
    }
    guard let patches else { return }
    for anchor in 0..<anchors {
      let cosines = (0..<patches.shape[0]).map { Divergence.cosine(picture[row: anchor], patches[row: $0]) }
      patchMeans[anchor].add(cosines.reduce(0, +) / Double(max(1, cosines.count)))
      patchMaxima[anchor].add(cosines.max() ?? 0)
    }
  }

  /// Not finite before zero before collapsed before everything else.
  private static func badness(_ similarity: AnchorSimilarity) -> Double {
    if !similarity.isFinite { return .infinity }
    return similarity.hasZero ? 2 : similarity.meanCosine ?? -1
  }

  /// The mean over pictures.
  package var mean: AnchorSimilarity? {
    guard count > 0, var result = worst else { return nil }
    result.norms = normSums.map { $0 / Double(count) }
    result.cosines = cosineSums.map { $0.map { $0 / Double(count) } }
    return result
  }

  /// The mean cosine of each anchor with the same anchor of the other pictures, `[A]`: near 1 means that the anchors do
  /// not depend on the picture; `nil` for fewer than two pictures. (‖Σu‖² − n)/(n(n − 1)) over directions u.
  package var acrossPictures: [Double]? {
    guard count > 1 else { return nil }
    return directions.enumerated().map { anchor, sum in
      let n = Double(directionCounts[anchor])
      return n > 1 ? (sum.reduce(0) { $0 + $1 * $1 } - n) / (n * (n - 1)) : 0
    }
  }

  /// Per anchor, the mean over pictures of its mean and its largest cosine with the patch tokens; `nil` if none were
  /// added.
  package var toPatches: [(mean: Double, largest: Double)]? {
    guard let first = patchMeans.first, first.count > 0 else { return nil }
    return zip(patchMeans, patchMaxima).map { (mean: $0.mean, largest: $1.mean) }
  }
}

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
