import Foundation
package import HTCVLM
import Reports
import Statistics
import Tensor
import Trace
package import WeightFormats

/// A checkpoint tensor by tensor, and what a run of it takes, as `check` prints it.
package struct CheckpointText {
  package let report: CheckpointReport
  private let checkpoint: CheckpointDirectory

  /// - Throws: `ModelError` if the configuration does not fit together.
  package init(_ checkpoint: CheckpointDirectory) throws {
    self.checkpoint = checkpoint
    report = try CheckpointReport(
      expected: HTCVLMModel.expectedTensors(checkpoint.configuration), found: checkpoint.tensors)
  }

  /// A line per tensor, or per tensor that is not as expected, and the summary.
  package func lines(onlyProblems: Bool) -> [String] {
    report.rows.filter { !onlyProblems || !$0.status.isHarmless }.map(line) + summary
  }

  private func line(_ row: CheckpointReport.Row) -> String {
    let status = TextTable.padded(row.status.rawValue, to: 16)
    let found = row.foundShape.map { "\(row.dtype?.rawValue ?? "?") \($0)" }
    let expected = row.expectedShape.map { "\($0)" }
    switch (found, expected) {
    case (let found?, let expected?) where !row.status.isHarmless:
      return "\(status) \(row.name)  found \(found), expected \(expected)"
    case (let found?, _): return "\(status) \(row.name)  \(found)"
    case (nil, let expected): return "\(status) \(row.name)  expected \(expected ?? "?")"
    }
  }

  private func memory(_ precision: Precision) -> String {
    let memory = MemoryEstimate(
      configuration: checkpoint.configuration, tensors: checkpoint.tensors, precision: precision)
    return "memory   \(precision.rawValue): \(Format.mebibytes(memory.total)): "
      + "\(Format.mebibytes(memory.mapped)) of mapped files, \(Format.mebibytes(memory.converted)) converted, "
      + "\(Format.mebibytes(memory.activations)) activations, \(Format.mebibytes(memory.keyValues)) keys and values"
  }

  private var summary: [String] {
    let counts = Dictionary(grouping: report.rows, by: \.status).mapValues(\.count)
    let tally = CheckpointReport.Status.allCases.compactMap { status in
      counts[status].map { "\($0) \(status.rawValue)" }
    }
    var lines = ["", "family   \(checkpoint.family.rawValue)", "tensors  \(tally.joined(separator: ", "))"]
    lines += Precision.allCases.map(memory)
    lines += [
      "compute  OpenBLAS core \(ComputeBackend.openBLASCore), "
        + "\(Format.fixed(ComputeBackend.measureGEMM(), digits: 0)) GFLOP/s with \(ComputeBackend.processors) threads"
    ]
    let untrained = checkpoint.configuration.untrainedParts
    if !untrained.isEmpty { lines.append("untrained \(untrained.joined(separator: ", "))") }
    return lines
  }
}
