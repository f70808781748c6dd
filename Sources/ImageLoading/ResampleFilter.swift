/// A resampling kernel of Pillow's `Resample.c`.
struct ResampleFilter: Sendable {
  /// Source pixels to each side at which the kernel vanishes, at scale 1.
  let support: Double
  let value: @Sendable (Double) -> Double

  /// Keys' cubic with a = −0.5.
  static let bicubic = ResampleFilter(support: 2) { x in
    let a = -0.5
    let x = abs(x)
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
    return 0
  }

  /// The mean of the covered pixels.
  static let box = ResampleFilter(support: 0.5) { x in x > -0.5 && x <= 0.5 ? 1 : 0 }
}
