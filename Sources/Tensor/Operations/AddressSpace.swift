internal import Glibc

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
