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
  }

  let title: String
  let summary: String
  let isEqual: Bool
  let rows: [Row]
  /// The most changed tensors, and the axis of their change.
  let bars: [Bars.Row]
  let scale: ValueScale
  let report: PanelReport

  init(_ diff: CheckpointDiff) {
    title = "\(diff.first) \(diff.isEqual ? "=" : "→") \(diff.second)"
    summary = CheckpointDiff.Status.allCases.filter { diff.count($0) > 0 }
      .map { "\(Format.integer(diff.count($0))) \($0.rawValue)" }.joined(separator: ", ")
    isEqual = diff.isEqual
    let ordered = diff.mostChangedFirst
    rows = ordered.map { row in
      let change = row.status == .changed ? row.change : nil
      let nonFinite = change.flatMap { $0.nonFinite > 0 ? Format.integer($0.nonFinite) : nil } ?? ""
      return Row(
        cells: [
          row.status.rawValue, row.name,
          change.map { $0.relative.map(Format.number) ?? "from zero" } ?? "",
          change.map { Format.number($0.largest) } ?? "", change.map { Format.integer($0.changed) } ?? "", nonFinite,
        ], isEqual: row.status == .equal, isChange: row.status == .changed)
    }
    let changed = ordered.compactMap { row in
      row.status == .changed ? row.change?.relative.map { (row.name, $0) } : nil
    }.filter { $0.1 > 0 }.prefix(Self.shownBars)
    bars = changed.map { Bars.Row(label: $0.0, value: $0.1, text: Format.number($0.1)) }
    let values = changed.map(\.1)
    scale =
      values.isEmpty
      ? .linear(0...1)
      : .logarithmic((values.min() ?? 1) / 2...max(values.max() ?? 1, (values.min() ?? 1) / 2 * 1.01))
    report = diff.report()
  }

  private static let shownBars = 40
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
