import Foundation
import Synchronization

/// The largest resident set of this process: all of it, and what is not pages of files.
final class MemoryProbe: Sendable {
  private let largest = Mutex(0)
  private let isOver = Atomic<Bool>(false)

  init() {
    let thread = Thread { [self] in
      while !isOver.load(ordering: .relaxed) {
        let now = memoryStatus("RssAnon")
        largest.withLock { $0 = max($0, now) }
        Thread.sleep(forTimeInterval: 0.02)
      }
    }
    thread.start()
  }

  /// Ends the watch; bytes.
  func finish() -> (all: Int, anonymous: Int) {
    isOver.store(true, ordering: .relaxed)
    return (memoryStatus("VmHWM"), largest.withLock { $0 })
  }
}

/// A size in a process's `/proc/PID/status`, in bytes; 0 where there is none.
func memoryStatus(_ key: String, of process: String = "self") -> Int {
  let text = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
  let line = text.split(separator: "\n").first { $0.hasPrefix("\(key):") }
  return (line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) * 1024
}
