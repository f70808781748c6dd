import ColorMaps
package import Evidence
import Statistics
import TerminalUI

/// Two checkpoints as the Checkpoint panel draws them: sorted and counted once, when they were compared.
package struct ShownDiff: Sendable {
  /// A tensor's line: status, name, relative change, largest, elements, not finite.
  struct Row: Sendable {
    let cells: [String]
    let isEqual: Bool
    let isChange: Bool
    /// Where the relative change lies between the smallest and the largest of all, on a logarithmic axis; 0 without one.
    let part: Double
  }

  let title: String
  let summary: String
  let isEqual: Bool
  let rows: [Row]
  /// Characters of the longest name.
  let nameLength: Int
  let report: PanelReport

  init(_ diff: CheckpointDiff) {
    func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
    let (first, second) = (name(diff.first), name(diff.second))
    let sign = diff.isEqual ? "=" : "→"
    title = first == second ? "\(diff.first) \(sign) \(diff.second)" : "\(first) \(sign) \(second)"
    summary = CheckpointDiff.Status.allCases.filter { diff.count($0) > 0 }
      .map { "\(Format.integer(diff.count($0))) \($0.rawValue)" }.joined(separator: ", ")
    isEqual = diff.isEqual
    let ordered = diff.mostChangedFirst
    nameLength = ordered.map(\.name.count).max() ?? 0
    let values = ordered.compactMap { $0.status == .changed ? $0.change?.relative : nil }
      .filter { $0 > 0 && $0.isFinite }
    let least = (values.min() ?? 1) / 2
    let scale = ValueScale.logarithmic(least...max(values.max() ?? 1, least * 1.01))
    rows = ordered.map { row in
      let change = row.status == .changed ? row.change : nil
      let nonFinite = change.flatMap { $0.nonFinite > 0 ? Format.integer($0.nonFinite) : nil } ?? ""
      return Row(
        cells: [
          row.status.rawValue, row.name,
          change.map { $0.relative.map(Format.number) ?? "from zero" } ?? "",
          change.map { Format.number($0.largest) } ?? "", change.map { Format.integer($0.changed) } ?? "", nonFinite,
        ], isEqual: row.status == .equal, isChange: row.status == .changed,
        part: change?.relative.flatMap { $0 > 0 ? scale.clampedPosition($0) : nil } ?? 0)
    }
    report = diff.report()
  }
}

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
