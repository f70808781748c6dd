import Evidence
import Experiments
import Inspector

extension VerifyReport {
  /// What the state at `path` puts into the inspector's Verdict panel.
  ///
  /// - Throws: a sentence if it is of another model than the one with these weights.
  static func actions(_ path: String, weightsSHA256: String) throws -> [Action] {
    let state = try VerifyStateFile.load(path)
    guard state.plan.run.weightsSHA256 == weightsSHA256 else {
      throw UsageProblem(
        "\(path): is of weights \(state.plan.run.weightsSHA256.prefix(12)), expected \(weightsSHA256.prefix(12))")
    }
    let report = VerifyReport(state)
    return [.verdict(report.verdict), .vocoRows(report.summary.rows)]
  }
}
