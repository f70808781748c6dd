import Glibc

extension ComputeBackend {
  /// Bytes that programs can still take before the system has to swap: `MemAvailable` of `/proc/meminfo`, what the
  /// process's control groups leave of their limits, or what its limit of address space leaves; `nil` where none can be read.
  package static var availableMemory: Int? {
    let system = text("/proc/meminfo").flatMap { meminfo -> Int? in
      let line = meminfo.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
      return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    let groups = text("/proc/self/cgroup").flatMap { ControlGroups(membership: $0).available }
    return [system, groups, availableAddressSpace].compactMap { $0 }.min()
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

/// The control groups of a process and all above them, by which containers and batch systems limit its memory
/// (Linux, admin-guide/cgroup-v2 and cgroup-v1/memory).
struct ControlGroups {
  private struct Names {
    let limit, usage, stat: String
  }

  private static let second = Names(limit: "memory.max", usage: "memory.current", stat: "")
  private static let first = Names(limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes", stat: "total_")

  private let groups: [(path: String, names: Names)]

  /// - Parameters:
  ///   - membership: `/proc/self/cgroup`: of version 2 the line `0::/path`, of version 1 `n:memory:/path`.
  ///   - root: where the groups are mounted.
  init(membership: String, root: String = "/sys/fs/cgroup") {
    groups = membership.split(separator: "\n").flatMap { line -> [(path: String, names: Names)] in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return [] }
      let isSecond = parts[0] == "0" && parts[1].isEmpty
      guard isSecond || parts[1].split(separator: ",").contains("memory") else { return [] }
      let (top, steps) = (isSecond ? root : root + "/memory", parts[2].split(separator: "/").map(String.init))
      return (0...steps.count).map { count in
        (([top] + steps.prefix(count)).joined(separator: "/"), isSecond ? Self.second : Self.first)
      }
    }
  }

  /// Bytes under the tightest limit; `nil` without one.
  var available: Int? { groups.compactMap { Self.available($0.path, $0.names) }.min() }

  /// Pages of files count as used, and make room when it is needed.
  private static func available(_ group: String, _ names: Names) -> Int? {
    guard let limit = number("\(group)/\(names.limit)"), let usage = number("\(group)/\(names.usage)") else {
      return nil
    }
    let ofFiles = ["\(names.stat)active_file", "\(names.stat)inactive_file"]
    let statistics = ComputeBackend.text("\(group)/memory.stat")?.split(separator: "\n") ?? []
    let files = statistics.reduce(0) { sum, line in
      let words = line.split(separator: " ")
      return sum + (words.count == 2 && ofFiles.contains(String(words[0])) ? Int(words[1]) ?? 0 : 0)
    }
    return max(0, limit - max(0, usage - files))
  }

  private static func number(_ path: String) -> Int? {
    ComputeBackend.text(path).flatMap { Int($0.split(separator: "\n").first ?? "") }
  }
}
