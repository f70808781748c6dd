package import Evidence
import Statistics

extension CheckpointDiff {
  /// The comparison as the Checkpoint panel tells it: how many tensors are what, then those that differ, the most changed
  /// first.
  ///
  /// - Parameter listsEqual: whether equal tensors have rows too.
  package func report(listsEqual: Bool = false) -> PanelReport {
    var report = PanelReport(.checkpoint, title: "Two checkpoints")
    report.add("first", first)
    report.add("second", second)
    for status in Status.allCases where count(status) > 0 { report.add(status.rawValue, .integer(count(status))) }
    let shown = mostChangedFirst.filter { listsEqual || $0.status != .equal }
    if !shown.isEmpty {
      report.tables = [
        .init(
          "tensors",
          columns: ["status", "tensor", "types", "shape", "relative", "largest", "elements", "not finite"],
          rows: shown.map(Self.cells))
      ]
    }
    report.notes =
      isEqual
      ? ["Every tensor is in both with the same values."]
      : ["relative = ‖second − first‖ / ‖first‖ (Frobenius); largest = max |second − first|; elements that differ."]
    return report
  }

  /// What cannot be compared or is in one alone, then by relative change, then by name.
  package var mostChangedFirst: [Row] {
    func order(_ row: Row) -> Double {
      switch row.status {
      case .incomparable, .onlyFirst, .onlySecond: -.infinity
      case .changed: -(row.change?.relative ?? .greatestFiniteMagnitude)
      case .equal: .infinity
      }
    }
    return rows.enumerated().map { (key: order($0.element), index: $0.offset, row: $0.element) }
      .sorted { ($0.key, $0.index) < ($1.key, $1.index) }.map(\.row)
  }

  private static func cells(_ row: Row) -> [ReportValue] {
    let change = row.status == .changed ? row.change : nil
    return [
      .text(row.status.rawValue), .text(row.name),
      .text(Set(row.dtypes).count == 1 ? row.dtypes[0] : row.dtypes.joined(separator: " → ")),
      .text(Format.shape(row.shape)), .init(number: change?.relative), .init(number: change?.largest),
      .init(integer: change?.changed), .init(integer: change.flatMap { $0.nonFinite > 0 ? $0.nonFinite : nil }),
    ]
  }
}
