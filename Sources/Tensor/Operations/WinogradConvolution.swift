internal import CKernels

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
  /// Tiles of a product: their panels stay in the second cache.
  private static let columns = 512
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
    (outputs + Int(KERNEL_TILE_ROWS) - 1) / Int(KERNEL_TILE_ROWS) * Int(KERNEL_TILE_ROWS)
  }

  /// `[I, H, W]` → `[O, H, W]`.
  func callAsFunction(_ x: Tensor) -> Tensor {
    let (height, width) = (x.shape[1], x.shape[2])
    let count = ((height + 3) / 4) * ((width + 3) / 4)
    let stride = (count + Self.panel - 1) / Self.panel * Self.panel
    let (panelSet, sumSet) = (stride * inputs + Self.gap, stride * outputs + Self.gap)
    return Tensor(shape: [outputs, height, width]) { y in
      guard let y = y.baseAddress else { return }
      withPointers(x) { x in
        Scratch.with(Self.elements * panelSet) { panels in
          Scratch.with(Self.elements * sumSet) { sums in
            inParallel(inputs, grain: 16) { part in
              Scratch.with(Self.elements * stride) { planes in
                kernel_winograd_input(
                  x.start + part.lowerBound * height * width, part.count, height, width, planes,
                  panels + part.lowerBound * Self.panel, inputs, panelSet)
              }
            }
            multiply(panels, panelSet, sums, sumSet, count: count, stride: stride)
            inParallel(outputs, grain: 16) { part in
              withBias(part.lowerBound) { bias in
                kernel_winograd_output(
                  sums + part.lowerBound * stride, sumSet, stride, part.count, height, width, bias,
                  y + part.lowerBound * height * width)
              }
            }
          }
        }
      }
    }
  }

  /// One product for each element of a transformed tile.
  private func multiply(
    _ panels: UnsafePointer<Float>, _ panelSet: Int, _ sums: UnsafeMutablePointer<Float>, _ sumSet: Int, count: Int,
    stride: Int
  ) {
    let set = Self.rows(outputs) * inputs
    kernel.withUnsafeBufferPointer { kernel in
      guard let kernel = kernel.baseAddress else { return }
      inParallel(Self.elements, grain: 1) { part in
        for element in part {
          for first in Swift.stride(from: 0, to: count, by: Self.columns) {
            kernel_multiply_packed(
              kernel + element * set, inputs * Int(KERNEL_TILE_ROWS), outputs,
              panels + element * panelSet + first * inputs, inputs * Self.panel, min(Self.columns, count - first),
              inputs, 0, sums + element * sumSet + first, stride)
          }
        }
      }
    }
  }

  private func withBias(_ first: Int, _ body: (UnsafePointer<Float>?) -> Void) {
    guard let bias else { return body(nil) }
    bias.withUnsafeBufferPointer { body($0.baseAddress.map { $0 + first }) }
  }
}
