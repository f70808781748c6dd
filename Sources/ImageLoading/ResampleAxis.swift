internal import CImageCodecs

/// The fixed-point weights that make the pixels of one axis from those of a longer or shorter one.
///
/// Follows `precompute_coeffs` and `normalize_coeffs_8bpc` of Pillow's `Resample.c` operation by operation, because
/// every rounding shows in the result.
struct ResampleAxis: Sendable {
  /// First source pixel and weights of each output pixel.
  let starts: [Int]
  let weights: [[Int32]]

  /// - Parameters:
  ///   - source: pixels along the source axis.
  ///   - target: pixels of the whole output axis, which sets the scale.
  ///   - window: the output pixels wanted, within `0..<target`.
  init(source: Int, target: Int, window: Range<Int>, filter: ResampleFilter) {
    let scale = Double(source) / Double(target)
    let stretch = max(scale, 1)
    // A filter without a kernel is not resampled along an axis by weights.
    let support = (filter.support ?? 0.5) * stretch
    var starts: [Int] = []
    var weights: [[Int32]] = []
    for x in window {
      let center = (Double(x) + 0.5) * scale
      let first = max(Int(center - support + 0.5), 0)
      let end = min(Int(center + support + 0.5), source)
      let values = (first..<end).map { filter.value((Double($0) - center + 0.5) * (1 / stretch)) }
      starts.append(first)
      weights.append(Self.fixedPoint(values))
    }
    self.starts = starts
    self.weights = weights
  }

  /// The source pixels that any output pixel uses.
  var reach: Range<Int> {
    let end = zip(starts, weights).map { $0 + $1.count }.max() ?? 0
    return (starts.min() ?? 0)..<end
  }

  private static func fixedPoint(_ values: [Double]) -> [Int32] {
    let sum = values.reduce(0, +)
    return values.map { value in
      let normalized = sum == 0 ? value : value / sum
      let scaled = normalized * Double(1 << CIC_PRECISION_BITS)
      return Int32(normalized < 0 ? scaled - 0.5 : scaled + 0.5)
    }
  }
}
