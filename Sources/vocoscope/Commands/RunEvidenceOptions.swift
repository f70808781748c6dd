import ArgumentParser
import Evidence
import Files
import Inspector
import PanelExport
import Plots
import Reports
import TerminalUI
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

  /// How many of them are asked for.
  var count: Int { [lens, answerBack, traceMap].count { $0 } }
  var isAsked: Bool { count > 0 }

  mutating func validate() throws {
    if traceMap && donor == nil { throw ValidationError("--trace-map needs --donor: the other picture") }
    if donor != nil && !traceMap && !answerBack {
      throw ValidationError("--donor goes with --trace-map or --answer-back")
    }
    if figure != nil && !traceMap { throw ValidationError("--figure draws --trace-map") }
  }

  /// What `--export` writes: the panel with the view of what is asked for.
  ///
  /// - Parameter state: of the finished run.
  func shown(_ evidence: RunEvidence, in state: InspectorState) -> InspectorState {
    var state = state
    let findings: [RunFinding] =
      [evidence.lens.map(RunFinding.lens), evidence.answer.map(RunFinding.answerTrace)].compactMap { $0 }
      + [evidence.causalTrace.map(RunFinding.causalTrace)].compactMap { $0 }
    for finding in findings { _ = update(&state, .measured(finding)) }
    let isShown = { (state: InspectorState) in
      lens
        ? state.view.display == .lens
        : state.view.verdictDisplay == (answerBack ? VerdictDisplay.answer : .trace)
    }
    while !isShown(state) { _ = update(&state, .command(.display)) }
    return state
  }

  /// The panel that shows what is asked for.
  var panel: Panel { lens ? .attention : .verdict }

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
