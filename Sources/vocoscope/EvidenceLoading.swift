import Evidence
import Experiments
import HTCVLM
import Inspector
import Trace

extension VerifyReport {
  /// What the state at `path` puts into the inspector's Verdict panel.
  ///
  /// - Throws: a sentence that names what differs if it is of another model than the one of `provenance`, or of the same
  ///   in another precision. Another prompt is not: the panel says so, since two of the three claims do not depend on it.
  static func actions(_ path: String, of provenance: Provenance, precision: ComputedPrecision) throws -> [Action] {
    let state = try VerifyStateFile.load(path)
    let run = state.plan.run
    let known: [(name: String, found: String?, expected: String)] = [
      ("weights", run.weightsSHA256, provenance.weightsSHA256),
      ("config.json", run.configSHA256, provenance.configSHA256),
      ("precision", run.precision, precision.rawValue),
    ]
    for (name, found, expected) in known {
      guard let found, found != expected else { continue }
      throw UsageProblem("\(path): is of \(name) \(found.prefix(12)), expected \(expected.prefix(12))")
    }
    let report = VerifyReport(state)
    return [.verdict(report.verdict), .vocoRows(report.summary.rows)]
  }
}
