import Foundation
import Synchronization

/// The largest resident set of this process: all of it, and what is not pages of files.
final class MemoryProbe: Sendable {
  private let largest = Mutex(0)
  private let isOver = Atomic<Bool>(false)

  init() {
    let thread = Thread { [self] in
      while !isOver.load(ordering: .relaxed) {
        let now = Self.status("RssAnon")
        largest.withLock { $0 = max($0, now) }
        Thread.sleep(forTimeInterval: 0.02)
      }
    }
    thread.start()
  }

  /// Ends the watch; bytes.
  func finish() -> (all: Int, anonymous: Int) {
    isOver.store(true, ordering: .relaxed)
    return (Self.status("VmHWM"), largest.withLock { $0 })
  }

  /// A line of `/proc/self/status`, in bytes.
  private static func status(_ key: String) -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("\(key):") }
    return (line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) * 1024
  }
}
