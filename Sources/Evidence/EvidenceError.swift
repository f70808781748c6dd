/// What a statistic cannot be computed from.
package enum EvidenceError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The stage of the trace that the statistic reads has not run.
  case missing(stage: String)
  /// A tensor of the trace does not fit the others.
  case shape(tensor: String, found: [Int], expected: String)
  /// Two summaries cannot be merged: they come from different runs.
  case unmergeable(field: String, found: String, expected: String)

  package var description: String {
    switch self {
    case .missing(let stage): "the trace has no \(stage) yet"
    case .shape(let tensor, let found, let expected): "\(tensor) has shape \(found), expected \(expected)"
    case .unmergeable(let field, let found, let expected):
      "the summaries come from different runs: \(field) is \(found) in one and \(expected) in the other"
    }
  }
}
