import CKernels
import COneDNN
import COpenBLAS
import Glibc
import Synchronization

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

  /// What multiplies bytes, for `Precision.int8`, and what it lacks.
  package static var byteKernels: String {
    if kernel_has_byte_panels() != 0 { return "our own, AVX-512 with VNNI" }
    return onednn_adds_bytes_exactly() != 0
      ? "oneDNN, with VNNI" : "oneDNN, without VNNI: rows rounded to 63 levels instead of 127"
  }

  /// Lets freed tensors' memory be used again without a detour over the system; for the start of a process.
  package static func keepFreedMemory() { kernel_keep_freed_memory() }

  /// Threads that a computation may use.
  package static var threads: Int { threadLimit.load(ordering: .relaxed) }

  /// Lets every computation use up to `count` threads, at least one.
  package static func setThreads(_ count: Int) {
    threadLimit.store(max(1, min(count, threadsWithinAddressSpace ?? count)), ordering: .relaxed)
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

  /// `count` multiply-adds on each thread's registers alone: what no product can be faster than. False where there is no
  /// kernel for it.
  package static func multiplyAdds(_ count: Int) -> Bool {
    guard kernel_has_panels() != 0 else { return false }
    inParallel(threads, grain: 1) { part in
      for _ in part { Self.lastSum.store(kernel_multiply_adds(count, 0.5).bitPattern, ordering: .relaxed) }
    }
    return true
  }

  /// Read by nobody; it keeps the sums from being left out.
  private static let lastSum = Atomic<UInt32>(0)
}

/// Which of OpenBLAS's kernel sets a processor deserves.
///
/// OpenBLAS knows processors by model number, and one that is newer than the library may get kernels without AVX: a
/// quarter of the speed. `OPENBLAS_CORETYPE` overrides it, but is only read when the library is loaded.
package enum OpenBLASCore {
  /// Vectors by width, narrowest first.
  package enum Vectors: Int, Comparable {
    case baseline, avx2, avx512

    package static func < (a: Vectors, b: Vectors) -> Bool { a.rawValue < b.rawValue }
  }

  /// The value of `OPENBLAS_CORETYPE` for a processor, nil when any core will do. Only names that OpenBLAS has known
  /// since 0.3.0: Debian 12's 0.3.21 rejects COOPERLAKE and SAPPHIRERAPIDS.
  package static func expected(_ vectors: Vectors, isAMD: Bool) -> String? {
    switch vectors {
    case .avx512: "SKYLAKEX"
    case .avx2: isAMD ? "ZEN" : "HASWELL"
    case .baseline: nil
    }
  }

  /// The value that `OPENBLAS_CORETYPE` should have had, nil when `chosen` is as wide as the processor, is not a core
  /// known to be narrower, or when the user has set the variable.
  package static func override(chosen: String, vectors: Vectors, isAMD: Bool, setByUser: String?) -> String? {
    guard setByUser == nil, let width = widths[chosen.lowercased()], width < vectors else { return nil }
    return expected(vectors, isAMD: isAMD)
  }

  package static var vectorsHere: Vectors {
    switch kernel_widest_vectors() {
    case kernel_vectors_avx512: .avx512
    case kernel_vectors_avx2: .avx2
    default: .baseline
    }
  }

  /// The cores of OpenBLAS 0.3.21 on x86-64 (driver/others/dynamic.c) by the vectors of their `sgemm`.
  private static let widths: [String: Vectors] = [
    "katmai": .baseline, "coppermine": .baseline, "northwood": .baseline, "prescott": .baseline, "banias": .baseline,
    "atom": .baseline, "core2": .baseline, "penryn": .baseline, "dunnington": .baseline, "nehalem": .baseline,
    "athlon": .baseline, "opteron": .baseline, "opteron_sse3": .baseline, "barcelona": .baseline, "nano": .baseline,
    "bobcat": .baseline, "sandybridge": .baseline, "bulldozer": .baseline, "piledriver": .baseline,
    "steamroller": .baseline, "excavator": .baseline, "haswell": .avx2, "zen": .avx2,
  ]
}

extension ComputeBackend {
  /// Bytes of address space that are left under the limit that the process was started with (`ulimit -v`); `nil` without a
  /// limit.
  package static var availableAddressSpace: Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(UInt32(RLIMIT_AS.rawValue)), &limit) == 0, limit.rlim_cur < 1 << 62,
      let pages = text("/proc/self/statm")?.split(separator: " ").first.flatMap({ Int($0) })
    else { return nil }
    return max(0, Int(limit.rlim_cur) - pages * sysconf(Int32(_SC_PAGESIZE)))
  }

  /// Address space that a thread takes for its part of a product: OpenBLAS maps 128 MiB, and where that fails tries again
  /// for ever; as much for what the thread allocates, and a stack.
  package static let addressSpaceOfThread = 272 << 20

  /// Below this limit one thread computes, with the memory that OpenBLAS has mapped for it at the start.
  private static let roomForThreads = 4 << 30

  /// Threads that the address space allows for, with as much left for everything else; `nil` without a limit.
  static var threadsWithinAddressSpace: Int? {
    availableAddressSpace.map { $0 < roomForThreads ? 1 : $0 / 2 / addressSpaceOfThread }
  }

  /// Under a limit, has OpenBLAS map what it needs while it is there.
  package static func reserveAddressSpace() {
    guard availableAddressSpace != nil else { return }
    let size = 128
    let matrix = [Float](repeating: 0, count: size * size)
    var product = matrix
    matrix.withUnsafeBufferPointer { matrix in
      product.withUnsafeMutableBufferPointer { product in
        guard let from = matrix.baseAddress, let to = product.baseAddress else { return }
        let operand = MatrixPointer(base: from, stride: size)
        sgemm(
          m: size, n: size, k: size, alpha: 1, operand, operand, transposeB: false, beta: 0, into: to, stride: size)
      }
    }
  }
}
