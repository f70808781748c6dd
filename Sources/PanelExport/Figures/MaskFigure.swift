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
        + "\(Format.integer(total)) edges. n = \(Format.integer(sequence.length)) positions; "
        + "short segments are drawn wider."
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
    let places = Self.places(sequence)
    let colors = places.map { row in
      places.map { sequence.allows(row: row, column: $0) ? PlotColor.series(0) : blocked }
    }
    let bands = sequence.spans.compactMap { span -> ColorGrid.Band? in
      guard let first = places.firstIndex(where: span.range.contains),
        let last = places.lastIndex(where: span.range.contains)
      else { return nil }
      return .init(start: first, count: last - first + 1, name: span.kind.rawValue)
    }
    let ticks = bands.map { ScaleTick(Double($0.start) + Double($0.count - 1) / 2, $0.name) }
    return ColorGrid(
      title: "\(sequence.length)×\(sequence.length) edges", colors: colors, rowLabel: "query", columnLabel: "key",
      rowTicks: ticks, columnTicks: ticks, bands: bands, legend: [("allowed", .series(0)), ("blocked", blocked)])
  }

  /// The positions in order, those of short segments several times: each segment has a twenty-fifth of the side at
  /// least, so that the rows and columns of single tokens are seen and can be named.
  private static func places(_ sequence: SequenceTrace) -> [Int] {
    let least = Double(sequence.length) / 25
    return sequence.spans.flatMap { span in
      let times = max(1, Int((least / Double(max(1, span.count))).rounded(.up)))
      return span.range.flatMap { Array(repeating: $0, count: times) }
    }
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
