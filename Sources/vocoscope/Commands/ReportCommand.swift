import ArgumentParser
import Evidence
import Experiments
import Files
import Foundation
import HTCVLM
import Inspector
import Reports
import TerminalUI
import Trace

extension ReportFormat: ExpressibleByArgument {
  func text(of reports: [PanelReport]) -> String {
    switch self {
    case .text: ReportText.text(reports)
    case .json: ReportText.json(reports)
    case .csv: ReportText.csv(reports)
    }
  }

  /// Prints a document of this format.
  func print(_ document: String) throws {
    switch self {
    case .json: try StandardStream.output.write(json: document)
    case .text, .csv: try StandardStream.output.write(document)
    }
  }

  /// Prints the one of three documents that is of this format; the others are not made.
  func print(
    text: @autoclosure () throws -> String, json: @autoclosure () throws -> String,
    csv: @autoclosure () throws -> String
  ) throws {
    switch self {
    case .text: try self.print(text())
    case .json: try self.print(json())
    case .csv: try self.print(csv())
    }
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
      "A state that 'verify --out' wrote: its verdict stands in the place of the anecdote.", valueName: "state.jsonl"))
  var evidence: String?

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
    if detail.isAsked && (families || evidence != nil || exports.panel != nil) {
      throw ValidationError(
        "--families, --evidence and --panel are of all panels: --lens, --answer-back and --trace-map print their own numbers"
      )
    }
    if !exports.export.isEmpty && detail.count > 1 {
      throw ValidationError("--export writes one of --lens, --answer-back and --trace-map")
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
        tensors: tensor)
    let state = try exports.applied(to: try report.state(evidence: evidence, size: exports.size))
    guard exports.export.isEmpty else { return try exports.write(state) }
    let reports = exports.panel.map { [state.report($0)] } ?? state.reports
    try format.print(format.text(of: reports))
  }
}

/// A finished run and everything the panels can say of it.
struct ReportSource {
  let trace: Trace
  /// The picture's file as it was decoded; nil where only what the trace holds of it can be shown.
  private var picture: Action?
  private let extra: [Action]

  /// A trace file; throws what is wrong with it.
  static func file(_ path: String, compare: CompareOptions? = nil) throws -> ReportSource {
    ReportSource(trace: try TraceFile.read(path: path), extra: try compare?.actions() ?? [])
  }

  /// Runs the model.
  static func run(
    _ run: ModelRun, withFamilies: Bool = false, compare: CompareOptions? = nil, tensors: [String] = []
  ) throws -> ReportSource {
    let trace = try run.trace()
    let compression = try run.compression(withFamilies: withFamilies)
    let picture = Action.picture(run.picture)
    let second = try compare?.actions(run, first: trace) ?? []
    let model = run.pipeline.model
    let codebook = model.configuration.mgvq == nil ? [] : [Action.codebook(CodebookView(try model.codebook()))]
    let weights = try tensors.map { name in
      guard let tensor = run.pipeline.checkpoint.tensors[name] else {
        throw UsageProblem("--tensor is \(name), which \(run.pipeline.checkpoint.name) has none of")
      }
      return Action.weights(name: name, try WeightStatistics(tensor))
    }
    let training = try TrainingPictures.of(run.pipeline).map { [Action.trainingPictures($0)] } ?? []
    return ReportSource(
      trace: trace, picture: picture,
      extra: [.checkpoint(try CheckpointListing(run.pipeline))] + training + codebook
        + compression.map(Action.compression) + weights + second)
  }

  /// Whether the file is laid out as safetensors: a header length below the file's size, then a JSON object.
  static func isTrace(_ path: String) throws -> Bool {
    guard let file = FileHandle(forReadingAtPath: path) else { return false }
    defer { try? file.close() }
    guard let head = try? file.read(upToCount: 9), head.count == 9 else { return false }
    return head[8] == UInt8(ascii: "{") && head[6] == 0 && head[7] == 0
  }

  /// The state that the screen is drawn from.
  ///
  /// - Parameter evidence: a file that `verify --out` wrote.
  func state(evidence: String? = nil, size: Size = Size(width: 100, height: 40)) throws -> InspectorState {
    let verified =
      try evidence.map { try VerifyReport.actions($0, of: trace.provenance, precision: trace.model.precision) } ?? []
    var state = InspectorState(
      imageName: trace.provenance.imageName, prompt: trace.provenance.prompt, size: size,
      capabilities: InspectorState.Capabilities(runsModel: false))
    for action in trace.actions(showing: picture) + extra + verified { _ = update(&state, action) }
    return state
  }

  /// The panels' content.
  func text(_ format: ReportFormat, evidence: String? = nil) throws -> String {
    format.text(of: try state(evidence: evidence).reports)
  }
}
