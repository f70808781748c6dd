import CKernels
import Synchronization

/// How many threads a loop may use. OpenBLAS and oneDNN run on one thread each and are called from these loops, so there is
/// one pool, whose idle threads sleep after a moment.
let threadLimit = Atomic<Int>(ComputeBackend.processors)

/// Runs `body` on consecutive parts of 0..<count, in parallel when there are at least two parts of `grain` elements;
/// parts start at multiples of `unit`.
///
/// There are up to `pieces` parts a thread, and whichever is free takes the next: a processor may be slower than another,
/// or be lent to somebody else for a while. `body` must write only what belongs to its part.
func inParallel(
  _ count: Int, grain: Int, multipleOf unit: Int = 1, pieces: Int = 1, _ body: (Range<Int>) -> Void
) {
  let threads = threadLimit.load(ordering: .relaxed)
  let parts = threads == 1 ? 1 : min(threads * pieces, count / max(grain, unit))
  guard parts > 1 else { return body(0..<count) }
  withoutActuallyEscaping(body) { body in
    var loop = Loop(count: count, parts: parts, unit: unit, run: body)
    withUnsafeMutablePointer(to: &loop) { loop in
      kernel_run_parts(
        parts, threads,
        { context, part in
          let loop = context?.assumingMemoryBound(to: Loop.self).pointee
          loop?.run(part)
        }, loop)
    }
  }
}

/// A loop that several threads read; parts do not overlap, and the loop ends before its body's captures do.
private struct Loop {
  let count: Int
  let parts: Int
  let unit: Int
  let run: (Range<Int>) -> Void

  func run(_ part: Int) {
    let start = count * part / parts / unit * unit
    let end = part + 1 == parts ? count : count * (part + 1) / parts / unit * unit
    run(start..<end)
  }
}

/// Buffers kept between uses, so that their pages stay mapped and in the cache: a fresh one costs more than most
/// operations on it.
enum Scratch {
  /// Elements of a buffer under ordinary use: 4 MiB, which stays in the shared cache between its two uses.
  static let floats = 1 << 20

  /// An idle buffer; the pool hands it to one thread at a time.
  private struct Idle: @unchecked Sendable {
    private let memory: UnsafeMutableRawBufferPointer
    let buffer: UnsafeMutableBufferPointer<Float>

    /// On large pages, of 2 MiB: the places of packed operands in the second cache are then what their addresses say, and do
    /// not fall together by chance.
    init(count: Int) {
      let page = 1 << 21
      let bytes = (count * MemoryLayout<Float>.size + page - 1) / page * page
      memory = .allocate(byteCount: bytes, alignment: page)
      kernel_use_large_pages(memory.baseAddress, bytes)
      buffer = memory.bindMemory(to: Float.self)
    }

    func deallocate() { memory.deallocate() }
  }

  private static let pool = Mutex<[Idle]>([])
  /// Larger ones, smallest first.
  private static let largePool = Mutex<[Idle]>([])
  /// Enough for a convolution's operands and sums on every thread; of more, the smallest is freed.
  private static let mostLarge = max(3, 2 * ComputeBackend.processors)

  /// Calls `body` with room for `count` floats that nobody else uses meanwhile.
  static func with(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
    guard count <= floats else { return withLarge(count, body) }
    let idle = pool.withLock { $0.popLast() } ?? Idle(count: floats)
    defer { pool.withLock { $0.append(idle) } }
    guard let base = idle.buffer.baseAddress else { return }
    body(base)
  }

  private static func withLarge(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
    let kept = largePool.withLock { pool in
      pool.firstIndex { $0.buffer.count >= count }.map { pool.remove(at: $0) }
    }
    let idle = kept ?? Idle(count: count)
    defer { keep(idle) }
    guard let base = idle.buffer.baseAddress else { return }
    body(base)
  }

  private static func keep(_ idle: Idle) {
    let dropped = largePool.withLock { pool -> Idle? in
      pool.insert(idle, at: pool.firstIndex { $0.buffer.count >= idle.buffer.count } ?? pool.count)
      return pool.count > mostLarge ? pool.removeFirst() : nil
    }
    dropped?.deallocate()
  }
}

/// A tensor's elements in memory, for the length of a call.
struct Elements {
  var start: UnsafePointer<Float>
  var count: Int
}

/// Calls `body` with the elements of tensors; not at all when one is empty, for then there is nothing to compute.
func withPointers(_ a: Tensor, _ body: (Elements) -> Void) {
  a.values.withUnsafeBufferPointer { a in
    guard let start = a.baseAddress, a.count > 0 else { return }
    body(Elements(start: start, count: a.count))
  }
}

func withPointers(_ a: Tensor, _ b: Tensor, _ body: (Elements, Elements) -> Void) {
  withPointers(a) { a in withPointers(b) { body(a, $0) } }
}

func withPointers(_ a: Tensor, _ b: Tensor, _ c: Tensor, _ body: (Elements, Elements, Elements) -> Void) {
  withPointers(a) { a in withPointers(b, c) { body(a, $0, $1) } }
}
