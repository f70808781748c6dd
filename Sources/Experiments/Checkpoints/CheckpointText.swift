import Foundation
package import HTCVLM
import Reports
import Statistics
import Tensor
import Trace
import WeightFormats

/// A checkpoint tensor by tensor, and what a run of it takes, as `check` prints it.
package struct CheckpointText {
  private let report: CheckpointReport
  private let checkpoint: CheckpointDirectory
  /// The names of the tensors that a run needs.
  private let needed: [String]
  /// The first bad value of each tensor that holds one; nil where values were not read.
  private let notFinite: [String: NotFinite]?

  /// Reads headers alone, or, where `progress` gets the name of each tensor, all values too.
  ///
  /// - Throws: `ModelError` if the configuration does not fit together.
  package init(_ checkpoint: CheckpointDirectory, readingValues progress: ((String) -> Void)? = nil) throws {
    self.checkpoint = checkpoint
    let expected = try HTCVLMModel.expectedTensors(checkpoint.configuration)
    report = CheckpointReport(expected: expected, found: checkpoint.tensors)
    needed = expected.filter(\.required).map(\.name)
    notFinite = progress.map { progress in
      var found: [String: NotFinite] = [:]
      for (name, tensor) in checkpoint.tensors {
        progress(name)
        found[name] = tensor.firstNotFinite()
      }
      return found
    }
  }

  /// A line per tensor, or per tensor that is not as expected, and the summary.
  package func lines(onlyProblems: Bool) -> [String] {
    report.rows.filter { !onlyProblems || !$0.status.isHarmless || notFinite?[$0.name] != nil }.map { row in
      notFinite?[row.name].map { "\(TextTable.padded("notFinite", to: 16)) \(row.name)  \($0.problem)" } ?? line(row)
    } + summary
  }

  /// Whether every tensor that a run needs is there and, as far as was read, of finite numbers.
  package var runs: Bool { report.runnable && !needed.contains { notFinite?[$0] != nil } }

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
    lines.append(
      "values   "
        + (notFinite.map {
          $0.isEmpty ? "all are finite numbers" : "not finite in \($0.count) of \(checkpoint.tensors.count) tensors"
        } ?? "not read: --values tells whether all are finite numbers"))
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
