import Foundation
import Statistics

/// Repeated measurements of one thing.
struct Sample {
  private(set) var values: [Double] = []

  mutating func add(_ value: Double) { values.append(value) }

  /// The value that a share `p` of all measurements does not exceed (nearest rank).
  func quantile(_ p: Double) -> Double {
    precondition(!values.isEmpty)
    let sorted = values.sorted()
    return sorted[min(sorted.count - 1, max(0, Int((p * Double(sorted.count)).rounded(.up)) - 1))]
  }

  /// `median 12.3 ms, p99 15.0, worst 16.1, n 200`
  func milliseconds(_ name: String) -> String {
    let text = { (value: Double) in String(format: "%.1f", value * 1000) }
    let name = name.padding(toLength: 28, withPad: " ", startingAt: 0)
    return
      "\(name) median \(text(quantile(0.5))) ms, p99 \(text(quantile(0.99))), worst \(text(quantile(1))), n \(values.count)"
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
