package import ArgumentParser
import Experiments
import Files
import Foundation
package import HTCVLM
package import Inspector
package import Trace

/// Which checkpoint to use and how to hold it; shared by every subcommand that opens a model.
package struct ModelOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("Checkpoint directory. Without it, the bundled demo checkpoint.", valueName: "dir"))
  package var model: String?

  @OptionGroup package var parts: PartsOptions

  @Option(
    help: ArgumentHelp(
      "Hold the matrices of decoder and tower as they are or as 8-bit integers, which takes half the memory; progressive, "
        + "in the inspector alone, shows the run of the integers first and replaces it by the exact one."))
  package var precision = PrecisionChoice.exact

  @OptionGroup package var hashing: HashOptions

  package init() {}

  package mutating func validate() throws { _ = try parts.source(of: model) }

  /// The options that say how it is held and put together, as on a command line; the checkpoint itself is left out.
  package var arguments: [String] {
    let words: [(String, String?)] = [
      ("--precision", precision == .exact ? nil : precision.rawValue), ("--llm", parts.llm),
      ("--vision", parts.vision), ("--mgvq", parts.mgvq), ("--adapter", parts.adapter),
      ("--random-anchor-projector", parts.randomAnchorProjector.map { "\($0)" }),
      ("--voco-tokens", parts.vocoTokens.map { "\($0)" }), ("--visual-tokens", parts.visualTokens.map { "\($0)" }),
    ]
    return words.flatMap { name, value in value.map { [name, $0] } ?? [] }
  }

  /// What to open, and how.
  ///
  /// - Parameter showsPreviews: whether a run may be shown in 8 bits before the exact one.
  package func opening(showsPreviews: Bool = false) throws -> ModelOpening {
    if !showsPreviews { try refuseProgressive() }
    let source = try parts.source(of: model) ?? .directory(try Self.bundled())
    try hashing.apply(to: [source])
    return ModelOpening(
      source: source, precision: precision == .int8 ? .int8 : .exact, showsPreview: precision == .progressive)
  }

  /// Throws `ValidationError` if runs are to be shown in 8 bits first, which the inspector alone does.
  package func refuseProgressive() throws {
    guard precision != .progressive else {
      throw ValidationError("--precision progressive is of the inspector; a figure has one precision: exact or int8")
    }
  }

  /// The bundled demo checkpoint.
  package static func bundled() throws -> String {
    guard let bundled = AssetLocator.process.locate("models/htc-demo") else {
      throw UsageProblem(
        "the bundled demo checkpoint was not found beside the program or above it; name one with --model")
    }
    return bundled
  }
}

/// How far what earlier runs remember of files is trusted; shared by every subcommand that says which weights it ran.
package struct HashOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Read the weights' bytes again for their SHA-256, rather than take what an earlier run kept for files of the same "
        + "path, size, times and inode."))
  package var verifyHash = false

  package init() {}

  /// Reads the weights of `sources` where that was asked for, before anything is computed with them, and says of a file
  /// that it has other bytes than were kept for it.
  package func apply(to sources: [CheckpointSource]) throws {
    guard verifyHash else { return }
    ContentDigest.distrust()
    for source in sources { _ = try source.open().weightsSHA256 }
    for path in ContentDigest.contradicted {
      try StandardStream.error.write(
        "vocoscope: \(path): its bytes have another SHA-256 than an earlier run kept for it; what was written in between "
          + "may name the wrong weights\n")
    }
  }
}

/// The parts of a model where they are published, and what their files do not say; shared by every subcommand that opens a
/// model or looks at one.
package struct PartsOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Instead of a checkpoint: the decoder and the projector, a LLaVA, VoCo-LLaMA or M3 directory of either layout, or "
        + "its name in the Hugging Face cache.",
      valueName: "dir"))
  package var llm: String?

  @Option(
    help: ArgumentHelp(
      "The vision tower, a CLIP directory or its name in the Hugging Face cache; needed where the decoder's directory "
        + "has none.",
      valueName: "dir"))
  package var vision: String?

  @Option(
    help: ArgumentHelp("The quantizer of an HTC-VLM: an MGVQ state dict, .pt or .safetensors.", valueName: "file"))
  var mgvq: String?

  @Option(
    help: ArgumentHelp("A LoRA run on the decoder, merged as it is read, or a projector for it.", valueName: "dir"))
  package var adapter: String?

  @Option(
    help: ArgumentHelp(
      "With --mgvq: random weights in the place of an anchor projector that the directory lacks; every report says so.",
      valueName: "seed"))
  var randomAnchorProjector: UInt64?

  @Option(help: "How many voco tokens a VoCo-LLaMA was trained with, which its files do not say; without it, 2.")
  var vocoTokens: Int?

  @Option(help: "How many visual tokens an M3 model pools the patches to, one of those it was trained with.")
  var visualTokens: Int?

  package init() {}

  package mutating func validate() throws {
    for (name, count) in [("--voco-tokens", vocoTokens), ("--visual-tokens", visualTokens)] {
      if let count, !(1...4096 ~= count) { throw ValidationError("\(name) is \(count), expected 1 to 4096") }
    }
  }

  /// What `model`, a checkpoint's directory, and these options name together; nil if nothing.
  ///
  /// Throws `ValidationError` if they contradict each other.
  package func source(of model: String? = nil) throws -> CheckpointSource? {
    if model != nil, llm != nil {
      throw ValidationError("a directory is a whole checkpoint, --llm its decoder alone: give one or the other")
    }
    if randomAnchorProjector != nil, mgvq == nil {
      throw ValidationError("--random-anchor-projector goes with --mgvq: anchors are made from its codes")
    }
    let refines =
      vision != nil || mgvq != nil || adapter != nil || vocoTokens != nil || visualTokens != nil
    if let model, !refines { return .directory(model) }
    guard let decoder = llm ?? model else {
      guard !refines else {
        throw ValidationError("these options are of a published model: name its decoder with --llm")
      }
      return nil
    }
    return .parts(
      ModelParts(
        llm: decoder, vision: vision, mgvq: mgvq, adapter: adapter, randomAnchorSeed: randomAnchorProjector,
        vocoTokens: vocoTokens, visualTokens: visualTokens))
  }
}

/// A checkpoint to open, and the precision to hold it in.
package struct ModelOpening: Sendable {
  package let source: CheckpointSource
  package var precision = Precision.exact
  /// Whether runs are shown in 8 bits until the exact ones are there.
  package var showsPreview = false

  package init(source: CheckpointSource, precision: Precision = .exact, showsPreview: Bool = false) {
    (self.source, self.precision, self.showsPreview) = (source, precision, showsPreview)
  }

  /// The same in 8 bits; `nil` where only exact runs are shown.
  package var preview: ModelOpening? { showsPreview ? ModelOpening(source: source, precision: .int8) : nil }

  /// Opens the model; integers that have to be made go beside the checkpoint or into the user's cache.
  package func open(progress: @escaping @Sendable (StageProgress) -> Void = { _ in }) throws -> Pipeline {
    try Pipeline(
      opening: source, version: programVersion, precision: precision,
      cacheDirectory: UserConfiguration.cacheDirectory(ProcessInfo.processInfo.environment), progress: progress)
  }
}

extension ModelOpening {
  /// What a file that `verify --out`, `probe` or `eval` wrote shows of this model.
  package func evidence(_ path: String) throws -> [Action] {
    let checkpoint = try source.open()
    let provenance = Provenance(
      version: programVersion, imageName: "", imageWidth: 0, imageHeight: 0, imageSHA256: "",
      modelName: checkpoint.name,
      configSHA256: checkpoint.configSHA256, weightsSHA256: checkpoint.weightsSHA256, prompt: "")
    return try VerifyReport.actions(path, of: provenance, precision: .own(precision))
  }
}

/// Something the command line asked for that cannot be done, in one sentence.
package struct UsageProblem: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// The program's version, as `--version` prints it and a trace records it.
package let programVersion = "0.1.0"

/// What `--precision` takes.
package enum PrecisionChoice: String, CaseIterable, ExpressibleByArgument, Sendable {
  case exact, int8, progressive
}

extension Precision: ExpressibleByArgument {}
