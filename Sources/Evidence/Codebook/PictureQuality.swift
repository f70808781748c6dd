import Foundation
import Statistics
package import Tensor

/// How close a reconstruction is to its picture; both `[C, H, W]`.
package enum PictureQuality {
  /// Peak signal-to-noise ratio in dB: 10 log₁₀(range² / mean squared error); infinite for equal pictures.
  ///
  /// - Parameter range: the largest possible difference: 2 for pictures in [−1, 1].
  package static func psnr(_ a: Tensor, _ b: Tensor, range: Double) -> Double {
    precondition(a.shape == b.shape && a.count > 0)
    var sum = 0.0
    for (x, y) in zip(a.values, b.values) { sum += (Double(x) - Double(y)) * (Double(x) - Double(y)) }
    return 10 * log10(range * range * Double(a.count) / sum)
  }

  /// The absolute difference averaged over channels, `[H, W]`.
  package static func errorMap(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(a.shape == b.shape && a.rank == 3)
    let size = a.shape[1] * a.shape[2]
    return Tensor(shape: [a.shape[1], a.shape[2]]) { output in
      for index in 0..<size {
        var sum: Float = 0
        for channel in 0..<a.shape[0] {
          sum += abs(a.values[channel * size + index] - b.values[channel * size + index])
        }
        output[index] = sum / Float(a.shape[0])
      }
    }
  }

  /// Structural similarity (Wang et al. 2004), −1…1: 11×11 Gaussian window of σ = 1.5, C₁ = (0.01·range)²,
  /// C₂ = (0.03·range)², population covariance, mean over every window wholly inside and over channels. `nil` for
  /// pictures under 11 pixels.
  package static func ssim(_ a: Tensor, _ b: Tensor, range: Double) -> Double? {
    precondition(a.shape == b.shape && a.rank == 3)
    let (height, width) = (a.shape[1], a.shape[2])
    guard height >= window.count, width >= window.count, a.shape[0] > 0 else { return nil }
    let (c1, c2) = ((0.01 * range) * (0.01 * range), (0.03 * range) * (0.03 * range))
    let channels = (0..<a.shape[0]).compactMap {
      structuralSimilarity(a[row: $0], b[row: $0], window: window, c1: c1, c2: c2)
    }
    return mean(channels)
  }

  /// The normalized Gaussian of σ = 1.5 at −5…5.
  private static let window: [Double] = {
    let values = (-5...5).map { exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
    return values.map { $0 / values.reduce(0, +) }
  }()
}

/// How close pictures decoded from the first g groups of their codes are to the pictures, for g = 1…G: what each further
/// group adds. Groups that are left out are zero.
package struct ReconstructionCurve: Sendable, Hashable, Encodable {
  /// Means over pictures.
  package struct Point: Sendable, Hashable, Encodable {
    package let groups: Int
    /// Peak signal-to-noise ratio in dB.
    package let psnr: Double
    /// Structural similarity, −1…1; nil for pictures too small for it.
    package let ssim: Double?
  }

  package private(set) var pictures = 0
  private var sums: [(psnr: Double, ssim: Double?)]

  package init(groups: Int) { sums = [(Double, Double?)](repeating: (0, 0), count: groups) }

  /// Adds a picture `[3, M, M]` in −1…1; `decode` gives what the first g groups make of it, unclipped.
  package mutating func add(_ picture: Tensor, decode: (_ groups: Int) throws -> Tensor) rethrows {
    for index in sums.indices {
      let decoded = try decode(index + 1)
      let clipped = Tensor(shape: decoded.shape, values: decoded.values.map { min(1, max(-1, $0)) })
      sums[index].psnr += PictureQuality.psnr(picture, clipped, range: 2)
      let ssim = PictureQuality.ssim(picture, clipped, range: 2)
      sums[index].ssim = sums[index].ssim.flatMap { sum in ssim.map { sum + $0 } }
    }
    pictures += 1
  }

  package var points: [Point] {
    let count = Double(max(1, pictures))
    return sums.enumerated().map {
      Point(groups: $0.offset + 1, psnr: $0.element.psnr / count, ssim: $0.element.ssim.map { $0 / count })
    }
  }

  private enum CodingKeys: String, CodingKey { case pictures, points }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(pictures, forKey: .pictures)
    try container.encode(points, forKey: .points)
  }

  package static func == (a: ReconstructionCurve, b: ReconstructionCurve) -> Bool {
    a.points == b.points && a.pictures == b.pictures
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(points) }
}

/// What the pictures have in common that a checkpoint was trained on, by `assets/training/training_pictures.py`.
package struct TrainingPictures: Sendable, Equatable, Decodable {
  /// What they are: `drawn scenes`.
  package let words: String
  /// Distances of such pictures from the subspace that others of them span, ascending.
  package let heldOutDistances: [Double]
  /// `[Dv]`, mean of their patches' features; `[k][Dv]`, orthonormal directions along which those vary most.
  let mean: [Double]
  let directions: [[Double]]

  /// A picture farther away than this part of the held-out ones is said to be unlike them.
  package static let part = 0.95

  private enum CodingKeys: String, CodingKey {
    case words, mean, directions
    case heldOutDistances = "held_out_distances"
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    words = try values.decode(String.self, forKey: .words)
    heldOutDistances = try values.decode([Double].self, forKey: .heldOutDistances).sorted()
    mean = try values.decode([Double].self, forKey: .mean)
    directions = try values.decode([[Double]].self, forKey: .directions)
    guard !heldOutDistances.isEmpty else {
      throw DecodingError.dataCorruptedError(
        forKey: .heldOutDistances, in: values, debugDescription: "held_out_distances is empty, expected distances")
    }
    guard !mean.isEmpty, directions.allSatisfy({ $0.count == mean.count }) else {
      throw DecodingError.dataCorruptedError(
        forKey: .directions, in: values, debugDescription: "directions are not as wide as mean, \(mean.count)")
    }
  }

  /// The mean over patches of ‖(x − mean) − its projection on the directions‖²; `nil` for features of another width.
  ///
  /// - Parameter features: `[P, Dv]`, of the vision tower.
  package func distance(_ features: Tensor) -> Double? {
    let width = mean.count
    guard features.rank == 2, features.shape[1] == width, features.shape[0] > 0 else { return nil }
    var sum = 0.0
    for patch in 0..<features.shape[0] {
      let row = features[row: patch].values
      let centred = (0..<width).map { Double(row[$0]) - mean[$0] }
      sum += centred.reduce(0) { $0 + $1 * $1 }
      for direction in directions {
        let along = zip(centred, direction).reduce(0) { $0 + $1.0 * $1.1 }
        sum -= along * along
      }
    }
    return sum / Double(features.shape[0])
  }

  /// How many of the held-out pictures are nearer than `distance`.
  package func nearer(than distance: Double) -> Int { heldOutDistances.count { $0 < distance } }

  /// Whether a picture so far away is unlike the training's.
  package func isUnlike(_ distance: Double) -> Bool {
    Double(nearer(than: distance)) >= Self.part * Double(heldOutDistances.count)
  }

  /// One sentence for a picture that is unlike the training's.
  package func warning(_ distance: Double) -> String {
    "unlike the \(words) this checkpoint was trained on, so what it says here means little: farther from them than "
      + "\(nearer(than: distance)) of \(heldOutDistances.count) held-out ones"
  }
}
