import Evidence
import Inspector
import Plots
import Statistics
import Trace

extension PanelExport {
  /// What each source keeps and costs, on logarithmic axes, with the answers.
  func compressionFigure() throws(PanelExportError) -> Figure {
    let compression = state.compression
    let facts = try required(
      compression.facts, .compression,
      "nothing was asked from all tokens, <voco> and no picture; a trace holds one answer")
    let bill = CompressionBill(facts, pictures: compression.pictures, latest: compression.latest)
    let names = facts.sources.map(facts.title)
    func chart(_ title: String, _ label: String, _ value: (SourceBill) -> Double?) -> Chart {
      let points = bill.sources.enumerated().compactMap { index, source in
        value(source).map { DataPoint(Double(index), $0) }
      }
      return Chart(
        title: title, x: .categories(names), y: valueAxis(label, points.map(\.y), isLogarithmic: true),
        marks: [.bars(DataSeries(color: .series(0), points: points), width: 0.6)])
    }
    let answers = compression.latest?.answers.map { "\(facts.title(of: $0.source)): “\($0.outcome)”" } ?? []
    var notes = [bill.sentence]
    if let latest = compression.latest { notes.append("“\(latest.question)” \(answers.joined(separator: "; ")).") }
    notes += facts.edges()
    notes.append(
      "Bytes and operations computed from the shapes, two a weight and pair; seconds measured in this run, n = 1. "
        + "Vision tower and quantizer, the same for all, are left out.")
    return Figure(
      title: bill.ratio.map { "Compression: keys and values \(Format.times($0)) smaller" }
        ?? "What the picture's tokens cost",
      columnWidths: [220, 220, 220],
      rowHeights: [250],
      panels: [
        chart("kept", "bytes of keys and values") { Double($0.computedBytes) },
        chart("a question", "operations") { Double($0.questionOperations) },
        chart("a question, measured", "seconds") { $0.questionSeconds },
      ], notes: notes)
  }

  /// Bytes of the checkpoint's parts.
  func checkpointFigure() throws(PanelExportError) -> Figure {
    let listing = try required(state.checkpoint, .checkpoint, "a trace was opened without its checkpoint")
    let parts = listing.parts.prefix(16)
    let points = parts.enumerated().map { DataPoint(Double($0.offset), Double($0.element.bytes) / 1_048_576) }
    return Figure(
      title: "\(listing.name): \(Format.bytes(listing.byteCount)) in \(Format.integer(listing.rows.count)) tensors",
      columnWidths: [620], rowHeights: [330],
      panels: [
        Chart(
          x: .categories(parts.map(\.name)), y: valueAxis("MiB", points.map(\.y), isLogarithmic: true),
          marks: [.bars(DataSeries(color: .series(0), points: points))])
      ],
      notes: [
        "A part is a tensor's name up to its number or its last two names; the \(parts.count) largest. "
          + "n = \(Format.integer(listing.rows.count)) tensors, \(listing.problems) with a problem.",
        listing.facts.map { "\($0.name) \($0.value)" }.joined(separator: ", "),
      ])
  }
}
