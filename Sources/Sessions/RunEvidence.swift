package import ArgumentParser
package import Evidence
import Experiments
import Files
import Foundation
import HTCVLM
package import Inspector
import PanelExport
import Plots
package import Reports
import Tensor
import TerminalUI
package import Trace

/// What `report` tells of one run beyond the panels: lens, answer and causal trace, those that were asked for.
package struct RunEvidence {
  package var lens: Lens?
  package var answer: AnswerTrace?
  var causalTrace: CausalTrace?
  package private(set) var provenance: Provenance

  /// Runs what `options` ask for.
  package init(_ run: ModelRun, _ options: RunEvidenceOptions) throws {
    let (model, prompt) = (run.pipeline.model, run.options.prompt)
    provenance = run.pipeline.provenance(run.picture, prompt)
    provenance.weightsSHA256 = run.pipeline.checkpoint.weightsSHA256
    let line = ProgressLine()
    defer { line.clear() }
    // Compressed apart from the pipeline, which keeps one picture alone.
    let cache = try model.compress(try model.encode(run.picture.image))
    if options.lens {
      line.show("lens")
      lens = try Lens.measure(model, cache, prompt: prompt)
    }
    let donor = try options.donor.map { path in
      let picture = try PictureSource(path: path)
      return (name: picture.name, cache: try model.compress(try model.encode(picture.image)))
    }
    if options.answerBack {
      line.show("answer")
      answer = try AnswerTrace.measure(
        model, cache, prompt: prompt,
        donor: donor.flatMap { $0.cache.visual.anchors.count > 0 ? ($0.name, $0.cache.visual.anchors) : nil },
        options: run.options.generation, seed: run.options.generation.seed)
    }
    if options.traceMap, let donor {
      causalTrace = try CausalTraceRun(model, prompt: prompt).trace((run.picture.name, cache), donor: donor) {
        line.show("causal trace \($0 + 1)/\($1)")
      }
    }
  }

  package func text(_ format: ReportFormat) throws -> String {
    switch format {
    case .text:
      let parts = [
        lens.map { LensReport($0).lines }, answer.map { AnswerTraceReport($0).lines },
        causalTrace.map { CausalTraceReport($0).lines },
      ].compactMap { $0 }
      let source =
        "\(provenance.imageName), \(provenance.modelName), weights \(provenance.weightsSHA256), vocoscope "
        + provenance.version
      return (parts.map { $0.joined(separator: "\n") } + [source]).joined(separator: "\n\n") + "\n"
    case .json: return try prettyJSON(self)
    case .csv:
      let tables = [
        ("lens", lens.map { LensReport($0).rows }), ("answer", answer.map { AnswerTraceReport($0).rows }),
        ("causal_trace", causalTrace.map { CausalTraceReport($0).rows }),
      ]
      let known = tables.compactMap { name, rows in rows.map { (name, $0) } }
      return CSV.text(known.count == 1 ? known[0].1 : Self.long(known))
    }
  }

  /// Tables of different columns as one: `table,row,field,value`, rows counted from 1.
  private static func long(_ tables: [(name: String, rows: [[String]])]) -> [[String]] {
    [["table", "row", "field", "value"]]
      + tables.flatMap { name, rows in
        rows.dropFirst().enumerated().flatMap { index, row in
          zip(rows[0], row).map { [name, "\(index + 1)", $0, $1] }
        }
      }
  }
}

extension RunEvidence: Encodable {
  private enum CodingKeys: String, CodingKey {
    case lens, answer, provenance
    case causalTrace = "causal_trace"
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encodeIfPresent(lens, forKey: .lens)
    try values.encodeIfPresent(answer, forKey: .answer)
    try values.encodeIfPresent(causalTrace, forKey: .causalTrace)
    try values.encode(provenance, forKey: .provenance)
  }
}

/// What `report` prints in the place of the panels.
package struct RunEvidenceOptions: ParsableArguments {
  @Flag(help: "Print what the states of <voco>, anchors and patches decode to, layer by layer.")
  package var lens = false

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
  package var donor: String?

  @Option(help: ArgumentHelp("Draw --trace-map as well: PNG, SVG or PDF, as its name ends.", valueName: "file"))
  package var figure: String?

  /// How many of them are asked for.
  package var count: Int { [lens, answerBack, traceMap].count { $0 } }
  package var isAsked: Bool { count > 0 }

  package mutating func validate() throws {
    if traceMap && donor == nil { throw ValidationError("--trace-map needs --donor: the other picture") }
    if donor != nil && !traceMap && !answerBack {
      throw ValidationError("--donor goes with --trace-map or --answer-back")
    }
    if figure != nil && !traceMap { throw ValidationError("--figure draws --trace-map") }
  }

  /// What `--export` writes: the panel with the view of what is asked for.
  ///
  /// - Parameter state: of the finished run.
  package func shown(_ evidence: RunEvidence, in state: InspectorState) -> InspectorState {
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
  package var panel: Panel { lens ? .attention : .verdict }

  package init() {}

  /// Prints what is asked for, and draws it.
  package func print(_ run: ModelRun, _ format: ReportFormat) throws {
    if let figure { try InputFiles.refuse(figure) }
    let evidence = try RunEvidence(run, self)
    if let figure, let trace = evidence.causalTrace {
      try CausalTraceFigure(trace, provenance: evidence.provenance).figure.write(to: figure)
    }
    try format.print(try evidence.text(format))
  }
}
