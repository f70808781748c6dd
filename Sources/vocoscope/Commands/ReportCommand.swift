import ArgumentParser
import Evidence
import Experiments
import Files
import Foundation
import Inspector
import Reports
import Sessions

extension NamedToken: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}

extension InspectorState {
  /// Without a verdict the Verdict panel shows what else was given.
  fileprivate mutating func showGivenView() {
    guard verdict == nil, probes != nil || !accuracy.isEmpty else { return }
    let wanted = probes != nil ? VerdictDisplay.probes : .accuracy
    for _ in VerdictDisplay.allCases where view.verdictDisplay != wanted { _ = update(&self, .command(.display)) }
  }
}

/// `vocoscope report`: what the panels show, in words and numbers.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Print in words and numbers what the panels show, or what a run tells beyond them."
  )

  @Argument(help: "A PNG or JPEG picture, or a file that 'vocoscope trace' wrote.")
  var source: String

  @OptionGroup var model: ModelOptions
  @OptionGroup var asking: RunOptions

  @Option(
    help: ArgumentHelp(
      "What 'verify --out' wrote, or 'probe' or 'eval --cut' with --format json printed: shown in Verdict; may be repeated.",
      valueName: "file"))
  var evidence: [String] = []

  @Option(
    help: ArgumentHelp(
      "The token whose attention is told of, numbers from 1; without it voco, or the prompt's last token in a model without.",
      valueName: "voco|last|prompt:n|answer:n"))
  var inspect: NamedToken?

  @Option(help: "How to print it.")
  var format = ReportFormat.text

  @Flag(help: "Ask one question a family as well: what <voco> kept and what it lost.")
  var families = false

  @Option(
    help: ArgumentHelp(
      "Read this tensor of the checkpoint as well: quantiles, zeros, what is not finite. May be given several times.",
      valueName: "name"))
  var tensor: [String] = []

  @OptionGroup var comparison: CompareOptions
  @OptionGroup var exports: ExportOptions
  @OptionGroup var detail: RunEvidenceOptions

  mutating func validate() throws {
    try model.refuseProgressive()
    let ofPanels =
      families || !evidence.isEmpty || inspect != nil || exports.panel != nil || !tensor.isEmpty || comparison.isAsked
    if detail.isAsked && ofPanels {
      throw ValidationError(
        "--families, --evidence, --inspect, --panel, --tensor, --compare, --compare-prompt and --compare-cut are of all panels: "
          + "--lens, --answer-back and --trace-map print their own numbers"
      )
    }
    if !exports.export.isEmpty && detail.count > 1 {
      throw ValidationError("--export writes one of --lens, --answer-back and --trace-map")
    }
    if !exports.export.isEmpty && detail.figure != nil {
      throw ValidationError("--export draws --trace-map in the place of --figure: give one of them")
    }
  }

  func run() throws {
    if detail.isAsked {
      guard try !ReportSource.isTrace(source) else {
        throw UsageProblem("\(source): is a trace; --lens, --answer-back and --trace-map run the model on a picture")
      }
      let run = try ModelRun(image: source, model: model, options: asking)
      guard !exports.export.isEmpty else { return try detail.print(run, format) }
      var exports = exports
      exports.panel = detail.panel
      let state = try exports.applied(to: ReportSource.run(run).state(size: exports.size))
      return try exports.write(detail.shown(try RunEvidence(run, detail), in: state))
    }
    if try !tensor.isEmpty && ReportSource.isTrace(source) {
      throw UsageProblem("--tensor reads the checkpoint, which a trace file has none of")
    }
    let report =
      try ReportSource.isTrace(source)
      ? ReportSource.file(source, compare: comparison)
      : ReportSource.run(
        ModelRun(image: source, model: model, options: asking), withFamilies: families, compare: comparison,
        tensors: tensor, withTexts: inspect != nil)
    var whole = try report.state(evidence: evidence, size: exports.size)
    if let inspect, let problem = whole.look(at: inspect) { throw UsageProblem("--inspect: \(problem)") }
    var state = try exports.applied(to: whole)
    if exports.panel == .verdict { state.showGivenView() }
    guard exports.export.isEmpty else { return try exports.write(state) }
    let reports = exports.panel.map { [state.report($0)] } ?? state.reports
    try format.print(format.text(of: reports))
  }
}
