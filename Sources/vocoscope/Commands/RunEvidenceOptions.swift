import ArgumentParser
import ColorMaps
import Evidence
import Files
import Plots
import Reports
import Statistics
import Trace

/// What `report` prints in the place of the panels.
struct RunEvidenceOptions: ParsableArguments {
  @Flag(help: "Print what the states of <voco>, anchors and patches decode to, layer by layer.")
  var lens = false

  @Flag(
    help:
      "Print, for each token of the answer, what it attends to and what cutting the anchors, or swapping them with --donor's, does to its probability."
  )
  var answerBack = false

  @Flag(
    help:
      "Print where the answer travels: states of --donor in this picture's run and the converse, by layer and segment.")
  var traceMap = false

  @Option(help: ArgumentHelp("The other picture of --trace-map and --answer-back.", valueName: "image"))
  var donor: String?

  @Option(help: ArgumentHelp("Draw --trace-map as well: PNG, SVG or PDF, as its name ends.", valueName: "file"))
  var figure: String?

  /// Whether anything of it is asked for.
  var isAsked: Bool { lens || answerBack || traceMap }

  mutating func validate() throws {
    if traceMap && donor == nil { throw ValidationError("--trace-map needs --donor: the other picture") }
    if donor != nil && !traceMap && !answerBack {
      throw ValidationError("--donor goes with --trace-map or --answer-back")
    }
    if figure != nil && !traceMap { throw ValidationError("--figure draws --trace-map") }
  }

  /// Prints what is asked for, and draws it.
  func print(_ run: ModelRun, _ format: ReportFormat) throws {
    if let figure { try InputFiles.refuse(figure) }
    let evidence = try RunEvidence(run, self)
    if let figure, let trace = evidence.causalTrace {
      try CausalTraceFigure(trace, provenance: evidence.provenance).figure.write(to: figure)
    }
    try format.print(try evidence.text(format))
  }
}

/// The maps of a causal trace.
struct CausalTraceFigure {
  private let trace: CausalTrace
  private let provenance: Provenance

  init(_ trace: CausalTrace, provenance: Provenance) {
    self.trace = trace
    self.provenance = provenance
  }

  var figure: Figure {
    let panels: [(any FigurePanel)?] =
      trace.cells.isEmpty
      ? [nil, nil]
      : [
        map("Restoration: \(trace.picture)'s states in \(trace.donor)'s run", \.restoration),
        map("Corruption: \(trace.donor)'s states in \(trace.picture)'s run", \.corruption),
      ]
    let common = trace.commonAnswer.isEmpty ? "" : " after “\(trace.commonAnswer)”"
    let scale = trace.scale.map {
      "share of the answers' \($0 == .logitDifference ? "logit difference" : "change of logits")"
    }
    return Figure(
      title: "Where the answer travels", columnWidths: [520, 520], rowHeights: [330],
      panels: panels,
      notes: [
        "“\(trace.prompt)”: “\(trace.answers.own)” for \(trace.picture), “\(trace.answers.donor)” for \(trace.donor)\(common). "
          + "States are exchanged as they enter a layer, in one segment alone; "
          + (scale ?? "the answer does not depend on which picture it is") + ".",
        "\(provenance.modelName), weights \(provenance.weightsSHA256.prefix(12)), pictures \(provenance.imageSHA256.prefix(12)), "
          + "vocoscope \(provenance.version)",
      ])
  }

  private func map(_ title: String, _ value: (CausalTrace.Cell) -> Double) -> MatrixPlot {
    let values = trace.cells.map { $0.map { Optional(value($0)) } }
    let largest = max(1, values.joined().compactMap { $0.map(abs) }.max() ?? 1)
    let step = max(1, (values.count + 11) / 12)
    return MatrixPlot(
      title: title, values: values,
      rowTicks: stride(from: 0, to: values.count, by: step).map { ScaleTick(Double($0), "\($0 + 1)") },
      columnTicks: trace.segments.enumerated().map { ScaleTick(Double($0.offset), $0.element.name) },
      rowLabel: "into layer", columnLabel: "", range: -largest...largest, map: .blueOrange, measure: "share",
      words: values.count <= 12 ? values.map { $0.map { Format.rounded($0, places: 2) } } : [])
  }
}
