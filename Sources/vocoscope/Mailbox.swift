import Inspector
import Synchronization

/// Actions on their way from working threads to the run loop.
final class Mailbox: Sendable {
  private let waiting = Mutex<[Action]>([])
  /// Called after each post, on the posting thread: wakes the run loop.
  private let notify: @Sendable () -> Void

  init(notify: @escaping @Sendable () -> Void) { self.notify = notify }

  func post(_ action: Action) {
    waiting.withLock { $0.append(action) }
    notify()
  }

  /// Takes everything that has arrived, oldest first.
  func takeAll() -> [Action] {
    waiting.withLock { actions in
      defer { actions.removeAll() }
      return actions
    }
  }
}
