import Foundation
import Statistics

/// Turns measurements into verdicts by `VerdictRule`.
package struct VerdictEngine: Sendable, Hashable {
  package var rule: VerdictRule
  /// Of the bootstrap and the sign-flip test.
  package var seed: UInt64

  package init(rule: VerdictRule = VerdictRule(), seed: UInt64 = 0) {
    self.rule = rule
    self.seed = seed
  }

  /// ×lift from its logarithm.
  func times(_ log: Double) -> String { "×\(significant(exp(log)))" }
}

extension VerdictRule {
  var logMinimumLift: Double { log(minimumLift) }
}
