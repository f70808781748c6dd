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

  /// Address space that a thread takes for its part of a product: OpenBLAS maps 128 MiB of it, and where that fails tries
  /// again for ever; a stack beside it.
  package static let addressSpaceOfThread = 140 << 20

  /// Threads that the address space allows for, with as much left for everything else; at least one.
  static var threadsWithinAddressSpace: Int? {
    availableAddressSpace.map { max(1, $0 / 2 / addressSpaceOfThread) }
  }
}
