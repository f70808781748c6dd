import Statistics
package import Tensor
package import Trace

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
