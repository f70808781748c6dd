import ArgumentParser
import Experiments
import Files
import Foundation
import HTCVLM
import Reports
import Sessions
import Trace

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

  @OptionGroup var hashing: HashOptions

  mutating func validate() throws { _ = try parts.source(of: directory) }

  func run() throws {
    let source = try parts.source(of: directory) ?? .directory(try ModelOptions.bundled())
    try hashing.apply(to: [source])
    let checkpoint = try source.open()
    let progress = ProgressLine()
    let listing = try CheckpointText(
      checkpoint, readingValues: values ? { progress.show("values of \($0)") } : nil)
    progress.clear()
    try StandardStream.output.write(listing.lines(onlyProblems: problems).map { $0 + "\n" }.joined())
    guard listing.runs else { throw ExitCode(1) }
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
}
