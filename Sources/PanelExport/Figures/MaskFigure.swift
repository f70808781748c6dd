import ColorMaps
import Inspector
import Plots
import Statistics
import Trace

extension PanelExport {
  /// The whole mask with its segments, and how much of each pair of segments is allowed.
  func maskFigure() throws(PanelExportError) -> Figure {
    let sequence = try required(state.trace?.sequence, .mask, "the sequence is not laid out")
    let mask = try required(state.statistics?.mask, .mask, "the sequence is not laid out")
    let allowed = mask.allowed.joined().reduce(0, +)
    let total = sequence.length * sequence.length
    var notes = [
      "A query in rows may attend to a key in columns where the cell is dark: \(Format.integer(allowed)) of "
        + "\(Format.integer(total)) edges. n = \(Format.integer(sequence.length)) positions."
    ]
    if let blocked = mask.blocked {
      notes.append(
        blocked.holds
          ? "Measured: the \(Format.integer(blocked.count)) blocked edges of the recorded rows carry 0."
          : "Measured: a blocked edge carries \(Format.number(Double(blocked.largest))).")
    }
    return Figure(
      title: "The \(state.trace?.model.visualMask.rawValue ?? "") mask", columnWidths: [380, 330], rowHeights: [430],
      panels: [edges(sequence), blocks(mask)], notes: notes)
  }

  private func edges(_ sequence: SequenceTrace) -> ColorGrid {
    let blocked = PlotColor(hex: 0xF4F1EA)
    let colors = (0..<sequence.length).map { row in
      (0..<sequence.length).map { sequence.allows(row: row, column: $0) ? PlotColor.series(0) : blocked }
    }
    let ticks = spanTicks(sequence)
    return ColorGrid(
      title: "\(sequence.length)×\(sequence.length) edges", colors: colors, rowLabel: "query", columnLabel: "key",
      rowTicks: ticks, columnTicks: ticks,
      bands: sequence.spans.map { .init(start: $0.start, count: $0.count, name: $0.kind.rawValue) },
      legend: [("allowed", .series(0)), ("blocked", blocked)])
  }

  /// Names in the middle of their segments; of those that would stand in each other, the largest.
  private func spanTicks(_ sequence: SequenceTrace) -> [ScaleTick] {
    var placed: [ScaleTick] = []
    for span in sequence.spans.sorted(by: { $0.count > $1.count }) {
      let middle = Double(span.start) + Double(span.count - 1) / 2
      guard placed.allSatisfy({ abs($0.value - middle) > 0.05 * Double(sequence.length) }) else { continue }
      placed.append(ScaleTick(middle, span.kind.rawValue))
    }
    return placed
  }

  private func blocks(_ mask: MaskStatistics) -> MatrixPlot {
    let names = mask.spans.map { "\($0.kind.rawValue) \($0.count)" }
    let ticks = names.enumerated().map { ScaleTick(Double($0.offset), $0.element) }
    let shares = mask.spans.indices.map { row in
      mask.spans.indices.map { column -> Double in
        Double(mask.allowed[row][column]) / Double(max(1, mask.total(row: row, column: column)))
      }
    }
    return MatrixPlot(
      title: "allowed by segment", values: shares, rowTicks: ticks, columnTicks: ticks, rowLabel: "query",
      columnLabel: "key", range: 0...1, measure: "share of the edges",
      words: shares.map { $0.map { $0 == 1 ? "all" : $0 == 0 ? "none" : Format.percent($0) } }, isSquare: true)
  }
}
