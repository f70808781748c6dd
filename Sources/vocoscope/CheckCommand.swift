import ArgumentParser
import Experiments
import Files
import Foundation
import HTCVLM
import Reports
import Statistics
import Tensor
import Trace
import WeightFormats

extension Precision: ExpressibleByArgument {}

/// `vocoscope check`: whether a checkpoint would run, without running it.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "List every tensor of a checkpoint that is expected, found, missing or wrong, and the memory of a run.",
    discussion: "The exit code is 0 only if the checkpoint would run.")

  @Argument(help: "Checkpoint directory. Without it, the bundled demo checkpoint.")
  var directory: String?

  @OptionGroup var parts: PartsOptions

  @Flag(help: "List only what is not as expected.")
  var problems = false

  @Flag(help: "Read every value too, and name the tensors that hold an infinity or a NaN.")
  var values = false

  @Option(help: "Also run pictures in this precision and print how far its results are from the exact ones.")
  var precision = Precision.exact

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Pictures for --precision; without it, the bundled scenes.", valueName: "image"))
  var images: [String] = []

  @Option(help: "The question for --precision.")
  var prompt = RunOptions.defaultPrompt

  mutating func validate() throws { _ = try parts.source(of: directory) }

  func run() throws {
    let source = try parts.source(of: directory) ?? .directory(try ModelOptions.bundled())
    let checkpoint = try source.open()
    let report = try CheckpointReport(
      expected: HTCVLMModel.expectedTensors(checkpoint.configuration), found: checkpoint.tensors)
    let bad = values ? notFinite(checkpoint) : [:]
    let rows = report.rows.filter { !problems || !$0.status.isHarmless || bad[$0.name] != nil }.map { row in
      bad[row.name].map { "\(TextTable.padded("notFinite", to: 16)) \(row.name)  \($0.problem)" } ?? line(row)
    }
    try StandardStream.output.write((rows + [summary(report, checkpoint, bad)]).map { $0 + "\n" }.joined())
    let needed = try HTCVLMModel.expectedTensors(checkpoint.configuration).filter(\.required)
    guard report.runnable, !needed.contains(where: { bad[$0.name] != nil }) else { throw ExitCode(1) }
    // Binding reads no matrices but finds what shapes alone do not show, such as a tokenizer of another size.
    _ = try HTCVLMModel(directory: checkpoint)
    try StandardStream.output.write("this checkpoint runs\n")
    if precision == .int8 { try compare(source) }
  }

  /// Runs the pictures in both precisions.
  private func compare(_ source: CheckpointSource) throws {
    let pictures = images.isEmpty ? try AssetLocator.process.scenes() : images
    let progress = ProgressLine()
    defer { progress.clear() }
    let comparison = try PrecisionComparison(
      pictures: pictures, prompt: prompt, progress: { progress.show($0) },
      open: { try ModelOpening(source: source, precision: $0).open() })
    progress.clear()
    try StandardStream.output.write(comparison.lines.map { $0 + "\n" }.joined())
  }

  /// The first bad value of each tensor that holds one.
  private func notFinite(_ checkpoint: CheckpointDirectory) -> [String: NotFinite] {
    let progress = ProgressLine()
    defer { progress.clear() }
    var found: [String: NotFinite] = [:]
    for (name, tensor) in checkpoint.tensors {
      progress.show("values of \(name)")
      found[name] = tensor.firstNotFinite()
    }
    return found
  }

  private func line(_ row: CheckpointReport.Row) -> String {
    let status = TextTable.padded(row.status.rawValue, to: 16)
    let found = row.foundShape.map { "\(row.dtype?.rawValue ?? "?") \($0)" }
    let expected = row.expectedShape.map { "\($0)" }
    switch (found, expected) {
    case (let found?, let expected?) where !row.status.isHarmless:
      return "\(status) \(row.name)  found \(found), expected \(expected)"
    case (let found?, _): return "\(status) \(row.name)  \(found)"
    case (nil, let expected): return "\(status) \(row.name)  expected \(expected ?? "?")"
    }
  }

  private func memory(_ checkpoint: CheckpointDirectory, _ precision: Precision) -> String {
    let memory = MemoryEstimate(
      configuration: checkpoint.configuration, tensors: checkpoint.tensors, precision: precision)
    return "memory   \(precision.rawValue): \(Format.mebibytes(memory.total)): "
      + "\(Format.mebibytes(memory.mapped)) of mapped files, \(Format.mebibytes(memory.converted)) converted, "
      + "\(Format.mebibytes(memory.activations)) activations, \(Format.mebibytes(memory.keyValues)) keys and values"
  }

  private func summary(
    _ report: CheckpointReport, _ checkpoint: CheckpointDirectory, _ bad: [String: NotFinite]
  ) -> String {
    let counts = Dictionary(grouping: report.rows, by: \.status).mapValues(\.count)
    let tally = CheckpointReport.Status.allCases.compactMap { status in
      counts[status].map { "\($0) \(status.rawValue)" }
    }
    var lines = ["", "family   \(checkpoint.family.rawValue)", "tensors  \(tally.joined(separator: ", "))"]
    lines.append(
      "values   "
        + (!values
          ? "not read: --values tells whether all are finite numbers"
          : bad.isEmpty
            ? "all are finite numbers" : "not finite in \(bad.count) of \(checkpoint.tensors.count) tensors"))
    lines += Precision.allCases.map { memory(checkpoint, $0) }
    lines += [
      "compute  OpenBLAS core \(ComputeBackend.openBLASCore), "
        + "\(Format.fixed(ComputeBackend.measureGEMM(), digits: 0)) GFLOP/s with \(ComputeBackend.processors) threads"
    ]
    let untrained = checkpoint.configuration.untrainedParts
    if !untrained.isEmpty { lines.append("untrained \(untrained.joined(separator: ", "))") }
    return lines.joined(separator: "\n")
  }
}
