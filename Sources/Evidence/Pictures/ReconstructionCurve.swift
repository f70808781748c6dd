package import Tensor

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
