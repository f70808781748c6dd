internal import Dispatch
internal import Synchronization

/// How many threads our own loops may use; the libraries' pools are told the same by `ComputeBackend.setThreads`.
let threadLimit = Atomic<Int>(ComputeBackend.processors)

/// Runs `body` on consecutive parts of 0..<count, in parallel when there are at least two parts of `grain` elements.
///
/// `body` must write only what belongs to its part.
func inParallel(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
  let parts = min(threadLimit.load(ordering: .relaxed), count / max(grain, 1))
  guard parts > 1 else { return body(0..<count) }
  withoutActuallyEscaping(body) { body in
    let shared = SharedBody(run: body)
    DispatchQueue.concurrentPerform(iterations: parts) { part in
      shared.run(count * part / parts..<count * (part + 1) / parts)
    }
  }
}

/// `@unchecked Sendable`: parts of a loop do not overlap, and the loop ends before its body's captures do.
private struct SharedBody: @unchecked Sendable {
  let run: (Range<Int>) -> Void
}
