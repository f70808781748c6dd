import Files
import Statistics

/// What is under way, on one line of standard error that is taken away at the end; silent where nobody watches.
package struct ProgressLine: Sendable {
  private let isWatched: Bool

  package init() { isWatched = StandardStream.error.isTerminal }

  package func show(_ text: String) {
    if isWatched { StandardStream.error.rewriteLine(text) }
  }

  /// A bar of what is done, behind `prefix`, as wide as the terminal.
  package func show(_ bar: ProgressBarText, prefix: String = "") {
    guard isWatched else { return }
    // A line as wide as the terminal would wrap.
    let width = (StandardStream.error.columns ?? 80) - prefix.count - 1
    StandardStream.error.rewriteLine(prefix + bar.text(width: max(20, width)))
  }

  package func clear() {
    if isWatched { StandardStream.error.rewriteLine("") }
  }
}

/// How far a run of equal steps is, such as `[######------]  50 % 250/500 · 3.2/s · 1:18 left`.
package struct ProgressBarText: Sendable {
  /// Steps done, with those that an earlier run did.
  package let done: Int
  package let total: Int
  /// Steps that an earlier run did.
  package let resumed: Int
  /// Since the first step of this run began.
  package let seconds: Double

  package init(done: Int, total: Int, resumed: Int = 0, seconds: Double) {
    self.done = done
    self.total = total
    self.resumed = resumed
    self.seconds = seconds
  }

  /// - Parameter width: columns that the line may take; the bar takes what the numbers leave, and goes where that is too
  ///   little.
  package func text(width: Int) -> String {
    let percent = total > 0 ? 100 * done / total : 100
    let numbers = TextTable.padded("\(percent)", to: 3, .trailing) + " % \(done)/\(total)" + pace
    let bar = min(40, width - numbers.count - 3)
    guard bar >= 8 else { return String(numbers.prefix(max(0, width))) }
    let filled = total > 0 ? bar * done / total : bar
    return "[\(String(repeating: "#", count: filled))\(String(repeating: "-", count: bar - filled))] \(numbers)"
  }

  /// Steps a second, and the time left; empty before the first step.
  private var pace: String {
    guard done > resumed, seconds > 0 else { return "" }
    let rate = Double(done - resumed) / seconds
    let left = done < total ? " · \(Format.clock(Double(total - done) / rate)) left" : ""
    return " · \(Format.rounded(rate, places: rate < 10 ? 1 : 0))/s\(left)"
  }
}
