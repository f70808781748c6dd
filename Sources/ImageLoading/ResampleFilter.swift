import CImageCodecs
import Glibc
import Tensor

/// The resampling filters of Pillow's `Image.Resampling`; the raw values are its numbers.
package enum ResampleFilter: Int, Sendable, Hashable, CaseIterable {
  case nearest = 0
  case lanczos = 1
  case bilinear = 2
  case bicubic = 3
  case box = 4
  case hamming = 5

  /// Source pixels to each side at which the kernel vanishes, at scale 1; nil for the filter that has none.
  var support: Double? {
    switch self {
    case .nearest: nil
    case .box: 0.5
    case .bilinear, .hamming: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The kernel of Pillow's `Resample.c`, operation by operation.
  func value(_ x: Double) -> Double {
    switch self {
    case .nearest, .box: x > -0.5 && x <= 0.5 ? 1 : 0
    case .bilinear: max(1 - abs(x), 0)
    case .hamming: Self.hamming(abs(x))
    case .bicubic: Self.bicubic(abs(x))
    case .lanczos: x >= -3 && x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
    }
  }

  /// Keys' cubic with a = −0.5.
  private static func bicubic(_ x: Double) -> Double {
    let a = -0.5
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
    return 0
  }

  private static func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }

  /// Pillow writes the window's weights in single precision.
  private static func hamming(_ x: Double) -> Double {
    if x == 0 { return 1 }
    if x >= 1 { return 0 }
    let angle = x * .pi
    return sin(angle) / angle * (Double(Float(0.54)) + Double(Float(0.46)) * cos(angle))
  }
}

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

/// Pillow's resizing without a filter: each output pixel is the source pixel that its centre falls into
/// (`Geometry.c`, `ImagingScaleAffine`).
struct NearestSampler {
  private let source: PlacedImage
  private let columns: [Int]
  private let rows: [Int]

  /// The parameters are those of `Resampler`.
  init(_ source: PlacedImage, width: Int, height: Int, columns: Range<Int>, rows: Range<Int>) {
    self.source = source
    self.columns = Self.places(source.width, width, columns)
    self.rows = Self.places(source.height, height, rows)
  }

  /// Pillow adds up the steps, whose rounding errors decide at the borders of pixels.
  private static func places(_ source: Int, _ target: Int, _ window: Range<Int>) -> [Int] {
    let step = Double(source) / Double(target)
    var place = step * 0.5
    var places: [Int] = []
    for x in 0..<window.upperBound {
      if x >= window.lowerBound { places.append(min(Int(place), source - 1)) }
      place += step
    }
    return places
  }

  func callAsFunction() -> Picture {
    Picture(width: columns.count, height: rows.count) { target in
      var next = 0
      for row in rows {
        for column in columns {
          let (red, green, blue) = source.color(x: column, y: row)
          (target[next], target[next + 1], target[next + 2]) = (red, green, blue)
          next += 3
        }
      }
    }
  }
}

extension PlacedImage {
  /// The colour of a pixel of the canvas.
  fileprivate func color(x column: Int, y row: Int) -> (UInt8, UInt8, UInt8) {
    guard isPictureRow(row), column >= x, column < x + image.width else { return (color[0], color[1], color[2]) }
    return image[column - x, row - y]
  }
}
