package import Evidence
import Files
import HTCVLM
import Tensor
import WeightFormats

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
      Row(name: name, status: status, shape: (a ?? b)?.shape ?? [], dtypes: dtypes, change: change)
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
