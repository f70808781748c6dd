internal import Glibc

extension ComputeBackend {
  /// Bytes that programs can still take before the system has to swap: `MemAvailable` of `/proc/meminfo`, what the
  /// process's own control group leaves of its limit, or what its limit of address space leaves;
  /// `nil` where none can be read.
  package static var availableMemory: Int? {
    let system = text("/proc/meminfo").flatMap { meminfo -> Int? in
      let line = meminfo.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
      return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    let group = "/sys/fs/cgroup/memory"
    let limit = number("\(group).max").map { $0 - (number("\(group).current") ?? 0) }
    return [system, limit, availableAddressSpace].compactMap { $0 }.min()
  }

  private static func number(_ path: String) -> Int? {
    text(path).flatMap { Int($0.split(separator: "\n").first ?? "") }
  }

  /// A file of the kernel's: these say that they hold nothing, so they are read in one piece of fixed size.
  static func text(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
      count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
    }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }
}
