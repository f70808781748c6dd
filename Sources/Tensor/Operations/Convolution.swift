internal import COneDNN
internal import Synchronization

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
    precondition(height > 0 && width > 0, "convolution \(extents) of \(x.shape)")
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
