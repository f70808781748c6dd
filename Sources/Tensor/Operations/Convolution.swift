import CKernels
import COneDNN
import Synchronization

/// A 2-D convolution of one picture with a square stride and zero padding.
///
/// oneDNN makes code and reorders weights for each input size; both are kept, so the second picture of a size only pays
/// for the arithmetic.
package struct Conv2D: Sendable {
  package let outputChannels: Int
  package let inputChannels: Int
  /// Of the weight, `[O, I / groups, kh, kw]`.
  private let extents: [Int]
  /// Empty where `winograd` holds it.
  private let weight: Tensor
  private let winograd: WinogradConvolution?
  private let bias: Tensor?
  private let strideLength: Int
  private let padding: Int
  private let groups: Int
  private let prepared = PreparedConvolutions()

  /// `weight` is `[O, I / groups, kh, kw]`, `bias` `[O]`.
  ///
  /// With `minimalFiltering`, a kernel that gains by it is held transformed and computed so (`WinogradConvolution`).
  package init(
    weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int, groups: Int = 1, minimalFiltering: Bool = false
  ) {
    precondition(weight.rank == 4 && stride > 0 && padding >= 0 && groups > 0, "convolution weight \(weight.shape)")
    precondition(weight.shape[0] % groups == 0, "\(weight.shape[0]) channels in \(groups) groups")
    precondition(bias == nil || bias?.shape == [weight.shape[0]], "bias \(bias?.shape ?? []) of \(weight.shape)")
    self.outputChannels = weight.shape[0]
    self.inputChannels = weight.shape[1] * groups
    extents = weight.shape
    let isTransformed =
      minimalFiltering
      && WinogradConvolution.takes(weight.shape, stride: stride, padding: padding, groups: groups)
    winograd = isTransformed ? WinogradConvolution(weight: weight, bias: bias) : nil
    self.weight = isTransformed ? .zeros([0]) : weight
    self.bias = bias
    self.strideLength = stride
    self.padding = padding
    self.groups = groups
  }

  /// Bytes that a convolution with a weight `[O, I / groups, kh, kw]` holds, with padding and stride that keep the size:
  /// the weight and its copy in oneDNN's layout, or the transformed weight alone.
  package static func heldBytes(_ extents: [Int], minimalFiltering: Bool) -> Int {
    let transforms =
      minimalFiltering && WinogradConvolution.takes(extents, stride: 1, padding: extents[2] / 2, groups: 1)
    return extents.reduce(MemoryLayout<Float>.size, *) * (transforms ? 4 : 2)
  }

  /// `[I, H, W]` → `[O, (H + 2·padding − kh) / stride + 1, (W + 2·padding − kw) / stride + 1]`.
  package func callAsFunction(_ x: Tensor) -> Tensor {
    precondition(x.rank == 3 && x.shape[0] == inputChannels, "convolution \(extents) of \(x.shape)")
    let (height, width) = (outputExtent(x.shape[1], kernel: 2), outputExtent(x.shape[2], kernel: 3))
    precondition(height > 0 && width > 0 && x.count > 0, "convolution \(extents) of \(x.shape)")
    if let winograd { return winograd(x) }
    if isProduct { return product(x, height: height, width: width) }
    let parts = prepared.parts(height: x.shape[1], width: x.shape[2]) {
      channelParts(places: height * width).map { part($0, height: x.shape[1], width: x.shape[2]) }
    }
    return Tensor(shape: [outputChannels, height, width]) { y in
      withPointers(x) { x in
        inParallel(parts.count, grain: 1) { range in
          for part in parts[range] { part.run(x.start, into: y, places: height * width) }
        }
      }
    }
  }

  /// Output channels of the parts that threads compute side by side: a part has whole groups, at least a vector of 16
  /// channels, and 2 million products, some 50 µs of work.
  private func channelParts(places: Int) -> [Range<Int>] {
    let outputsPerGroup = outputChannels / groups
    let unit = groups == 1 ? 16 : (15 / outputsPerGroup + 1) * outputsPerGroup
    let products = weight.count * places
    let count = max(1, min(threadLimit.load(ordering: .relaxed), outputChannels / unit, products >> 21))
    let bounds = (0...count).map { $0 == count ? outputChannels : outputChannels * $0 / count / unit * unit }
    return (0..<count).map { bounds[$0]..<bounds[$0 + 1] }
  }

  /// The convolution that computes the output channels `range`.
  private func part(_ range: Range<Int>, height: Int, width: Int) -> PreparedConvolution {
    let channelsPerGroup = weight.shape[1]
    let firstGroup = range.lowerBound * groups / outputChannels
    let partGroups = max(1, range.count * groups / outputChannels)
    let shape = onednn_convolution_shape(
      channels: Int64(partGroups * channelsPerGroup), outputs: Int64(range.count), groups: Int64(partGroups),
      height: Int64(height), width: Int64(width), kernel_height: Int64(weight.shape[2]),
      kernel_width: Int64(weight.shape[3]), stride: Int64(strideLength), padding: Int64(padding))
    let size = weight.count / outputChannels
    return PreparedConvolution(
      shape: shape, weight: Array(weight.values[range.lowerBound * size..<range.upperBound * size]),
      bias: bias.map { Array($0.values[range]) }, firstInput: firstGroup * channelsPerGroup * height * width,
      firstOutput: range.lowerBound)
  }

  /// A 1×1 convolution is the product of `[O, I]` with `[I, H·W]`, which OpenBLAS takes as it lies in memory; oneDNN
  /// would spend as long again on reordering.
  private var isProduct: Bool {
    extents[2] == 1 && extents[3] == 1 && strideLength == 1 && padding == 0 && groups == 1
  }

  private func product(_ x: Tensor, height: Int, width: Int) -> Tensor {
    let (outputs, places) = (outputChannels, height * width)
    return Tensor(shape: [outputs, height, width]) { y in
      guard let y = y.baseAddress else { return }
      for channel in 0..<(bias == nil ? 0 : outputs) {
        (y + channel * places).update(repeating: bias?.values[channel] ?? 0, count: places)
      }
      withPointers(weight, x) { weight, x in
        gemm(
          m: outputs, n: places, k: inputChannels, MatrixPointer(base: weight.start, stride: inputChannels),
          MatrixPointer(base: x.start, stride: places), beta: bias == nil ? 0 : 1, into: y, stride: places)
      }
    }
  }

  private func outputExtent(_ extent: Int, kernel axis: Int) -> Int {
    (extent + 2 * padding - extents[axis]) / strideLength + 1
  }
}

/// The prepared convolutions of one layer by input size.
private final class PreparedConvolutions: Sendable {
  private struct InputSize: Hashable {
    var height: Int
    var width: Int
  }

  private let bySize = Mutex<[InputSize: [PreparedConvolution]]>([:])

  func parts(height: Int, width: Int, make: () -> [PreparedConvolution]) -> [PreparedConvolution] {
    bySize.withLock { bySize in
      let size = InputSize(height: height, width: width)
      if let ready = bySize[size] { return ready }
      let made = make()
      bySize[size] = made
      return made
    }
  }
}

/// A convolution that computes some of a layer's output channels from some or all of its input channels.
///
/// `@unchecked Sendable`: the handle is made in `init`, freed in `deinit` and only read between, which the shim allows
/// from any thread.
private final class PreparedConvolution: @unchecked Sendable {
  private let handle: OpaquePointer
  /// Elements of the picture before the first input channel.
  private let firstInput: Int
  private let firstOutput: Int

  init(shape: onednn_convolution_shape, weight: [Float], bias: [Float]?, firstInput: Int, firstOutput: Int) {
    let made = withUnsafePointer(to: shape) { shape in
      if let bias {
        onednn_convolution_create(shape, weight, bias)
      } else {
        onednn_convolution_create(shape, weight, nil)
      }
    }
    guard let made else { preconditionFailure("oneDNN cannot prepare the convolution \(shape)") }
    handle = made
    self.firstInput = firstInput
    self.firstOutput = firstOutput
  }

  deinit { onednn_convolution_free(handle) }

  /// Writes this part's channels of the layer's output, `places` elements each.
  func run(_ x: UnsafePointer<Float>, into y: UnsafeMutableBufferPointer<Float>, places: Int) {
    let status = onednn_convolution_run(handle, x + firstInput, y.baseAddress.map { $0 + firstOutput * places })
    precondition(status == 0, "oneDNN failed with status \(status)")
  }
}

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
          panels + element * panelSet, inputs * Self.panel, count, inputs, nil, 0, sums + element * sumSet, stride)
      }
    }
  }

  private func withBias(_ first: Int, _ body: (UnsafePointer<Float>?) -> Void) {
    guard let bias else { return body(nil) }
    bias.withUnsafeBufferPointer { body($0.baseAddress.map { $0 + first }) }
  }
}
