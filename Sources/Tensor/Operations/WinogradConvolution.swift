internal import CKernels
internal import Synchronization

/// A 3×3 convolution with stride 1 and padding 1 in tiles of 4×4 outputs: a quarter of the products, and rounding that
/// grows to some 1e−5 of the largest output (Lavin & Gray, arXiv 1509.09308).
///
/// The kernel is held transformed alone, four times its size.
final class WinogradConvolution: Sendable {
  private let outputs: Int
  private let inputs: Int
  /// 36 sets of packed tiles.
  private let kernel: [Float]
  private let bias: [Float]?

  /// Elements of a transformed tile.
  private static let elements = 36
  private static let panel = Int(KERNEL_PANEL_COLUMNS)
  private static let tileRows = Int(KERNEL_TILE_ROWS)
  /// Keeps sets from falling into one set of the cache.
  private static let gap = 80

  /// Whether a kernel `[O, I, kh, kw]` gains by it on this processor.
  static func takes(_ shape: [Int], stride: Int, padding: Int, groups: Int) -> Bool {
    kernel_has_panels() != 0 && shape[2] == 3 && shape[3] == 3 && stride == 1 && padding == 1 && groups == 1
      && shape[0] >= 128 && shape[1] >= 128
  }

  init(weight: Tensor, bias: Tensor?) {
    (outputs, inputs) = (weight.shape[0], weight.shape[1])
    self.bias = bias?.values
    let (outputs, inputs) = (outputs, inputs)
    kernel = [Float](unsafeUninitializedCapacity: Self.elements * Self.rows(outputs) * inputs) { buffer, count in
      withPointers(weight) { kernel_winograd_weights($0.start, outputs, inputs, buffer.baseAddress) }
      count = buffer.count
    }
  }

  /// Rows of the packed kernel.
  private static func rows(_ outputs: Int) -> Int {
    (outputs + tileRows - 1) / tileRows * tileRows
  }

  /// Some tiles of some outputs: what a thread computes, without waiting for another.
  private struct Part {
    let tiles: Range<Int>
    let outputs: Range<Int>
  }

  /// Tiles that are transformed, multiplied and transformed back before the next ones: few enough to stay in the caches,
  /// more for a wide kernel, which is read once for all of them.
  private var block: Int { max(4 * Self.panel, inputs / 2 / Self.panel * Self.panel) }

  /// `[I, H, W]` → `[O, H, W]`.
  func callAsFunction(_ x: Tensor) -> Tensor {
    let (height, width) = (x.shape[1], x.shape[2])
    let parts = parts(tiles: ((height + 3) / 4) * ((width + 3) / 4))
    return Tensor(shape: [outputs, height, width]) { y in
      guard let y = y.baseAddress else { return }
      withPointers(x) { x in
        inParallel(parts.count, grain: 1) { range in
          for part in parts[range] { compute(part, x.start, height, width, into: y) }
        }
      }
    }
  }

  /// A part for each thread: of the tiles, and where they are too few, of the outputs too.
  private func parts(tiles: Int) -> [Part] {
    let threads = threadLimit.load(ordering: .relaxed)
    let along = max(1, min(threads, tiles / (Self.panel / 2)))
    let rowTiles = Self.rows(outputs) / Self.tileRows
    let across = max(1, min(threads / along, rowTiles / 4))
    return (0..<along * across).map { index in
      let (i, j) = (index / across, index % across)
      let last = min(outputs, rowTiles * (j + 1) / across * Self.tileRows)
      return Part(
        tiles: tiles * i / along..<tiles * (i + 1) / along, outputs: rowTiles * j / across * Self.tileRows..<last)
    }
  }

  private func compute(
    _ part: Part, _ x: UnsafePointer<Float>, _ height: Int, _ width: Int, into y: UnsafeMutablePointer<Float>
  ) {
    let columns = min(block, (part.tiles.count + Self.panel - 1) / Self.panel * Self.panel)
    let (panelSet, sumSet) = (columns * inputs + Self.gap, columns * part.outputs.count + Self.gap)
    Scratch.with(Self.elements * panelSet) { panels in
      Scratch.with(Self.elements * sumSet) { sums in
        for first in stride(from: part.tiles.lowerBound, to: part.tiles.upperBound, by: columns) {
          let count = min(columns, part.tiles.upperBound - first)
          kernel_winograd_input(x, inputs, height, width, first, count, panels, panelSet)
          multiply(panels, panelSet, sums, sumSet, outputs: part.outputs, count: count, stride: columns)
          withBias(part.outputs.lowerBound) { bias in
            kernel_winograd_output(
              sums, sumSet, columns, part.outputs.count, height, width, first, count, bias,
              y + part.outputs.lowerBound * height * width)
          }
        }
      }
    }
  }

  /// One product for each element of a transformed tile.
  private func multiply(
    _ panels: UnsafePointer<Float>, _ panelSet: Int, _ sums: UnsafeMutablePointer<Float>, _ sumSet: Int,
    outputs part: Range<Int>, count: Int, stride: Int
  ) {
    let set = Self.rows(outputs) * inputs
    kernel.withUnsafeBufferPointer { kernel in
      guard let kernel = kernel.baseAddress else { return }
      for element in 0..<Self.elements {
        kernel_multiply_packed(
          kernel + element * set + part.lowerBound * inputs, inputs * Self.tileRows, part.count,
          panels + element * panelSet, inputs * Self.panel, count, inputs, 0, sums + element * sumSet, stride)
      }
    }
  }

  private func withBias(_ first: Int, _ body: (UnsafePointer<Float>?) -> Void) {
    guard let bias else { return body(nil) }
    bias.withUnsafeBufferPointer { body($0.baseAddress.map { $0 + first }) }
  }
}
