import ArgumentParser
import Files
import HTCVLM
import Sessions

/// `vocoscope convert`: one checkpoint directory out of the parts as they are published.
struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Put published parts together into one checkpoint directory.",
    discussion: """
      Weights are read as safetensors or in PyTorch's format, whose pickles are read but never executed. The directory \
      appears when it is complete, and none is overwritten.
      """)

  @OptionGroup var options: PartsOptions

  @Option(help: ArgumentHelp("The checkpoint directory to make.", valueName: "dir"))
  var out: String

  mutating func validate() throws {
    guard case .parts? = try options.source() else { throw ValidationError("name the decoder's directory with --llm") }
  }

  func run() throws {
    guard case .parts(let named)? = try options.source() else { throw ValidationError("--llm is missing") }
    let parts = try PublishedParts(named)
    try parts.write(to: out)
    // Opened as every command opens it, so that what was written is known to run.
    let checkpoint = try CheckpointDirectory(path: out)
    _ = try HTCVLMModel(directory: checkpoint)
    let lines =
      ["\(out): \(parts.family.withArticle), \(checkpoint.tensors.count) tensors; this checkpoint runs"]
      + checkpoint.configuration.untrainedParts.map { "untrained: \($0)" }
    try StandardStream.output.write(lines.map { $0 + "\n" }.joined())
  }
}
