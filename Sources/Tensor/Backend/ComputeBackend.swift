internal import CKernels
internal import COpenBLAS
internal import Synchronization

/// The numerical libraries underneath: which kernels they chose and how many threads they use.
package enum ComputeBackend {
  /// Processors this process may run on.
  package static let processors = Int(kernel_processors())

  /// The kernel set that OpenBLAS uses, such as "SkylakeX".
  package static var openBLASCore: String { String(cString: openblas_core()) }

  /// Lets every numerical loop use up to `count` threads, at least one.
  package static func setThreads(_ count: Int) {
    let count = max(count, 1)
    threadLimit.store(count, ordering: .relaxed)
    openblas_threads(Int32(count))
  }
}
