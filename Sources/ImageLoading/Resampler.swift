internal import CImageCodecs
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
          if source.isPictureRow(row) {
            resampler.resample(row: row, scratch: scratch, to: output)
          } else {
            output.update(from: solid, count: solid.count)
          }
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
