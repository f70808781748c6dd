internal import Synchronization

/// Buffers for widened weights, kept between layers so that their pages stay mapped and in the cache.
enum Scratch {
  /// Elements of a buffer under ordinary use: 4 MiB, which stays in the shared cache between its two uses.
  static let floats = 1 << 20

  /// An idle buffer; the pool hands it to one thread at a time.
  private struct Idle: @unchecked Sendable {
    let buffer: UnsafeMutableBufferPointer<Float>
  }

  private static let pool = Mutex<[Idle]>([])

  /// Calls `body` with room for `count` floats that nobody else uses meanwhile.
  static func with(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
    guard count <= floats else {
      let large = UnsafeMutablePointer<Float>.allocate(capacity: count)
      defer { large.deallocate() }
      return body(large)
    }
    let idle = pool.withLock { $0.popLast() } ?? Idle(buffer: .allocate(capacity: floats))
    defer { pool.withLock { $0.append(idle) } }
    guard let base = idle.buffer.baseAddress else { return }
    body(base)
  }
}
