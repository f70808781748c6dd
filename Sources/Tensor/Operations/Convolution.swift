internal import COneDNN
internal import Synchronization

/// A 2-D convolution of one picture with a square stride and zero padding.
///
/// oneDNN makes code and reorders weights for each input size; both are kept, so the second picture of a size only pays
/// for the arithmetic.
package struct Conv2D: Sendable {
  package let outputChannels: Int
  package let inputChannels: Int
  private let weight: Tensor
  private let bias: Tensor?
  private let strideLength: Int
  private let padding: Int
  private let groups: Int
  private let prepared = PreparedConvolutions()

  /// `weight` is `[O, I / groups, kh, kw]`, `bias` `[O]`.
  package init(weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int, groups: Int = 1) {
    precondition(weight.rank == 4 && stride > 0 && padding >= 0 && groups > 0, "convolution weight \(weight.shape)")
    precondition(weight.shape[0] % groups == 0, "\(weight.shape[0]) channels in \(groups) groups")
    precondition(bias == nil || bias?.shape == [weight.shape[0]], "bias \(bias?.shape ?? []) of \(weight.shape)")
    self.outputChannels = weight.shape[0]
    self.inputChannels = weight.shape[1] * groups
    self.weight = weight
    self.bias = bias
    self.strideLength = stride
    self.padding = padding
    self.groups = groups
  }

  /// `[I, H, W]` → `[O, (H + 2·padding − kh) / stride + 1, (W + 2·padding − kw) / stride + 1]`.
  package func callAsFunction(_ x: Tensor) -> Tensor {
    precondition(x.rank == 3 && x.shape[0] == inputChannels, "convolution \(weight.shape) of \(x.shape)")
    let (height, width) = (outputExtent(x.shape[1], kernel: 2), outputExtent(x.shape[2], kernel: 3))
    precondition(height > 0 && width > 0, "convolution \(weight.shape) of \(x.shape)")
    if isProduct { return product(x, height: height, width: width) }
    let convolution = prepared.convolution(height: x.shape[1], width: x.shape[2]) {
      PreparedConvolution(shape: shape(height: x.shape[1], width: x.shape[2]), weight: weight, bias: bias)
    }
    return Tensor(shape: [outputChannels, height, width]) { convolution.run(x, into: $0) }
  }

  /// A 1×1 convolution is the product of `[O, I]` with `[I, H·W]`, which OpenBLAS takes as it lies in memory; oneDNN
  /// would spend as long again on reordering.
  private var isProduct: Bool {
    weight.shape[2] == 1 && weight.shape[3] == 1 && strideLength == 1 && padding == 0 && groups == 1
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
    (extent + 2 * padding - weight.shape[axis]) / strideLength + 1
  }

  private func shape(height: Int, width: Int) -> onednn_convolution_shape {
    onednn_convolution_shape(
      channels: Int64(inputChannels), outputs: Int64(outputChannels), groups: Int64(groups), height: Int64(height),
      width: Int64(width), kernel_height: Int64(weight.shape[2]), kernel_width: Int64(weight.shape[3]),
      stride: Int64(strideLength), padding: Int64(padding))
  }
}

/// The prepared convolutions of one layer by input size.
private final class PreparedConvolutions: Sendable {
  private struct InputSize: Hashable {
    var height: Int
    var width: Int
  }

  private let bySize = Mutex<[InputSize: PreparedConvolution]>([:])

  func convolution(height: Int, width: Int, make: () -> PreparedConvolution) -> PreparedConvolution {
    bySize.withLock { bySize in
      let size = InputSize(height: height, width: width)
      if let ready = bySize[size] { return ready }
      let made = make()
      bySize[size] = made
      return made
    }
  }
}

/// `@unchecked Sendable`: the handle is made in `init`, freed in `deinit` and only read between, which the shim allows
/// from any thread.
private final class PreparedConvolution: @unchecked Sendable {
  private let handle: OpaquePointer

  init(shape: onednn_convolution_shape, weight: Tensor, bias: Tensor?) {
    let made = weight.values.withUnsafeBufferPointer { weight in
      withUnsafePointer(to: shape) { shape in
        if let bias {
          bias.values.withUnsafeBufferPointer {
            onednn_convolution_create(shape, weight.baseAddress, $0.baseAddress)
          }
        } else {
          onednn_convolution_create(shape, weight.baseAddress, nil)
        }
      }
    }
    guard let made else { preconditionFailure("oneDNN cannot prepare the convolution \(shape)") }
    handle = made
  }

  deinit { onednn_convolution_free(handle) }

  func run(_ x: Tensor, into y: UnsafeMutableBufferPointer<Float>) {
    let status = x.values.withUnsafeBufferPointer { onednn_convolution_run(handle, $0.baseAddress, y.baseAddress) }
    precondition(status == 0, "oneDNN failed with status \(status)")
  }
}
