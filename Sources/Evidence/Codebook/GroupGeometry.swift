import Foundation
import Statistics
package import Tensor

/// What a group's code vectors alone tell.
package struct GroupGeometry: Sendable, Hashable, Codable {
  /// Two normalized codes nearer than this (0.57° apart) count as near-duplicates.
  package static let duplicateDistance = 0.01
  /// Codes this near are equal for the quantizer, which then takes the first.
  package static let equalDistance = 1e-6

  package var codes: Int
  package var dimension: Int
  /// Vectors with a NaN or an infinity.
  package var nonFinite: Int
  /// Finite vectors of length 0, which cannot be normalized; not counted where lengths matter.
  package var zero: Int
  /// Lengths before normalization, of the finite vectors: smallest, mean, largest.
  package var normMinimum: Double
  package var normMean: Double
  package var normMaximum: Double
  /// `[K]`, the distance to the nearest other code, 0…2; 2 for a vector that cannot be normalized.
  package var nearestDistances: [Double]
  /// Codes with another one nearer than `duplicateDistance`.
  package var nearDuplicates: Int
  /// Codes that no latent can choose: of length 0, not finite, or equal to an earlier one.
  package var unreachable: Int
  /// exp(entropy of σ/Σσ) over the singular values σ of the normalized codes (Roy & Vetterli 2007), 1…d.
  package var effectiveRank: Double

  package init(_ codebook: Codebook, group: Int) {
    let stored = codebook.stored[group]
    let table = codebook.normalized[group]
    codes = codebook.codesPerGroup
    dimension = codebook.dimension
    let width = dimension
    let lengths = (0..<codes).map { row in
      stored.values[row * width..<(row + 1) * width].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    let finite = lengths.filter(\.isFinite)
    nonFinite = codes - finite.count
    let byAngle = codebook.metric == .cosine
    // A vector of length 0 has no direction, but a place like any other.
    zero = byAngle ? finite.count { $0 == 0 } : 0
    normMinimum = finite.min() ?? 0
    normMean = mean(finite) ?? 0
    normMaximum = finite.max() ?? 0
    let usable = lengths.map { $0.isFinite && ($0 > 0 || !byAngle) }
    nearestDistances = twoNearest(table, in: table, skippingOwn: true, byAngle: byAngle).enumerated().map {
      row, nearest in
      usable[row] && nearest.first >= 0 ? distance(table[row: row].values, table, row: nearest.first) : 2
    }
    nearDuplicates = nearestDistances.count { $0 < Self.duplicateDistance }
    let nearest = nearestDistances
    let twins = nearest.indices.filter { nearest[$0] < Self.equalDistance }
    unreachable = usable.count { !$0 } + repeats(table, twins)
    effectiveRank = Evidence.effectiveRank(table)
  }

  /// The `fraction` quantile of the nearest-neighbour distances.
  package func nearestDistance(quantile fraction: Double) -> Double {
    quantile(sorted: nearestDistances.sorted(), fraction)
  }
}

/// How many of `rows` of `table` equal an earlier one of them.
private func repeats(_ table: Tensor, _ rows: [Int]) -> Int {
  var distinct: [Int] = []
  for row in rows {
    let own = table[row: row].values
    if !distinct.contains(where: { distance(own, table, row: $0) < GroupGeometry.equalDistance }) {
      distinct.append(row)
    }
  }
  return rows.count - distinct.count
}

/// exp(entropy of σ/Σσ) over the singular values σ of `[n, d]`, not centred; 0 for an all-zero table.
package func effectiveRank(_ table: Tensor) -> Double {
  let eigenvalues = symmetricEigenvalues(gram(table), size: table.shape[1])
  let singular = eigenvalues.map { max(0, $0).squareRoot() }
  return singular.contains { $0 > 0 } ? exp(entropy(singular)) : 0
}

/// XᵀX of `[n, d]`, row-major `[d, d]`, in double.
private func gram(_ table: Tensor) -> [Double] {
  let width = table.shape[1]
  var sums = [Double](repeating: 0, count: width * width)
  table.values.withUnsafeBufferPointer { values in
    for start in stride(from: 0, to: values.count, by: width) {
      for i in 0..<width {
        for j in i..<width { sums[i * width + j] += Double(values[start + i]) * Double(values[start + j]) }
      }
    }
  }
  for i in 0..<width {
    for j in 0..<i { sums[i * width + j] = sums[j * width + i] }
  }
  return sums
}

/// The eigenvalues of a symmetric matrix by cyclic Jacobi rotations (Golub & Van Loan 8.5).
func symmetricEigenvalues(_ matrix: [Double], size: Int) -> [Double] {
  var a = matrix
  let scale = matrix.reduce(0) { $0 + $1 * $1 }
  for _ in 0..<50 {
    var off = 0.0
    for p in 0..<size {
      for q in p + 1..<max(p + 1, size) {
        off += a[p * size + q] * a[p * size + q]
        rotate(&a, p, q, size)
      }
    }
    if off <= 1e-30 * scale { break }
  }
  return (0..<size).map { a[$0 * size + $0] }
}

/// Zeroes a[p, q] by a rotation of rows and columns p and q.
private func rotate(_ a: inout [Double], _ p: Int, _ q: Int, _ size: Int) {
  let off = a[p * size + q]
  guard off != 0 else { return }
  let theta = (a[q * size + q] - a[p * size + p]) / (2 * off)
  let t = (theta >= 0 ? 1.0 : -1.0) / (abs(theta) + (theta * theta + 1).squareRoot())
  let c = 1 / (t * t + 1).squareRoot()
  let s = t * c
  for k in 0..<size {
    let (x, y) = (a[k * size + p], a[k * size + q])
    (a[k * size + p], a[k * size + q]) = (c * x - s * y, s * x + c * y)
  }
  for k in 0..<size {
    let (x, y) = (a[p * size + k], a[q * size + k])
    (a[p * size + k], a[q * size + k]) = (c * x - s * y, s * x + c * y)
  }
}

/// Pairs of groups that hold the same codes: every code of each has one of the other within
/// `GroupGeometry.duplicateDistance`, in whatever order.
package func duplicateGroups(_ codebook: Codebook) -> [(first: Int, second: Int)] {
  var pairs: [(first: Int, second: Int)] = []
  for first in 0..<codebook.groups {
    for second in first + 1..<max(first + 1, codebook.groups) {
      let (a, b) = (codebook.normalized[first], codebook.normalized[second])
      let byAngle = codebook.metric == .cosine
      if covers(a, b, byAngle: byAngle), covers(b, a, byAngle: byAngle) { pairs.append((first, second)) }
    }
  }
  return pairs
}

/// Whether every row of `a` has a row of `b` within the duplicate distance. A few rows refute most pairs, so those are
/// tried first.
private func covers(_ a: Tensor, _ b: Tensor, byAngle: Bool) -> Bool {
  let sample = a[rows: 0..<min(16, a.shape[0])]
  return [sample, a].allSatisfy { rows in
    twoNearest(rows, in: b, skippingOwn: false, byAngle: byAngle).enumerated().allSatisfy { row, nearest in
      nearest.first >= 0 && distance(rows[row: row].values, b, row: nearest.first) < GroupGeometry.duplicateDistance
    }
  }
}

/// The rows of a table on the plane of their two main directions (principal component analysis of the centred rows).
package struct PrincipalPlane: Sendable {
  /// `[n]`, coordinates along the first and the second direction.
  package let points: [(x: Double, y: Double)]
  /// The parts of the variance along both, 0…1.
  package let variance: (Double, Double)

  /// - Parameter table: `[n, d]`.
  package init(_ table: Tensor) {
    let (rows, width) = (table.shape[0], table.shape[1])
    var centre = [Double](repeating: 0, count: width)
    for index in table.values.indices { centre[index % width] += Double(table.values[index]) / Double(max(1, rows)) }
    let centred = table.values.enumerated().map { Double($0.element) - centre[$0.offset % width] }
    var covariance = [Double](repeating: 0, count: width * width)
    for row in 0..<rows {
      for i in 0..<width {
        for j in 0..<width { covariance[i * width + j] += centred[row * width + i] * centred[row * width + j] }
      }
    }
    let total = (0..<width).reduce(0) { $0 + covariance[$1 * width + $1] }
    let first = Self.mainDirection(covariance, width)
    for i in 0..<width {
      for j in 0..<width { covariance[i * width + j] -= first.value * first.vector[i] * first.vector[j] }
    }
    let second = Self.mainDirection(covariance, width)
    func coordinate(_ row: Int, _ vector: [Double]) -> Double {
      (0..<width).reduce(0) { $0 + centred[row * width + $1] * vector[$1] }
    }
    points = (0..<rows).map { (coordinate($0, first.vector), coordinate($0, second.vector)) }
    variance = total > 0 ? (first.value / total, second.value / total) : (0, 0)
  }

  /// The largest eigenvalue of a covariance and its unit vector, by squaring the matrix and normalizing it.
  private static func mainDirection(_ matrix: [Double], _ width: Int) -> (value: Double, vector: [Double]) {
    var power = matrix
    for _ in 0..<40 {
      let scale = power.map(abs).max() ?? 0
      guard scale > 0 else { return (0, [Double](repeating: 0, count: width)) }
      let unit = power.map { $0 / scale }
      power = [Double](repeating: 0, count: width * width)
      for i in 0..<width {
        for k in 0..<width {
          for j in 0..<width { power[i * width + j] += unit[i * width + k] * unit[k * width + j] }
        }
      }
    }
    // Any column of a high power lies along the direction; the longest is the most precise.
    let columns = (0..<width).map { column in (0..<width).map { power[$0 * width + column] } }
    func length(_ vector: [Double]) -> Double { vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    guard let longest = columns.max(by: { length($0) < length($1) }), length(longest) > 0 else {
      return (0, [Double](repeating: 0, count: width))
    }
    let norm = length(longest)
    let vector = longest.map { $0 / norm }
    let image = (0..<width).map { i in (0..<width).reduce(0) { $0 + matrix[i * width + $1] * vector[$1] } }
    return (zip(image, vector).reduce(0) { $0 + $1.0 * $1.1 }, vector)
  }
}
