import ArgumentParser
import Foundation
import HTCVLM
import Trace

/// Which checkpoint to use and how to hold it; shared by every subcommand that opens a model.
struct ModelOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("Checkpoint directory. Without it, the bundled demo checkpoint.", valueName: "dir"))
  var model: String?

  @OptionGroup var parts: PartsOptions

  @Option(help: "Hold the matrices of decoder and tower as they are or as 8-bit integers, which takes half the memory.")
  var precision = Precision.exact

  mutating func validate() throws {
    if model != nil, try parts.source() != nil {
      throw ValidationError(
        "--model is a whole checkpoint, --llm, --vision and --mgvq are its parts: give one or the other")
    }
  }

  /// What to open, and how.
  func opening() throws -> ModelOpening {
    let source = try parts.source() ?? .directory(try model ?? Self.bundled())
    return ModelOpening(source: source, precision: precision)
  }

  /// The bundled demo checkpoint.
  static func bundled() throws -> String {
    guard let bundled = AssetLocator.process.locate("models/htc-demo") else {
      throw UsageProblem(
        "the bundled demo checkpoint was not found beside the program or above it; name one with --model")
    }
    return bundled
  }
}

/// The parts of a model where they are published; shared by every subcommand that opens a model or looks at one.
struct PartsOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Instead of a checkpoint: a LLaVA or VoCo-LLaMA directory, the decoder and the projector.", valueName: "dir"))
  var llm: String?

  @Option(help: ArgumentHelp("With --llm: a CLIP directory, the vision tower.", valueName: "dir"))
  var vision: String?

  @Option(help: ArgumentHelp("With --llm: an MGVQ state dict, .pt or .safetensors, the quantizer.", valueName: "file"))
  var mgvq: String?

  @Option(
    help: ArgumentHelp(
      "With --llm: random weights in the place of an anchor projector that the directory lacks; every report says so.",
      valueName: "seed"))
  var randomAnchorProjector: UInt64?

  mutating func validate() throws { _ = try source() }

  /// The parts, or `nil` if none is named; throws `ValidationError` if one is missing.
  func source() throws -> CheckpointSource? {
    if llm == nil && vision == nil && mgvq == nil && randomAnchorProjector == nil { return nil }
    guard let llm, let vision, let mgvq else {
      throw ValidationError("--llm, --vision and --mgvq go together: a model has all three parts")
    }
    return .parts(llm: llm, vision: vision, mgvq: mgvq, randomAnchorSeed: randomAnchorProjector)
  }
}

/// A checkpoint to open, and the precision to hold it in.
struct ModelOpening: Sendable {
  let source: CheckpointSource
  var precision = Precision.exact

  /// Opens the model; integers that have to be made go beside the checkpoint or into the user's cache.
  func open(progress: @escaping @Sendable (StageProgress) -> Void = { _ in }) throws -> Pipeline {
    try Pipeline(
      opening: source, version: programVersion, precision: precision,
      cacheDirectory: UserConfiguration.cacheDirectory(ProcessInfo.processInfo.environment), progress: progress)
  }
}

/// Something the command line asked for that cannot be done, in one sentence.
struct UsageProblem: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
