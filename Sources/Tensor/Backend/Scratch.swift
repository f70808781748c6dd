internal import Synchronization

/// Buffers kept between uses, so that their pages stay mapped and in the cache: a fresh one costs more than most
/// operations on it.
enum Scratch {
  /// Elements of a buffer under ordinary use: 4 MiB, which stays in the shared cache between its two uses.
  static let floats = 1 << 20

  /// An idle buffer; the pool hands it to one thread at a time.
  private struct Idle: @unchecked Sendable {
    let buffer: UnsafeMutableBufferPointer<Float>
  }

  private static let pool = Mutex<[Idle]>([])
  /// Larger ones, smallest first.
  private static let largePool = Mutex<[Idle]>([])
  /// Enough for a convolution's operands and sums on every thread; of more, the smallest is freed.
  private static let mostLarge = max(3, 2 * ComputeBackend.processors)

  /// Calls `body` with room for `count` floats that nobody else uses meanwhile.
  static func with(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
    guard count <= floats else { return withLarge(count, body) }
    let idle = pool.withLock { $0.popLast() } ?? Idle(buffer: .allocate(capacity: floats))
    defer { pool.withLock { $0.append(idle) } }
    guard let base = idle.buffer.baseAddress else { return }
    body(base)
  }

  private static func withLarge(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
    let kept = largePool.withLock { pool in
      pool.firstIndex { $0.buffer.count >= count }.map { pool.remove(at: $0) }
    }
    let idle = kept ?? Idle(buffer: .allocate(capacity: count))
    defer { keep(idle) }
    guard let base = idle.buffer.baseAddress else { return }
    body(base)
  }

  private static func keep(_ idle: Idle) {
    let dropped = largePool.withLock { pool -> Idle? in
      pool.insert(idle, at: pool.firstIndex { $0.buffer.count >= idle.buffer.count } ?? pool.count)
      return pool.count > mostLarge ? pool.removeFirst() : nil
    }
    dropped?.buffer.deallocate()
  }
}
