internal import Dispatch
internal import Synchronization

/// How many threads a loop may use. OpenBLAS and oneDNN run on one thread each and are called from these loops, so there is
/// one pool, whose idle threads sleep.
let threadLimit = Atomic<Int>(ComputeBackend.processors)

/// Runs `body` on consecutive parts of 0..<count, in parallel when there are at least two parts of `grain` elements;
/// parts start at multiples of `unit`.
///
/// `body` must write only what belongs to its part.
func inParallel(_ count: Int, grain: Int, multipleOf unit: Int = 1, _ body: (Range<Int>) -> Void) {
  let parts = min(threadLimit.load(ordering: .relaxed), count / max(grain, unit))
  guard parts > 1 else { return body(0..<count) }
  withoutActuallyEscaping(body) { body in
    let shared = SharedBody(run: body)
    DispatchQueue.concurrentPerform(iterations: parts) { part in
      let start = count * part / parts / unit * unit
      let end = part + 1 == parts ? count : count * (part + 1) / parts / unit * unit
      shared.run(start..<end)
    }
  }
}

/// `@unchecked Sendable`: parts of a loop do not overlap, and the loop ends before its body's captures do.
private struct SharedBody: @unchecked Sendable {
  let run: (Range<Int>) -> Void
}
