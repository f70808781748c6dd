internal import Dispatch

/// Splits `0..<count` into contiguous parts and runs `body` on them on all cores.
func concurrently(over count: Int, _ body: @Sendable (Range<Int>) -> Void) {
  // More parts than cores, so that a core that comes late still finds work.
  let parts = min(count, 16)
  DispatchQueue.concurrentPerform(iterations: parts) { part in
    body(count * part / parts..<count * (part + 1) / parts)
  }
}

/// The results of two computations that run at the same time.
func both<First: Sendable, Second: Sendable>(
  _ first: @Sendable () -> First, _ second: @Sendable () -> Second
) -> (First, Second) {
  // Each iteration writes its own variable, and both have ended before either is read.
  nonisolated(unsafe) var firstResult: First?
  nonisolated(unsafe) var secondResult: Second?
  DispatchQueue.concurrentPerform(iterations: 2) { iteration in
    if iteration == 0 { firstResult = first() } else { secondResult = second() }
  }
  return (firstResult!, secondResult!)
}
