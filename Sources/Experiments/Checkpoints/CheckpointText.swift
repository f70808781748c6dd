package import Evidence
import Files
import Foundation
package import HTCVLM
import Reports
import Safetensors
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
      notFinite?[row.name].map { "\(TextTable.padded("not finite", to: 16)) \(row.name)  \($0.problem)" } ?? line(row)
    } + summary
  }

  /// Whether every tensor that a run needs is there and, as far as was read, of finite numbers.
  package var runs: Bool { report.runnable && !needed.contains { notFinite?[$0] != nil } }

  private func line(_ row: CheckpointReport.Row) -> String {
    let status = TextTable.padded(row.status.words, to: 16)
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
    var lines = ["", "family   \(checkpoint.family.rawValue)", "tensors  \(report.tally())"]
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
    if let base = checkpoint.base { lines.append("base     \(base): what this directory has none of is taken from it") }
    let untrained = checkpoint.configuration.untrainedParts
    if !untrained.isEmpty { lines.append("untrained \(untrained.joined(separator: ", "))") }
    return lines
  }
}

extension CheckpointDiff {
  /// Compares what two paths hold: directories in any layout, or files of weights. Names are compared byte by byte.
  ///
  /// - Parameter progress: called with tensors done and of all; what it throws ends the work.
  /// - Throws: `CheckpointError` naming the file that cannot be read.
  package init(
    _ first: String, _ second: String, progress: (_ done: Int, _ of: Int) throws -> Void = { _, _ in }
  ) throws {
    let pair = try ComparableWeights.pair(first, second)
    let names = Set(pair.first.keys.map { Array($0.utf8) }).union(pair.second.keys.map { Array($0.utf8) })
      .sorted { $0.lexicographicallyPrecedes($1) }.map { String(decoding: $0, as: UTF8.self) }
    var rows: [Row] = []
    for name in names {
      rows.append(try Self.row(name, pair.first[name], pair.second[name]))
      try progress(rows.count, names.count)
    }
    self.init(first: first, second: second, rows: rows)
  }

  private static func row(_ name: String, _ a: StoredTensor?, _ b: StoredTensor?) throws -> Row {
    let dtypes = [a, b].compactMap { $0?.dtype.rawValue }
    func row(_ status: Status, _ change: TensorChange? = nil) -> Row {
      Row(
        name: name, status: status, shape: (a ?? b)?.shape ?? [],
        otherShape: a?.shape == b?.shape ? nil : a.flatMap { _ in b?.shape },
        dtypes: dtypes, change: change)
    }
    guard let a else { return row(.onlySecond) }
    guard let b else { return row(.onlyFirst) }
    guard a.shape == b.shape else { return row(.incomparable) }
    if a.dtype.isWeight, b.dtype.isWeight {
      let change = try TensorChange(a, b)
      return row(change.isEqual ? .equal : .changed, change)
    }
    let isSame = a.dtype == b.dtype && a.withUnsafeBytes { left in b.withUnsafeBytes { left.elementsEqual($0) } }
    return row(isSame ? .equal : .incomparable)
  }
}

extension CheckpointDiff {
  /// One line per tensor, equal ones only `withEqual`, and what there is of each kind.
  package func lines(withEqual: Bool) -> [String] {
    let tally = Status.allCases.filter { count($0) > 0 }.map { "\(count($0)) \($0.rawValue)" }
    return rows.filter { withEqual || $0.status != .equal }.map(line) + ["tensors  \(tally.joined(separator: ", "))"]
  }

  private func line(_ row: Row) -> String {
    let status = row.status.rawValue.padding(toLength: 18, withPad: " ", startingAt: 0)
    let types =
      row.dtypes.count == 2 && row.dtypes[0] == row.dtypes[1] ? row.dtypes[0] : row.dtypes.joined(separator: " → ")
    var line = "\(status) \(printableName(row.name))  \(types) \(row.shape)"
    if let other = row.otherShape { line += " → \(other)" }
    if row.status == .changed, let change = row.change {
      let relative = change.relative.map { String(format: "%.3g", $0) } ?? "from zero"
      line += "  relative \(relative), largest \(String(format: "%.3g", change.largest)), \(change.changed) elements"
      if change.nonFinite > 0 { line += ", \(change.nonFinite) not finite" }
    }
    return line
  }
}
