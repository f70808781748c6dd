package import Statistics
package import Tensor

/// How well one kind of feature tells the labels of pictures.
package struct ProbeResult: Sendable, Hashable, Encodable {
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
  ///   - features: `[n, d]`, one row a picture.
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
package struct ProbeReport: Sendable, Hashable, Encodable {
  package struct Label: Sendable, Hashable, Encodable {
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
