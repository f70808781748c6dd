import ArgumentParser
import Evaluation
import Experiments
import Files
import HTCVLM
import Reports
import Sessions

/// `vocoscope verify`: does `<voco>` prioritise the anchors? Three claims, their controls and a verdict with its rule.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Judge over many pictures whether <voco> prioritises the anchors, with controls.",
    discussion: """
      Three claims are tested apart: voco attends to the anchors, what varies in their values contributes, and the answer \
      follows what they hold when another picture's are put in their place. Each is yes, no or undecided by a rule that \
      is printed with it. With --out, an interrupted run \
      goes on where it was; the parts that --shard makes are put together by 'vocoscope verify merge STATE…'. Parts lend \
      each other pictures: --prepare leaves what all of them need of one part's in a directory, --prepared takes it.
      """,
    subcommands: [VerifyMergeCommand.self])

  @Argument(
    help: ArgumentHelp(
      "PNG or JPEG pictures, directories of them, or .txt files that list one per line.", valueName: "source"))
  var sources: [String]

  @OptionGroup var model: ModelOptions

  @Option(
    name: .shortAndLong,
    help: "A question to ask about every picture; several give a verdict each, in one run.")
  var prompt: [String] = []

  @Option(help: "Seed of every random draw; the same seed prints the same bytes.")
  var seed: UInt64 = 0

  @OptionGroup var verdict: VerdictOptions

  @Option(help: ArgumentHelp("Keep the state in this file, and go on from it.", valueName: "state.jsonl"))
  var out: String?

  @Option(help: ArgumentHelp("Do only part i of n; prints no verdict.", valueName: "i/n"))
  var shard: String?

  @Option(
    help: ArgumentHelp(
      "Measure nothing yet, but leave in this directory what all parts need of the pictures, or of part i of them.",
      valueName: "dir"))
  var prepare: String?

  @Option(
    help: ArgumentHelp(
      "Take from this directory what --prepare left there; what is missing is worked out.", valueName: "dir"))
  var prepared: String?

  @Option(
    help: ArgumentHelp(
      "Keep pictures in at most so much memory: what does not fit is computed again when it is measured or lends to another picture.",
      valueName: "GiB"))
  var memory = Double(VerifyRun.room >> 30)

  @Flag(
    inversion: .prefixedNo,
    help: "Run the control of 39 models of permuted weights. Without either, in models of at most 1e9 parameters.")
  var randomModels: Bool?

  @Flag(help: .hidden)
  var noEveryHead = false

  @Flag(help: "The same as 'verify merge': the sources are the states of all parts of one run.")
  var merge = false

  @OptionGroup var threads: ThreadOptions

  private static let mostMemory = 65_536.0

  mutating func validate() throws {
    try model.refuseProgressive()
    if prompt.contains(where: { text in prompt.count { $0 == text } > 1 }) {
      throw ValidationError("--prompt names a question twice")
    }
    if shard != nil && (verdict.report != nil || verdict.figure != nil) {
      throw ValidationError("--shard prints no verdict, so there is nothing for --report and --figure: merge the parts")
    }
    if let shard {
      do { _ = try Shard(shard) } catch { throw ValidationError("--shard: \(error)") }
      if out == nil, prepare == nil {
        throw ValidationError("--shard needs --out: a part prints no verdict, its state is merged")
      }
    }
    guard (0...Self.mostMemory).contains(memory) else {
      throw ValidationError("--memory is \(memory), expected 0 to \(Int(Self.mostMemory)) GiB")
    }
    if prepare != nil, out != nil || prepared != nil || verdict.report != nil || verdict.figure != nil {
      throw ValidationError(
        "--prepare judges nothing: --out, --prepared, --report and --figure are of the runs after it")
    }
  }

  func run() throws {
    if noEveryHead {
      try StandardStream.error.write(
        "vocoscope: --no-every-head has nothing to leave out any more: heads are tested without runs of their own\n")
    }
    if merge {
      guard out == nil, shard == nil, prompt.isEmpty, prepare == nil, prepared == nil else {
        throw ValidationError(
          "merging measures nothing: --out, --shard, --prompt, --prepare and --prepared are of the runs before it"
        )
      }
      return try VerifyMergeCommand.judge(sources, verdict)
    }
    threads.apply()
    let pictures = try VerifyPictures(sources)
    if let figure = verdict.figure { try InputFiles.refuse(figure) }
    let progress = ProgressLine()
    defer { progress.clear() }
    let shard = try shard.map { try Shard($0) } ?? .whole
    let run = try opened(pictures, progress)
    if let prepare { return try run.prepare(shard, into: prepare) }
    let state = try run.finish(shard, savingTo: out)
    progress.clear()
    if self.shard == nil { try verdict.show(VerifyReport(state), pictures: pictures.entries.map(\.path)) }
  }

  private func opened(_ pictures: VerifyPictures, _ progress: ProgressLine) throws -> VerifyRun {
    let pipeline = try model.opening().open()
    let prompts = prompt.isEmpty ? [RunOptions.defaultPrompt] : prompt
    let subject = try VerifySubject(
      pipeline.checkpoint, model: pipeline.model, prompts: prompts, version: programVersion)
    let known = try prepared.map { try PreparedPictures($0, run: subject.evidenceRun(seed: seed)) }
    return VerifyRun(
      subject, pictures.files, tensors: pipeline.checkpoint.tensors, preprocessor: pipeline.checkpoint.preprocessor,
      picturesSHA256: pictures.sha256, seed: seed, randomModels: randomModels,
      pictureWarnings: prepare == nil ? try pictures.warnings(beside: known) : [], prepared: known,
      room: Int(memory * Double(1 << 30)),
      check: { try pipeline.checkpoint.weights.checkUnchanged() },
      progress: { progress.show($0) },
      say: { sentence in
        progress.clear()
        try? StandardStream.error.write(sentence + "\n")
      })
  }
}

/// Throws unless the name ends as a figure's.
func checkFigureName(_ path: String) throws {
  guard [".png", ".svg", ".pdf"].contains(where: path.lowercased().hasSuffix) else {
    throw ValidationError("--figure is \(path), expected a name that ends in .png, .svg or .pdf")
  }
}

/// Where a verdict goes.
struct VerdictOptions: ParsableArguments {
  @Option(help: "How to print it.")
  var format = ReportFormat.text

  @Option(
    help: ArgumentHelp("Write a page with its figures and the JSON into this directory as well.", valueName: "dir"))
  var report: String?

  @Option(
    help: ArgumentHelp(
      "Draw the paper's heat map of the first 16 pictures, with all visual keys beside it: PNG, SVG or PDF, as its name ends.",
      valueName: "file"))
  var figure: String?

  mutating func validate() throws {
    if let figure { try checkFigureName(figure) }
  }

  func show(_ report: VerifyReport, pictures: [String]) throws {
    let folder = EvidenceFolder(report, pictures: pictures)
    if let figure { try folder.writePaperFigure(to: figure) }
    if let path = self.report { try folder.write(to: path) }
    let document =
      switch format {
      case .text: report.text
      case .json: try report.json
      case .csv: report.csv
      }
    try format.print(document)
  }
}

/// `vocoscope verify merge`: the verdict over all parts of one run.
struct VerifyMergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", _superCommandName: "vocoscope verify",
    abstract: "Put the parts that 'verify --shard' made together, and print their verdict.")

  @Argument(help: ArgumentHelp("States that 'vocoscope verify --shard i/n --out' wrote.", valueName: "state.jsonl"))
  var states: [String]

  @OptionGroup var verdict: VerdictOptions

  func run() throws { try Self.judge(states, verdict) }

  static func judge(_ states: [String], _ verdict: VerdictOptions) throws {
    try verdict.show(VerifyReport(VerifyStateFile.merge(states)), pictures: [])
  }
}
