internal import CImageCodecs

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

  func callAsFunction() -> RGBImage {
    let reach = rows.reach
    let narrowed = resampleRows(reach)
    return resampleColumns(narrowed, top: reach.lowerBound)
  }

  private var width: Int { columns.starts.count }
  private var height: Int { rows.starts.count }

  /// The rows `reach` of the canvas, each resampled to the wanted columns.
  private func resampleRows(_ reach: Range<Int>) -> RGBImage {
    let taps = RowTaps(columns, sourceWidth: source.width)
    let solidRow = reach.first { !source.isPictureRow($0) }
    return RGBImage(width: width, height: reach.count) { target in
      nonisolated(unsafe) let target = target
      let solid = solidRow.map { taps.apply(source, row: $0) }
      concurrently(over: reach.count) { part in
        let scratch = taps.makeScratch()
        defer { scratch.deallocate() }
        for index in part {
          let output = target.baseAddress! + 3 * width * index
          if let solid, !source.isPictureRow(reach.lowerBound + index) {
            output.update(from: solid, count: solid.count)
          } else {
            taps.apply(source, row: reach.lowerBound + index, scratch: scratch, to: output)
          }
        }
      }
    }
  }

  /// The wanted rows, from rows of which the first is row `top` of the canvas.
  private func resampleColumns(_ narrowed: RGBImage, top: Int) -> RGBImage {
    let rowBytes = 3 * width
    return RGBImage(width: width, height: height) { target in
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

/// Weights of the horizontal pass as `cic_resample_row` wants them.
private struct RowTaps: Sendable {
  let starts: [Int32]
  /// Each weight three times, each output pixel's list filled up to `count` with zeros.
  let weights: [Int32]
  let count: Int
  /// Pixels that a source row must hold so that no list reaches beyond it.
  let rowCapacity: Int
  let sourceWidth: Int

  init(_ axis: ResampleAxis, sourceWidth: Int) {
    let multiple = CIC_TAP_MULTIPLE
    let longest = axis.weights.map(\.count).max() ?? 0
    let count = (longest + multiple - 1) / multiple * multiple
    self.count = count
    self.sourceWidth = sourceWidth
    rowCapacity = max(sourceWidth, count)
    var starts: [Int32] = []
    var weights = [Int32](repeating: 0, count: 3 * count * axis.starts.count)
    for (index, (start, list)) in zip(axis.starts, axis.weights).enumerated() {
      // Zeros go to the left where those to the right would reach beyond the row.
      let shifted = min(start, max(sourceWidth - count, 0))
      starts.append(Int32(shifted))
      for (tap, weight) in list.enumerated() {
        let position = 3 * (count * index + start - shifted + tap)
        for channel in 0..<3 { weights[position + channel] = weight }
      }
    }
    self.starts = starts
    self.weights = weights
  }

  func makeScratch() -> UnsafeMutableBufferPointer<UInt8> {
    let scratch = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 3 * rowCapacity)
    scratch.initialize(repeating: 0)
    return scratch
  }

  /// Resamples row `row` of `source`; the row is copied only if it is not in memory as it is needed.
  func apply(
    _ source: PlacedImage, row: Int, scratch: UnsafeMutableBufferPointer<UInt8>, to target: UnsafeMutablePointer<UInt8>
  ) {
    if source.width == source.image.width && source.isPictureRow(row) && rowCapacity == sourceWidth {
      source.image.pixels.withUnsafeBufferPointer {
        run($0.baseAddress! + 3 * sourceWidth * (row - source.y), to: target)
      }
    } else {
      source.write(row: row, to: UnsafeMutableBufferPointer(rebasing: scratch[..<(3 * sourceWidth)]))
      run(scratch.baseAddress!, to: target)
    }
  }

  /// Row `row` of `source`, resampled.
  func apply(_ source: PlacedImage, row: Int) -> [UInt8] {
    let scratch = makeScratch()
    defer { scratch.deallocate() }
    return [UInt8](unsafeUninitializedCapacity: 3 * starts.count) { buffer, filled in
      apply(source, row: row, scratch: scratch, to: buffer.baseAddress!)
      filled = 3 * starts.count
    }
  }

  private func run(_ row: UnsafePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>) {
    cic_resample_row(row, target, starts.count, starts, weights, count)
  }
}
