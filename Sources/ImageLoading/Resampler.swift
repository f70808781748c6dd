import CImageCodecs
import Dispatch
import Glibc
import Tensor

/// Pillow's two-pass resampling of 8-bit RGB: horizontally, then vertically, each rounded to 8 bits.
///
/// The results equal those of Pillow's `Image.resize`, byte for byte: its sums are of integers, so that their order
/// does not matter. Only what the wanted window needs is computed.
struct Resampler: Sendable {
  let source: PlacedImage
  private let columns: ResampleAxis
  private let rows: ResampleAxis
  /// An axis that keeps its length is not resampled, as Pillow does.
  private let keepsColumns: Bool
  private let keepsRows: Bool

  /// - Parameters:
  ///   - width: of the whole resized picture; the same for `height`.
  ///   - columns: the part of it that is wanted, within `0..<width`; the same for `rows`.
  init(
    _ source: PlacedImage, width: Int, height: Int, columns: Range<Int>, rows: Range<Int>, filter: ResampleFilter
  ) {
    precondition(columns.lowerBound >= 0 && columns.upperBound <= width && !columns.isEmpty)
    precondition(rows.lowerBound >= 0 && rows.upperBound <= height && !rows.isEmpty)
    self.source = source
    keepsColumns = width == source.width
    keepsRows = height == source.height
    self.columns = ResampleAxis(
      source: source.width, target: width, window: columns, filter: keepsColumns ? .box : filter)
    self.rows = ResampleAxis(source: source.height, target: height, window: rows, filter: keepsRows ? .box : filter)
  }

  func callAsFunction() -> Picture {
    let reach = rows.reach
    let narrowed = resampleRows(reach)
    return resampleColumns(narrowed, top: reach.lowerBound)
  }

  private var width: Int { columns.starts.count }
  private var height: Int { rows.starts.count }

  /// The rows `reach` of the canvas, each resampled to the wanted columns.
  private func resampleRows(_ reach: Range<Int>) -> Picture {
    let resampler = RowResampler(source, columns)
    return Picture(width: width, height: reach.count) { target in
      nonisolated(unsafe) let target = target
      let solid = resampler.solid()
      concurrently(over: reach.count) { part in
        let scratch = resampler.makeScratch()
        defer { scratch.deallocate() }
        for index in part {
          let row = reach.lowerBound + index
          let output = target.baseAddress! + 3 * width * index
          output.update(from: solid, count: solid.count)
          if source.isPictureRow(row) { resampler.resample(row: row, scratch: scratch, to: output) }
        }
      }
    }
  }

  /// The wanted rows, from rows of which the first is row `top` of the canvas.
  private func resampleColumns(_ narrowed: Picture, top: Int) -> Picture {
    let rowBytes = 3 * width
    return Picture(width: width, height: height) { target in
      nonisolated(unsafe) let target = target
      narrowed.pixels.withUnsafeBufferPointer { pixels in
        nonisolated(unsafe) let pixels = pixels
        concurrently(over: height) { part in
          let sums = UnsafeMutablePointer<Int32>.allocate(capacity: rowBytes)
          defer { sums.deallocate() }
          for index in part {
            cic_resample_column(
              pixels.baseAddress! + rowBytes * (rows.starts[index] - top), rowBytes, rows.weights[index],
              rows.weights[index].count, sums, target.baseAddress! + rowBytes * index)
          }
        }
      }
    }
  }
}

/// The horizontal pass over rows of one canvas, with weights as `cic_resample_row` wants them.
struct RowResampler: Sendable {
  private let source: PlacedImage
  private let solidRow: [UInt8]
  private let starts: [Int32]
  /// Each weight three times, each output pixel's list filled up to `taps` with zeros.
  private let weights: [Int32]
  private let taps: Int
  /// The output pixels that take anything from the picture; all others are the canvas' colour in every row.
  private let touched: Range<Int>

  init(_ source: PlacedImage, _ axis: ResampleAxis) {
    let multiple = CIC_TAP_MULTIPLE
    let longest = axis.weights.map(\.count).max() ?? 0
    let taps = (longest + multiple - 1) / multiple * multiple
    var starts: [Int32] = []
    var weights = [Int32](repeating: 0, count: 3 * taps * axis.starts.count)
    for (index, (start, list)) in zip(axis.starts, axis.weights).enumerated() {
      // Zeros go to the left where those to the right would reach beyond the row.
      let shifted = min(start, max(source.width - taps, 0))
      starts.append(Int32(shifted))
      for (tap, weight) in list.enumerated() {
        let position = 3 * (taps * index + start - shifted + tap)
        for channel in 0..<3 { weights[position + channel] = weight }
      }
    }
    self.source = source
    self.starts = starts
    self.weights = weights
    self.taps = taps
    touched = axis.outputs(from: source.x..<source.x + source.image.width)
    solidRow = source.solidRow
  }

  /// A row of the canvas' colour to put pictures on, filled up with zeros where the weights' lists are longer.
  func makeScratch() -> UnsafeMutableBufferPointer<UInt8> {
    let scratch = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 3 * max(source.width, taps))
    let end = scratch.initialize(fromContentsOf: solidRow)
    scratch[end...].initialize(repeating: 0)
    return scratch
  }

  /// Resamples a row that shows the picture into one that holds the canvas' colour; the row is copied only if it is not
  /// in memory as it is needed.
  func resample(row: Int, scratch: UnsafeMutableBufferPointer<UInt8>, to target: UnsafeMutablePointer<UInt8>) {
    if source.width == source.image.width && source.width >= taps {
      source.image.pixels.withUnsafeBufferPointer {
        run($0.baseAddress! + 3 * source.width * (row - source.y), touched, to: target)
      }
    } else {
      source.copyPicture(row: row, to: scratch.baseAddress!)
      run(scratch.baseAddress!, touched, to: target)
    }
  }

  /// A row of the canvas' colour alone, resampled.
  func solid() -> [UInt8] {
    let scratch = makeScratch()
    defer { scratch.deallocate() }
    return [UInt8](unsafeUninitializedCapacity: 3 * starts.count) { buffer, filled in
      run(scratch.baseAddress!, 0..<starts.count, to: buffer.baseAddress!)
      filled = 3 * starts.count
    }
  }

  /// Writes the output pixels `part` of a row whose first pixel is at `target`.
  private func run(_ row: UnsafePointer<UInt8>, _ part: Range<Int>, to target: UnsafeMutablePointer<UInt8>) {
    starts.withUnsafeBufferPointer { starts in
      weights.withUnsafeBufferPointer { weights in
        guard let first = starts.baseAddress, let list = weights.baseAddress else { return }
        cic_resample_row(
          row, target + 3 * part.lowerBound, part.count, first + part.lowerBound, list + 3 * taps * part.lowerBound,
          taps)
      }
    }
  }
}

/// Splits `0..<count` into contiguous parts and runs `body` on them on all cores.
func concurrently(over count: Int, _ body: @Sendable (Range<Int>) -> Void) {
  // More parts than cores, so that a core that comes late still finds work.
  let parts = min(count, 16)
  DispatchQueue.concurrentPerform(iterations: parts) { part in
    body(count * part / parts..<count * (part + 1) / parts)
  }
}

/// The results of two computations that run at the same time.
func both<First: Sendable, Second: Sendable>(
  _ first: @Sendable () -> First, _ second: @Sendable () -> Second
) -> (First, Second) {
  // Each iteration writes its own variable, and both have ended before either is read.
  nonisolated(unsafe) var firstResult: First?
  nonisolated(unsafe) var secondResult: Second?
  DispatchQueue.concurrentPerform(iterations: 2) { iteration in
    if iteration == 0 { firstResult = first() } else { secondResult = second() }
  }
  return (firstResult!, secondResult!)
}

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

  /// The output pixels that use any of the source pixels `part`; neither their first nor their last source pixel ever
  /// goes back, so that they lie side by side.
  func outputs(from part: Range<Int>) -> Range<Int> {
    let first = starts.indices.first { starts[$0] + weights[$0].count > part.lowerBound } ?? starts.count
    let end = starts.indices.last { starts[$0] < part.upperBound }.map { $0 + 1 } ?? 0
    return first..<max(first, end)
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
