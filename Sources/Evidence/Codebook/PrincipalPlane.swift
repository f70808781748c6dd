package import Tensor

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

  /// The largest eigenvalue of a covariance and its unit vector, by squaring the matrix and normalising it.
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
