import ArgumentParser
import Files
import HTCVLM
import WeightFormats

/// `vocoscope convert`: one checkpoint directory out of the parts as they are published.
struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Put published parts together into one checkpoint directory.",
    discussion: """
      Weights are read as safetensors or in PyTorch's format, whose pickles are read but never executed. The directory \
      appears when it is complete, and none is overwritten.
      """)

  @Option(
    help: ArgumentHelp(
      "The decoder and the projector: a LLaVA or VoCo-LLaMA directory with its tokenizer.", valueName: "dir"))
  var llm: String

  @Option(help: ArgumentHelp("The vision tower: a CLIP directory.", valueName: "dir"))
  var vision: String

  @Option(help: ArgumentHelp("The quantizer: an MGVQ state dict, .pt or .safetensors.", valueName: "file"))
  var mgvq: String

  @Option(
    help: ArgumentHelp(
      "Put random weights in the place of an anchor projector that the directory lacks; every report then says so.",
      valueName: "seed"))
  var randomAnchorProjector: UInt64?

  @Option(help: ArgumentHelp("The checkpoint directory to make.", valueName: "dir"))
  var out: String

  func run() throws {
    let parts = try PublishedParts(llm: llm, vision: vision, mgvq: mgvq, randomAnchorSeed: randomAnchorProjector)
    try parts.write(to: out)
    // Opened as every command opens it, so that what was written is known to run.
    let checkpoint = try CheckpointDirectory(path: out)
    _ = try HTCVLMModel(directory: checkpoint)
    let lines =
      ["\(out): \(checkpoint.tensors.count) tensors; this checkpoint runs"]
      + checkpoint.configuration.untrainedParts.map { "untrained: \($0)" }
    try StandardStream.output.write(lines.map { $0 + "\n" }.joined())
  }
}
