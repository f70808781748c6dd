import ArgumentParser
import Evidence
import Experiments
import Files
import Foundation
import HTCVLM
package import Inspector
package import Reports
package import TerminalUI
package import Trace

extension ReportFormat: ExpressibleByArgument {
  package func text(of reports: [PanelReport]) -> String {
    switch self {
    case .text: ReportText.text(reports)
    case .json: ReportText.json(reports)
    case .csv: ReportText.csv(reports)
    }
  }

  /// Prints a document of this format.
  package func print(_ document: String) throws {
    switch self {
    case .json: try StandardStream.output.write(json: document)
    case .text, .csv: try StandardStream.output.write(document)
    }
  }

  /// Prints the one of three documents that is of this format; the others are not made.
  package func print(
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

/// A finished run and everything the panels can say of it.
package struct ReportSource {
  package let trace: Trace
  /// The picture's file as it was decoded; nil where only what the trace holds of it can be shown.
  private var picture: Action?
  private let extra: [Action]

  /// A trace file; throws what is wrong with it.
  package static func file(_ path: String, compare: CompareOptions? = nil) throws -> ReportSource {
    ReportSource(trace: try TraceFile.read(path: path), extra: try compare?.actions() ?? [])
  }

  /// Runs the model.
  package static func run(
    _ run: ModelRun, withFamilies: Bool = false, compare: CompareOptions? = nil, tensors: [String] = [],
    withTexts: Bool = false
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
        + compression.map(Action.compression) + weights + second + (withTexts ? [try run.textAttention(trace)] : []))
  }

  /// Whether the file is laid out as safetensors: a header length below the file's size, then a JSON object.
  package static func isTrace(_ path: String) throws -> Bool {
    guard let file = FileHandle(forReadingAtPath: path) else { return false }
    defer { try? file.close() }
    guard let head = try? file.read(upToCount: 9), head.count == 9 else { return false }
    return head[8] == UInt8(ascii: "{") && head[6] == 0 && head[7] == 0
  }

  /// The state that the screen is drawn from.
  ///
  /// - Parameter evidence: files that `verify --out`, `probe` or `eval` wrote.
  package func state(evidence: [String] = [], size: Size = Size(width: 100, height: 40)) throws -> InspectorState {
    let verified =
      try evidence.flatMap { try VerifyReport.actions($0, of: trace.provenance, precision: trace.model.precision) }
    var state = InspectorState(
      imageName: trace.provenance.imageName, prompt: trace.provenance.prompt, size: size,
      capabilities: InspectorState.Capabilities(runsModel: false))
    for action in trace.actions(showing: picture) + extra + verified { _ = update(&state, action) }
    return state
  }

  /// The panels' content.
  package func text(_ format: ReportFormat, evidence: [String] = []) throws -> String {
    format.text(of: try state(evidence: evidence).reports)
  }
}
