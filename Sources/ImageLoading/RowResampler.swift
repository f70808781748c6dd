internal import CImageCodecs
import Tensor

/// The horizontal pass over rows of one canvas, with weights as `cic_resample_row` wants them.
struct RowResampler: Sendable {
  private let source: PlacedImage
  private let solidRow: [UInt8]
  private let starts: [Int32]
  /// Each weight three times, each output pixel's list filled up to `taps` with zeros.
  private let weights: [Int32]
  private let taps: Int

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
    solidRow = source.solidRow
  }

  /// A row of the canvas' colour to put pictures on, filled up with zeros where the weights' lists are longer.
  func makeScratch() -> UnsafeMutableBufferPointer<UInt8> {
    let scratch = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 3 * max(source.width, taps))
    let end = scratch.initialize(fromContentsOf: solidRow)
    scratch[end...].initialize(repeating: 0)
    return scratch
  }

  /// Resamples a row that shows the picture; the row is copied only if it is not in memory as it is needed.
  func resample(row: Int, scratch: UnsafeMutableBufferPointer<UInt8>, to target: UnsafeMutablePointer<UInt8>) {
    if source.width == source.image.width && source.width >= taps {
      source.image.pixels.withUnsafeBufferPointer {
        run($0.baseAddress! + 3 * source.width * (row - source.y), to: target)
      }
    } else {
      source.copyPicture(row: row, to: scratch.baseAddress!)
      run(scratch.baseAddress!, to: target)
    }
  }

  /// A row of the canvas' colour alone, resampled.
  func solid() -> [UInt8] {
    let scratch = makeScratch()
    defer { scratch.deallocate() }
    return [UInt8](unsafeUninitializedCapacity: 3 * starts.count) { buffer, filled in
      run(scratch.baseAddress!, to: buffer.baseAddress!)
      filled = 3 * starts.count
    }
  }

  private func run(_ row: UnsafePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>) {
    cic_resample_row(row, target, starts.count, starts, weights, taps)
  }
}
