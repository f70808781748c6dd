internal import CKernels
internal import COneDNN
internal import COpenBLAS
internal import Glibc
internal import Synchronization

/// The numerical libraries underneath: which kernels they chose and how many threads they use.
package enum ComputeBackend {
  /// Processors this process may run on.
  package static let processors = Int(kernel_processors())

  /// The kernel set that OpenBLAS uses, such as "SkylakeX".
  package static var openBLASCore: String { String(cString: openblas_core()) }

  /// The kernel set this processor deserves, as `OPENBLAS_CORETYPE` takes it; nil when any will do.
  package static var expectedCore: String? {
    OpenBLASCore.expected(OpenBLASCore.vectorsHere, isAMD: kernel_is_amd() != 0)
  }

  /// The value for `OPENBLAS_CORETYPE` with which the program should start itself again, because OpenBLAS took the
  /// processor for a lesser one; nil when it did not, or when the user has set the variable.
  package static func coreOverrideNeeded() -> String? {
    OpenBLASCore.override(
      chosen: openBLASCore, vectors: OpenBLASCore.vectorsHere, isAMD: kernel_is_amd() != 0,
      setByUser: getenv("OPENBLAS_CORETYPE").map { String(cString: $0) })
  }

  /// The implementation that oneDNN chooses for a 3 × 3 convolution, such as "jit:avx512_core"; nil where it has none.
  package static var convolutionKernels: String? {
    var shape = onednn_convolution_shape(
      channels: 16, outputs: 16, groups: 1, height: 16, width: 16, kernel_height: 3, kernel_width: 3, stride: 1,
      padding: 1)
    let weights = [Float](repeating: 0, count: 16 * 16 * 9)
    guard let convolution = onednn_convolution_create(&shape, weights, nil) else { return nil }
    defer { onednn_convolution_free(convolution) }
    return String(cString: onednn_convolution_implementation(convolution))
  }

  /// Lets freed tensors' memory be used again without a detour over the system; for the start of a process.
  package static func keepFreedMemory() { kernel_keep_freed_memory() }

  /// Lets every computation use up to `count` threads, at least one.
  package static func setThreads(_ count: Int) {
    threadLimit.store(max(count, 1), ordering: .relaxed)
  }

  /// The speed of a product of two 768 × 768 matrices, in GFLOP/s: the best of some 0.1 s of trials.
  package static func measureGEMM() -> Double {
    let size = 768
    let matrix = Tensor(shape: [size, size], values: (0..<size * size).map { Float($0 % 13) - 6 })
    let clock = ContinuousClock()
    let start = clock.now
    var best = Duration.seconds(3600)
    repeat {
      let time = clock.measure { _ = matmul(matrix, matrix, transposeB: true) }
      best = min(best, time)
    } while clock.now - start < .milliseconds(100)
    let seconds = Double(best.components.attoseconds) * 1e-18 + Double(best.components.seconds)
    return 2 * Double(size * size * size) / seconds * 1e-9
  }
}
