package import Evidence
import Files
import Foundation
import HTCVLM
import Safetensors
import Tensor

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
