import ArgumentParser
import Experiments
import Files
import Foundation
import HTCVLM
import Inspector
import Reports
import Sessions

/// `vocoscope inspect`, and `vocoscope` alone: a picture and a checkpoint in the terminal.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Open a picture and a checkpoint in the terminal (the default).")

  @Argument(help: "A PNG or JPEG picture. Without it, a bundled photo.")
  var image: String?

  @OptionGroup var model: ModelOptions
  @OptionGroup var asking: RunOptions
  @OptionGroup var display: DisplayOptions

  @Option(
    help: ArgumentHelp(
      "What 'verify --out' wrote, or 'probe' or 'eval --cut' with --format json printed: shown in Verdict; may be repeated.",
      valueName: "file"))
  var evidence: [String] = []

  @OptionGroup var session: SessionOptions
  @OptionGroup var recorded: ReplayOptions
  @OptionGroup var comparison: CompareOptions

  @Flag(help: "Print what the panels show instead of opening them; see 'report' for other formats.")
  var plain = false

  mutating func validate() throws {
    guard recorded.replay == nil else {
      guard session.record == nil else { throw ValidationError("--record and --replay do not go together") }
      return
    }
    if plain {
      try model.refuseProgressive()
    } else {
      try comparison.checkSession(recordedTo: session.record)
    }
  }

  func run() throws {
    if session.record != nil || !recorded.screen.isEmpty { InputFiles.remember() }
    if let file = recorded.replay {
      let session = try RecordedSession(recorded, file: file, image: image, model: model)
      if plain || !recorded.screen.isEmpty { return try session.run(printing: plain) }
      return try session.play(display)
    }
    let image = try imagePath()
    if plain {
      let trace = try ModelRun(image: image, model: model, options: asking)
      return try ReportFormat.text.print(
        try ReportSource.run(trace, compare: comparison).text(.text, evidence: evidence))
    }
    // Everything that can be wrong with the files is found before the terminal is touched.
    let picture = try PictureSource(path: image)
    let opening = try model.opening(showsPreviews: true)
    let verified = try evidence.flatMap { try opening.evidence($0) }
    let compare = try comparison.effects()
    let setup = try SessionSetup(display: display)
    asking.applyThreads()
    try setup.inspect(
      SessionSetup.Subject(
        picture: picture, path: image, model: model, options: asking, evidence: (evidence, verified)),
      session, compare: compare)
  }

  private func imagePath() throws -> String {
    if let image { return image }
    guard let bundled = AssetLocator.process.locate("images/cat.jpg") else {
      throw UsageProblem("the bundled photo was not found beside the program or above it; name a picture")
    }
    return bundled
  }
}

/// `vocoscope view`: a trace file in the terminal, without weights.
struct ViewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "view", abstract: "Open a trace file in the terminal; no weights are needed.")

  @Argument(help: "A file that 'vocoscope trace' wrote.")
  var trace: String

  @Option(help: ArgumentHelp("Write down everything that happens, for --replay.", valueName: "file"))
  var record: String?

  @OptionGroup var comparison: CompareOptions
  @OptionGroup var display: DisplayOptions

  mutating func validate() throws {
    try comparison.checkWithoutModel()
    try comparison.checkSession(recordedTo: record)
  }

  func run() throws {
    if record != nil { InputFiles.remember() }
    let source = try ReportSource.file(trace)
    try SessionSetup(display: display).view(
      source.trace, path: trace, record: record, compare: try comparison.actions())
  }
}
