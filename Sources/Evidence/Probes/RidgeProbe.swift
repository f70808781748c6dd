import Foundation
package import Statistics
package import Tensor

/// Can a label be read off some features by a linear map? Ridge regression on one-hot labels, every picture predicted by
/// a fit to all others, in closed form.
///
/// With the centred kernel K and penalty λ, ŷ = (11ᵀ/n + K(K + λI)⁻¹) y; the fit without picture i errs there by
/// (My)_i / M_ii with M = λ(K + λI)⁻¹ − 11ᵀ/n (Allen 1974). λ is, for each picture, the one of `penalties` that predicts
/// the other pictures best.
package struct RidgeProbe: Sendable {
  /// λ in units of K's mean eigenvalue.
  package static let penalties = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]

  /// Pictures.
  package let count: Int
  /// `[penalties]` of M `[n, n]`.
  private let residualMakers: [Tensor]

  /// - Parameter features: one row per picture, `[n, d]`, n at least 3.
  package init(_ features: Tensor) {
    count = features.shape[0]
    precondition(count >= 3)
    let width = features.shape[1]
    let rows = (0..<count).map { Array(features.values[$0 * width..<($0 + 1) * width]) }
    let kernel = centredGram(rows)
    let count = count
    let scale = (0..<count).reduce(0) { $0 + kernel[$1 * count + $1] } / Double(count)
    residualMakers = Self.penalties.map { penalty in
      // Features that are the same in every picture: only the intercept is left, M = I − 11ᵀ/n.
      let lambda = scale > 0 ? penalty * scale : 1
      var shifted = scale > 0 ? kernel : [Double](repeating: 0, count: count * count)
      for index in 0..<count { shifted[index * count + index] += lambda }
      let inverse = inverse(ofPositiveDefinite: shifted, size: count)
      return Tensor(
        shape: [count, count], values: inverse.map { Float(lambda * $0 - 1 / Double(count)) })
    }
  }

  /// The label that each picture is given by the others, from labels 0..<classes.
  package func predictions(_ labels: [Int], classes: Int) -> [Int] {
    precondition(labels.count == count && labels.allSatisfy { (0..<classes).contains($0) })
    return predictions([labels], classes: classes)[0]
  }

  /// The same for several labellings at once.
  func predictions(_ labellings: [[Int]], classes: Int) -> [[Int]] {
    let width = labellings.count * classes
    let targets = Tensor(shape: [count, width]) { output in
      for index in output.indices {
        let (picture, column) = (index / width, index % width)
        output[index] = labellings[column / classes][picture] == column % classes ? 1 : 0
      }
    }
    // Errors of the fits without each picture, [penalties][n, labellings · classes].
    let errors = residualMakers.map { maker -> [Float] in
      let product = matmul(maker, targets).values
      return product.indices.map { product[$0] / max(maker.values[$0 / width * (count + 1)], 1e-6) }
    }
    return labellings.indices.map { labelling in
      let columns = labelling * classes..<(labelling + 1) * classes
      let squares = errors.map { error in
        (0..<count).map { picture in
          columns.reduce(0.0) { $0 + Double(error[picture * width + $1]) * Double(error[picture * width + $1]) }
        }
      }
      let totals = squares.map { $0.reduce(0, +) }
      return (0..<count).map { picture in
        let best = totals.indices.min { totals[$0] - squares[$0][picture] < totals[$1] - squares[$1][picture] } ?? 0
        let scores = columns.map { targets.values[picture * width + $0] - errors[best][picture * width + $0] }
        return scores.indices.max { scores[$0] < scores[$1] } ?? 0
      }
    }
  }
}

/// The inverse of a symmetric positive definite matrix by Cholesky's decomposition; row-major.
func inverse(ofPositiveDefinite matrix: [Double], size: Int) -> [Double] {
  var lower = matrix
  for column in 0..<size {
    for row in column..<size {
      var sum = lower[row * size + column]
      for index in 0..<column { sum -= lower[row * size + index] * lower[column * size + index] }
      lower[row * size + column] =
        row == column ? max(sum, .leastNormalMagnitude).squareRoot() : sum / lower[column * (size + 1)]
    }
  }
  // Rows of L⁻¹, then (L⁻¹)ᵀ L⁻¹.
  var inverse = [Double](repeating: 0, count: size * size)
  for row in 0..<size {
    for column in 0...row {
      var sum = row == column ? 1.0 : 0
      for index in column..<row { sum -= lower[row * size + index] * inverse[index * size + column] }
      inverse[row * size + column] = sum / lower[row * (size + 1)]
    }
  }
  var result = [Double](repeating: 0, count: size * size)
  for row in 0..<size {
    for column in 0...row {
      var sum = 0.0
      for index in row..<size { sum += inverse[index * size + row] * inverse[index * size + column] }
      result[row * size + column] = sum
      result[column * size + row] = sum
    }
  }
  return result
}

/// How well one kind of feature tells the labels of pictures.
package struct ProbeResult: Sendable, Hashable, Codable {
  /// `codes`, `anchors`, `mean patch`, `<voco> into layer 2`, …
  package let name: String
  /// Whether anything that ends in an answer reads these features.
  package let read: Bool
  /// Values a picture.
  package let dimension: Int
  /// The part of the pictures whose label the others predict, 0…1, with Wilson's 95 % interval.
  package let accuracy: Double
  package let interval: Interval
  /// The same with labels permuted: the mean, and the range that 95 % of the permutations fall in.
  package let permutedMean: Double
  package let permutedRange: Interval
  /// (1 + permutations that are as accurate) / (1 + permutations).
  package let pValue: Double

  private enum CodingKeys: String, CodingKey {
    case name, read, dimension, accuracy, interval
    case permutedMean = "permuted_mean"
    case permutedRange = "permuted_range"
    case pValue = "p"
  }

  /// - Parameters:
  ///   - features: `[n, d]`, one row per picture.
  ///   - labels: of each picture, 0..<classes.
  package init(
    _ name: String, _ features: Tensor, read: Bool = true, labels: [Int], classes: Int, permutations: Int, seed: UInt64
  ) {
    self.name = name
    self.read = read
    dimension = features.shape[1]
    let probe = RidgeProbe(features)
    let accuracy = { (predicted: [Int], labels: [Int]) in
      Double(zip(predicted, labels).count { $0 == $1 }) / Double(labels.count)
    }
    let observed = accuracy(probe.predictions(labels, classes: classes), labels)
    // The same permutations for every kind of feature, so that their controls can be compared.
    var generator = SplitMix64(seed: seed, stream: "permuted labels")
    var permuted: [Double] = []
    while permuted.count < permutations {
      let part = (0..<min(64, permutations - permuted.count)).map { _ in labels.shuffled(using: &generator) }
      permuted += zip(probe.predictions(part, classes: classes), part).map(accuracy)
    }
    self.accuracy = observed
    interval = .wilson(mean: observed, count: labels.count)
    permutedMean = mean(permuted) ?? 0
    permutedRange = Interval.percentile(permuted) ?? Interval(low: 0, high: 1)
    pValue = Double(1 + permuted.count { $0 >= observed - 1e-12 }) / Double(1 + permutations)
  }
}

/// Probes of everything between picture and text, on the same labelled pictures.
package struct ProbeReport: Sendable, Hashable, Codable {
  package struct Label: Sendable, Hashable, Codable {
    package let name: String
    package let pictures: Int

    package init(name: String, pictures: Int) {
      self.name = name
      self.pictures = pictures
    }
  }

  package let labels: [Label]
  package let permutations: Int
  package let seed: UInt64
  package let results: [ProbeResult]

  package init(labels: [Label], permutations: Int, seed: UInt64, results: [ProbeResult]) {
    self.labels = labels
    self.permutations = permutations
    self.seed = seed
    self.results = results
  }

  package var pictures: Int { labels.reduce(0) { $0 + $1.pictures } }

  /// The accuracy of who always says the commonest label.
  package var chance: Double { Double(labels.map(\.pictures).max() ?? 0) / Double(max(1, pictures)) }

  private enum CodingKeys: String, CodingKey {
    case labels, permutations, seed, results, pictures, chance
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    labels = try values.decode([Label].self, forKey: .labels)
    permutations = try values.decode(Int.self, forKey: .permutations)
    seed = try values.decode(UInt64.self, forKey: .seed)
    results = try values.decode([ProbeResult].self, forKey: .results)
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(labels, forKey: .labels)
    try values.encode(pictures, forKey: .pictures)
    try values.encode(chance, forKey: .chance)
    try values.encode(permutations, forKey: .permutations)
    try values.encode(seed, forKey: .seed)
    try values.encode(results, forKey: .results)
  }
}
