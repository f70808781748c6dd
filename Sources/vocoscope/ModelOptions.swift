import ArgumentParser

/// Which checkpoint to use; shared by every subcommand that runs the model.
struct ModelOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("Checkpoint directory. Without it, the bundled demo checkpoint.", valueName: "dir"))
  var model: String?

  /// The checkpoint directory to open.
  func directory() throws -> String {
    try model ?? Self.bundled()
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

/// Something the command line asked for that cannot be done, in one sentence.
struct UsageProblem: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
