import Foundation
package import Statistics
package import Tensor
package import Trace

/// Whether the anchor projector still tells pictures apart: norms, directions over pictures, and how much of its two
/// layers lies where GELU is flat.
package struct AnchorHealth: Sendable {
  /// Pre-activations below this count as flat: GELU's slope there is under 0.09 and falls to nothing.
  package static let flat: Float = -2
  /// Pictures whose anchors are kept for the rank; its cost grows with their cube.
  package static let rankedPictures = 200
  /// Fewer pictures say nothing of a rank.
  package static let fewestPictures = 8

  package private(set) var pictures = 0
  /// Of the anchors' lengths, over pictures and anchors.
  package private(set) var norms = Moments()
  private var shortest = Double.infinity
  private var longest = 0.0
  /// `[n][A·D]`, the anchors of the first pictures at length 1.
  private var directions: [[Float]] = []
  /// Of the first and the second layer: by unit, in how many pictures it was flat.
  private var flatCounts: [[Int]] = []

  package init() {}

  /// Adds a picture's anchors `[A, D]` and what stands before each of the projector's activations.
  package mutating func add(_ anchors: Tensor, beforeActivations layers: [Tensor]) {
    pictures += 1
    var unit: [Float] = []
    for row in 0..<anchors.shape[0] {
      let values = anchors[row: row].values
      let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      norms.add(norm)
      shortest = min(shortest, norm)
      longest = max(longest, norm)
      unit += norm > 0 && norm.isFinite ? values.map { $0 / Float(norm) } : values.map { _ in 0 }
    }
    if directions.count < Self.rankedPictures { directions.append(unit) }
    if flatCounts.isEmpty { flatCounts = layers.map { [Int](repeating: 0, count: $0.count) } }
    precondition(flatCounts.map(\.count) == layers.map(\.count), "one projector made all anchors")
    for (layer, tensor) in layers.enumerated() {
      for (unit, value) in tensor.values.enumerated() where value < Self.flat { flatCounts[layer][unit] += 1 }
    }
  }

  /// The shortest and the longest anchor.
  package var normRange: ClosedRange<Double>? { shortest <= longest ? shortest...longest : nil }

  /// The share of each layer's pre-activations that is flat, 0…1.
  package var saturated: [Double] {
    flatCounts.map { counts in
      counts.isEmpty ? 0 : Double(counts.reduce(0, +)) / Double(counts.count * pictures)
    }
  }

  /// The share of each layer's units that are flat in every picture, 0…1.
  package var dead: [Double] {
    flatCounts.map { counts in
      counts.isEmpty ? 0 : Double(counts.count { $0 == pictures }) / Double(counts.count)
    }
  }

  /// exp(entropy of σ²/Σσ²) over the singular values σ of the unit anchors' deviations from their mean over pictures
  /// `[n, A·D]`: how many directions tell pictures apart, 0…n − 1; nil below `fewestPictures`.
  package var rank: Double? {
    guard directions.count >= Self.fewestPictures else { return nil }
    let energies = symmetricEigenvalues(centredGram(directions), size: directions.count).map { max(0, $0) }
    // Rounding leaves traces of energy where all pictures have the same anchors.
    let total = energies.reduce(0, +)
    return total > 1e-9 * Double(directions.count) ? exp(entropy(energies)) : 0
  }
}

/// The Gram matrix `[n, n]` of rows minus their mean, row-major.
func centredGram(_ rows: [[Float]]) -> [Double] {
  let (count, width) = (rows.count, rows.first?.count ?? 0)
  var centre = [Double](repeating: 0, count: width)
  for row in rows {
    for index in 0..<width { centre[index] += Double(row[index]) / Double(count) }
  }
  let centred = rows.map { row in (0..<width).map { Double(row[$0]) - centre[$0] } }
  var gram = [Double](repeating: 0, count: count * count)
  for first in 0..<count {
    for second in 0...first {
      let product = centred[first].withUnsafeBufferPointer { a in
        centred[second].withUnsafeBufferPointer { b in
          var sum = 0.0
          for index in 0..<width { sum += a[index] * b[index] }
          return sum
        }
      }
      gram[first * count + second] = product
      gram[second * count + first] = product
    }
  }
  return gram
}

extension AnchorHealth {
  /// Below this many directions over pictures the projector has collapsed.
  package static let collapsedRank = 2.0
  /// A second layer with more of its units dead than this has collapsed too.
  package static let collapsedDead = 0.9

  /// Whether the anchors have stopped to depend on the picture in more than one way.
  package var isCollapsed: Bool {
    rank.map { $0 < Self.collapsedRank } ?? false || (dead.last ?? 0) > Self.collapsedDead
  }

  /// What to know of the projector; nil where nothing is wrong.
  func finding(source: CodebookReport.AnchorSource) -> CodebookFinding? {
    let flat = "\(Format.percent(saturated.last ?? 0)) of its last pre-activations are where GELU is flat"
    if let dead = dead.last, dead > Self.collapsedDead {
      return CodebookFinding(
        .broken, .collapsedProjector,
        "The anchor projector collapsed: \(Format.percent(dead)) of its last units are flat whatever the codes are.")
    }
    // Random codes all look alike to a projector that averages.
    guard source == .pictures, let rank, rank < Self.collapsedRank else { return nil }
    let shown = min(pictures, Self.rankedPictures)
    return CodebookFinding(
      .broken, .collapsedProjector,
      "The anchor projector collapsed: over \(shown) pictures the anchors vary along \(significant(rank)) directions "
        + "(effective rank), and \(flat).")
  }
}

/// What `codebook` says of the projector, by the keys of its JSON.
extension AnchorHealth: Encodable {
  private enum CodingKeys: String, CodingKey {
    case pictures, rank, saturated, dead, collapsed
    case normMean = "norm_mean"
    case normRange = "norm_range"
  }

  package func encode(to encoder: any Encoder) throws {
    func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(pictures, forKey: .pictures)
    try values.encode(finite(norms.mean), forKey: .normMean)
    try values.encode(normRange.map { [finite($0.lowerBound), finite($0.upperBound)] }, forKey: .normRange)
    try values.encode(rank, forKey: .rank)
    try values.encode(saturated, forKey: .saturated)
    try values.encode(dead, forKey: .dead)
    try values.encode(isCollapsed, forKey: .collapsed)
  }
}

/// What one run shows of the anchor projector: a warning before its anchors are believed.
///
/// Over several pictures `AnchorHealth` says more; a single picture, which a trace holds, shows anchors that are one
/// vector, that are flat nearly everywhere, or that are flat and drown everything that is added to them.
package struct ProjectorHealth: Sendable, Hashable {
  /// Mean lengths.
  package let anchorNorm: Double
  /// nil without patches.
  package let patchNorm: Double?
  /// Mean pairwise cosine of the anchors; nil for fewer than two.
  package let cosine: Double?
  /// The share of the anchors' values at which the last GELU is flat, 0…1.
  ///
  /// Told from its output y = GELU(z): −0.0455 < y ≤ 0 is z < −2, or a z between −0.1 and 0, which is rare.
  package let saturated: Double
  private let isFinite: Bool

  /// GELU(−2).
  private static let flatOutput: Float = -0.0455
  /// Anchors that are flat to this share have nothing to say.
  private static let silent = 0.9
  /// So flat, and so many times as long as patches, the first checkpoint of the demo was when its anchors told no
  /// picture from another.
  private static let flat = 0.4
  private static let drowning = 10.0

  /// - Parameters:
  ///   - anchors: `[A, D]`, after the projector; nil without any.
  ///   - patches: `[P, D]`.
  package init?(anchors: Tensor, patches: Tensor?) {
    guard anchors.count > 0 else { return nil }
    let similarity = AnchorSimilarity(anchors)
    isFinite = similarity.isFinite
    anchorNorm = mean(similarity.norms) ?? 0
    cosine = similarity.meanCosine
    patchNorm = patches.flatMap { patches in
      mean(
        (0..<patches.shape[0]).map { row in
          patches[row: row].values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        })
    }
    saturated = Double(anchors.values.count { $0 <= 0 && $0 > Self.flatOutput }) / Double(anchors.count)
  }

  /// Of a run's trace; nil while it has no anchors.
  package init?(_ trace: Trace) {
    guard let anchors = trace.anchors else { return nil }
    self.init(anchors: anchors, patches: trace.vision?.patches)
  }

  /// How many times as long as a patch an anchor is.
  package var lengthRatio: Double? { patchNorm.flatMap { $0 > 0 ? anchorNorm / $0 : nil } }

  /// Why the projector has collapsed, as one sentence for a banner; nil where this picture does not show it.
  package var collapse: String? {
    guard isFinite else { return "projector collapsed: an anchor is not finite" }
    if anchorNorm == 0 { return "projector collapsed: the anchors are zero" }
    if let cosine, cosine > AnchorSimilarity.collapsedCosine {
      return "projector collapsed: the anchors are nearly one vector (mean cosine \(decimal(cosine, digits: 3)))"
    }
    if saturated > Self.silent {
      return "projector collapsed: GELU is flat at \(Format.percent(saturated)) of the anchors' values"
    }
    guard saturated > Self.flat, let lengthRatio, lengthRatio > Self.drowning else { return nil }
    return "projector collapsed: GELU is flat at \(Format.percent(saturated)) of the anchors' values, and they are "
      + "\(Format.times(lengthRatio)) as long as patches"
  }
}
