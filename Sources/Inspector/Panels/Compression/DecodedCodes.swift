import Evidence
package import Tensor
package import Trace

/// The square picture and what its discrete codes decode to.
package struct DecodedCodes: Sendable, Equatable {
  package let picture: Picture
  package let reconstruction: Picture
  /// PSNR of the reconstruction, unclipped, over the range −1…1.
  package let decibels: Double

  /// `nil` until the trace holds a reconstruction.
  package init?(_ trace: Trace) {
    guard let mgvq = trace.mgvq, let decoded = mgvq.reconstruction, decoded.shape == mgvq.pixelValues.shape else {
      return nil
    }
    picture = Picture(signed: mgvq.pixelValues)
    reconstruction = Picture(signed: decoded)
    decibels = PictureQuality.psnr(mgvq.pixelValues, decoded, range: 2)
  }
}
