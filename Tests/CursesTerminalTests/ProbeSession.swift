import TerminalUI
import TestSupport
import Testing

/// Starts the probe in a pseudo-terminal and waits for its first frame.
func startProbe(
  _ arguments: [String] = [], term: String = "xterm-256color", environment: [String: String] = [:],
  size: Size = Size(width: 80, height: 24)
) throws -> PtyDriver {
  var all = ["TERM": term, "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"]
  all.merge(environment) { $1 }
  let driver = try PtyDriver(
    executable: PtyDriver.builtProduct("curses-probe"), arguments: arguments, environment: all, size: size)
  let isShown = driver.wait { $0.text.contains("probe \(size.width)") && $0.text.hasSuffix("┘") }
  try #require(isShown, "no first frame:\n\(driver.terminal.text)")
  return driver
}

extension PtyDriver {
  /// Types, and waits until the screen shows what the probe made of it.
  func expect(_ shown: String, after typed: String, sourceLocation: SourceLocation = #_sourceLocation) {
    send(typed)
    let isShown = wait(for: shown)
    #expect(isShown, "\(shown) is not shown:\n\(terminal.text)", sourceLocation: sourceLocation)
  }
}
