import Synchronization
package import Trace

/// Tells a run on another thread to stop at its next layer.
package final class CancellationFlag: Sendable {
  private let cancelled = Atomic<Bool>(false)

  package init() {}

  package func cancel() { cancelled.store(true, ordering: .releasing) }

  package var isCancelled: Bool { cancelled.load(ordering: .acquiring) }
}

/// What a run reports to and obeys.
package struct RunContext: Sendable {
  /// Sees every tensor that the trace holds, as it is computed.
  package var observer: (any ActivationObserver)?
  /// Called on the running thread, at least once per layer.
  package var progress: @Sendable (StageProgress) -> Void
  package var cancellation: CancellationFlag
  /// Whether value norms and the rollout are computed, which nothing but an observer reads.
  package var capturesDetails: Bool

  package init(
    observer: (any ActivationObserver)? = nil,
    progress: @escaping @Sendable (StageProgress) -> Void = { _ in },
    cancellation: CancellationFlag = CancellationFlag(), capturesDetails: Bool? = nil
  ) {
    self.observer = observer
    self.progress = progress
    self.cancellation = cancellation
    self.capturesDetails = capturesDetails ?? (observer != nil)
  }

  /// Throws `CancellationError` once the run was cancelled.
  func checkCancellation() throws {
    if cancellation.isCancelled { throw CancellationError() }
  }

  /// Runs a stage, reporting its start, its end and how it ended.
  ///
  /// `body` gets a closure to call after each of `steps` steps; it throws `CancellationError` once cancelled.
  func stage<Result>(
    _ stage: PipelineStage, steps: Int, _ body: (_ step: () throws -> Void) throws -> Result
  ) throws -> Result {
    let start = ContinuousClock.now
    func report(_ state: StageProgress.State) {
      progress(StageProgress(stage: stage, state: state, seconds: (ContinuousClock.now - start).seconds))
    }
    var done = 0
    report(.running(done: 0, of: steps))
    do {
      try checkCancellation()
      let result = try body {
        try checkCancellation()
        done += 1
        report(.running(done: min(done, steps), of: steps))
      }
      report(.finished)
      return result
    } catch is CancellationError {
      report(.cancelled)
      throw CancellationError()
    } catch {
      report(.failed("\(error)"))
      throw error
    }
  }

  /// Reports that a stage's result was there already.
  func reused(_ stage: PipelineStage) {
    progress(StageProgress(stage: stage, state: .reused, seconds: 0))
  }
}

extension Duration {
  /// The duration in seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
