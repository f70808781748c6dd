import ColorMaps
import Evidence
import Inspector
import Plots
import Statistics
import Trace

extension PanelExport {
  /// Effects with their intervals, and the paper's heat map of `<voco>` over anchors and first patches.
  func verdictFigure() throws(PanelExportError) -> Figure {
    switch state.view.verdictDisplay {
    case .claims, .figure: break
    case .answer:
      return AnswerTraceFigure(
        try required(state.answerTrace, .verdict, "the answer was not followed back: it takes weights and a run")
      ).figure
    case .trace:
      return CausalTraceFigure(
        try required(state.causalTrace, .verdict, "no causal trace: it takes weights and a second picture")
      ).figure
    case .probes:
      return ProbeFigure(
        try required(state.probes, .verdict, "no probes were given: --evidence shows what probe printed")
      )
      .figure
    case .accuracy:
      guard !state.accuracy.isEmpty else {
        throw .nothingToDraw(
          panel: .verdict, reason: "no accuracies were given: --evidence shows what eval --cut or --swap printed")
      }
      return AccuracyFigure(state.accuracy).figure
    }
    let evidence = try required(
      state.evidence, .verdict, state.statistics?.attentionProblem ?? "the decoder has not run")
    let rows = state.paperFigure
    var notes = state.tiers.map { "\($0.name): \($0.word). \($0.sentence)" }
    notes += evidence.controls.filter { $0.outcome != nil }.map { "Control \($0.name.rawValue): \($0.sentence)" }
    notes.append("Causes: part of the way to a donor's answer that its anchors take the answer.")
    notes.append("n = \(Format.integer(evidence.n)) picture\(evidence.n == 1 ? ", an anecdote" : "s"). \(rows.caption)")
    let height = max(200, 60 + 18 * Double(rows.rows.count))
    return Figure(
      title: evidence.anecdote ? "One picture's anecdote" : evidence.headline, columnWidths: [250, 170, 400],
      rowHeights: [height],
      panels: [
        effects(evidence.tiers.filter { $0.tier != .causes }, "lift, 1 is like a patch", isLift: true),
        effects(evidence.tiers.filter { $0.tier == .causes }, "part of the way", isLift: false),
        heatMap(rows),
      ], notes: notes)
  }

  private func effects(_ tiers: [TierVerdict], _ label: String, isLift: Bool) -> Chart {
    let points = tiers.enumerated().compactMap { index, tier in
      tier.effect.map { DataPoint(Double(index), $0, low: tier.interval?.low, high: tier.interval?.high) }
    }
    let nulls = tiers.enumerated().flatMap { index, tier in tier.nulls.map { DataPoint(Double(index), $0) } }
    let thresholds = Set(tiers.map(\.threshold)).sorted()
    let values = points.flatMap { [$0.y, $0.low ?? $0.y, $0.high ?? $0.y] } + nulls.map(\.y) + thresholds
    let marks: [ChartMark] = [
      .points(DataSeries(nulls.isEmpty ? "" : "permuted weights", color: .series(5), points: nulls), radius: 2.5),
      .points(DataSeries(color: .series(0), points: points), radius: 4),
    ]
    return Chart(
      title: isLift ? "attends, contributes" : "causes", x: .categories(tiers.map(\.tier.rawValue)),
      y: valueAxis(label, values, isLogarithmic: isLift),
      marks: marks + thresholds.map { .horizontalRule($0, name: "smallest of interest", color: .ink) })
  }

  private func heatMap(_ figure: PaperFigureRows) -> MatrixPlot? {
    guard let first = figure.rows.first, !first.short.isEmpty else { return nil }
    let names = first.short.indices.map { $0 < first.anchors ? "A\($0 + 1)" : "P\($0 - first.anchors + 1)" }
    return MatrixPlot(
      title: "anchors and first patches", values: figure.rows.map(\.short),
      rowTicks: figure.rows.enumerated().map { ScaleTick(Double($0.offset), String($0.element.name.suffix(18))) },
      columnTicks: names.enumerated().map { ScaleTick(Double($0.offset), $0.element) }, range: figure.range,
      measure: "share")
  }
}

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
        "A part is a tensor's name without “model.” up to its number or its last two names; the \(parts.count) largest. "
          + "n = \(Format.integer(listing.rows.count)) tensors, \(listing.problems) with a problem.",
        listing.facts.map { "\($0.name) \($0.value)" }.joined(separator: ", "),
      ])
  }
}
