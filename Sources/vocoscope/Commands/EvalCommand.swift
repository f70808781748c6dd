import ArgumentParser
import Evaluation
import Experiments
import Files
import Foundation
import HTCVLM
import JSON
import PanelExport
import Plots
import Reports
import Sessions
import Statistics
import Trace

extension Benchmark: ExpressibleByArgument {}
extension VisualSource: ExpressibleByArgument {}

extension EvalIntervention.Keys: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}

/// What `eval --swap` takes from another picture.
enum SwappedPart: String, CaseIterable, ExpressibleByArgument {
  case anchors
}

/// How the intervals of accuracies are computed.
enum IntervalOption: String, CaseIterable, ExpressibleByArgument {
  case wilson, pictures
}

/// `vocoscope eval`: how many questions models answer rightly, side by side, and what compression retains.
struct EvalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Ask models a benchmark's questions and score the answers by its rules.",
    discussion: """
      Without questions, the bundled ones are asked. With --out, an interrupted run goes on where it was; the parts that \
      --shard makes are put together by 'vocoscope eval merge PART… --out FILE', and FILE is then scored by \
      'vocoscope eval QUESTIONS --model FILE'.

      With --lower and --upper, retention is the mean over families of (result − lower) / (upper − lower). Families \
      whose bounds lie within ten points of each other are reported but not counted.
      """,
    subcommands: [EvalMergeCommand.self])

  @Argument(
    help: ArgumentHelp("The benchmark's question file, or the directory it is released as.", valueName: "questions"))
  var sources: [String] = []

  @Option(help: ArgumentHelp("Where the pictures are. Without it, beside the questions.", valueName: "dir"))
  var images: String?

  @Option(
    name: .customLong("model"),
    help: ArgumentHelp(
      "A checkpoint directory to ask, or a file of answers that --out left; may be repeated. Without it, the bundled "
        + "demo checkpoint.", valueName: "dir|file"))
  var models: [String] = []

  @OptionGroup var publishedParts: PartsOptions

  @Option(help: "Whose files and rules: llava is LLaVA's question format with answers, scored by exact match.")
  var benchmark = Benchmark.llava

  @Option(
    help: ArgumentHelp("Where the right answers are, for benchmarks that keep them apart.", valueName: "file|dir"))
  var annotations: String?

  @Flag(inversion: .prefixedNo, help: "MMBench: ask every rotation of the options.")
  var circular = true

  @Option(help: "ScienceQA: which split to ask.")
  var split = "test"

  @Option(
    help: ArgumentHelp(
      "What the text may attend to: voco alone, everything, or no picture at all. Without it voco, or everything in a "
        + "model without voco.", valueName: "source"))
  var from: VisualSource?

  @Option(
    help: ArgumentHelp(
      "The lower bound of retention: a checkpoint directory, asked from voco, or a file of answers.",
      valueName: "dir|file"))
  var lower: String?

  @Option(
    help: ArgumentHelp(
      "The upper bound of retention: a checkpoint directory, asked from everything, or a file of answers.",
      valueName: "dir|file"))
  var upper: String?

  @Option(
    help: ArgumentHelp(
      "Ask each checkpoint once more without voco's edges to these keys, in every layer and head: what they are worth in right answers; may be repeated.",
      valueName: "anchors|patches|random:n"))
  var cut: [EvalIntervention.Keys] = []

  @Option(help: "Ask each checkpoint once more with another picture's anchors in the place of the picture's own.")
  var swap: SwappedPart?

  @Option(help: "95 % intervals: Wilson's, or resampled over pictures.")
  var intervals = IntervalOption.wilson

  @Option(help: "Seed of the resampling, and of what --cut and --swap draw.")
  var seed: UInt64 = 0

  @Option(help: "The most tokens to answer with.")
  var maxNewTokens = 128

  @Option(help: "Whether decoder and tower are asked with their matrices as they are or as 8-bit integers.")
  var precision = Precision.exact

  @OptionGroup var hashing: HashOptions

  @OptionGroup var threads: ThreadOptions

  @Option(
    help: ArgumentHelp("Draw what --cut and --swap cost as well: PNG, SVG or PDF, as its name ends.", valueName: "file")
  )
  var figure: String?

  @Option(help: "How to print it.")
  var format = ReportFormat.text

  @Option(
    help: ArgumentHelp(
      "Keep the answers in this file, and go on from it; with several checkpoints, each has its name put into it.",
      valueName: "answers.jsonl"))
  var out: String?

  @Option(help: ArgumentHelp("Ask only part i of n; prints no scores.", valueName: "i/n"))
  var shard: String?

  @Flag(help: "The same as 'eval merge': the arguments are the parts of one run.")
  var merge = false

  mutating func validate() throws {
    if merge {
      guard !sources.isEmpty else { throw ValidationError("there is no part to merge") }
      guard out != nil else { throw ValidationError("merging needs --out: the file that gets all answers") }
      return
    }
    guard sources.count <= 1 else {
      throw ValidationError("\(sources[1]): one run asks the questions of one file or directory")
    }
    guard (lower == nil) == (upper == nil) else {
      throw ValidationError("--lower and --upper go together: retention needs both")
    }
    if let from, from != .voco, !cut.isEmpty || swap != nil {
      throw ValidationError("--cut and --swap change what voco reads: the text must be asked --from voco")
    }
    if let figure {
      try checkFigureName(figure)
      guard shard == nil else { throw ValidationError("--shard prints no scores, so there is nothing for --figure") }
      guard !cut.isEmpty || swap != nil || models.count > 1 else {
        throw ValidationError("--figure draws what --cut and --swap cost: ask for one of them")
      }
    }
    guard maxNewTokens >= 1 else { throw ValidationError("--max-new-tokens is \(maxNewTokens), expected at least 1") }
    if let shard {
      do { _ = try Shard(shard) } catch { throw ValidationError("--shard: \(error)") }
      if out == nil { throw ValidationError("--shard needs --out: a part prints no scores, its answers are merged") }
    }
  }

  func run() throws {
    if let figure { try InputFiles.refuse(figure) }
    if merge, let out { return try EvalMergeCommand.put(sources, together: out) }
    threads.apply()
    let contestants = try contestants()
    try hashing.apply(to: contestants.compactMap(\.checkpoint))
    let run = EvalRun(
      questions: try QuestionSet(benchmark, path: questions(), options: options), images: try imageFolder(),
      settings: EvalRun.Settings(
        maxNewTokens: maxNewTokens, precision: precision, shard: try shard.map { try Shard($0) } ?? .whole, seed: seed,
        version: programVersion)
    ) { try ModelOpening(source: $0, precision: $1).open() }
    let line = ProgressLine()
    defer { line.clear() }
    let answers = try run.answers(of: contestants, savingTo: out) { line.show($1, prefix: $0 + " ") }
    line.clear()
    try tellWarnings(answers)
    guard shard == nil else { return }
    let bounds = lower.map { _ in
      Comparison.Bounds(lower: contestants.count - 2, upper: contestants.count - 1)
    }
    let bootstrap = ClusterBootstrap(seed: seed)
    let report = EvaluationReport(
      Comparison(
        run.questions, answers: answers.map { ($0.name, $0.answers) },
        method: intervals == .wilson ? .wilson : .clusterBootstrap(bootstrap), bounds: bounds, bootstrap: bootstrap),
      sources: answers.map(\.source), version: programVersion)
    if let figure { try draw(report, to: figure) }
    switch format {
    case .text: try StandardStream.output.write(report.text)
    case .json: try StandardStream.output.write(json: report.json.document)
    case .csv: try StandardStream.output.write(report.csv)
    }
  }

  private func draw(_ report: EvaluationReport, to path: String) throws {
    guard !report.effects.isEmpty else {
      throw UsageProblem("--figure draws what --cut and --swap cost: none of these answers is of a run with one")
    }
    let weights = Set(report.sources.map { String($0.header.modelSHA256.suffix(64).prefix(12)) }).sorted()
    let source =
      "\(URL(fileURLWithPath: report.comparison.file).lastPathComponent), questions \(report.sources[0].header.questionsSHA256.prefix(12)), weights "
      + "\(weights.joined(separator: " ")), vocoscope \(programVersion)"
    try AccuracyFigure(report.effects.map(\.change), source: source).figure.write(to: path)
  }

  /// How many pictures' files had something wrong with them, and the first of them, on standard error.
  private func tellWarnings(_ answers: [EvalAnswers]) throws {
    let warnings = Set(answers.flatMap(\.pictureWarnings)).sorted()
    guard !warnings.isEmpty else { return }
    let rest = warnings.count > Self.mostWarnings ? ["…"] : []
    let lines = ["vocoscope: pictures decoded in spite of a warning: \(warnings.count)"]
    try StandardStream.error.write(
      (lines + (warnings.prefix(Self.mostWarnings) + rest).map { "  \($0)" }).map { $0 + "\n" }.joined())
  }

  private static let mostWarnings = 5

  private var options: QuestionSet.Options {
    QuestionSet.Options(annotations: annotations, circular: circular, split: split)
  }

  /// The models in the order of the report: those to be judged, then the bounds.
  private func contestants() throws -> [EvalContestant] {
    let assembled = try publishedParts.source().map { EvalContestant($0, from: from) }
    let named = models.isEmpty && assembled == nil ? [try ModelOptions.bundled()] : models
    let judged = named.map { EvalContestant(path: $0, from: from) } + [assembled].compactMap { $0 }
    let bounds = [
      lower.map { EvalContestant(path: $0, from: .voco) }, upper.map { EvalContestant(path: $0, from: .full) },
    ].compactMap { $0 }
    let interventions = cut.map { EvalIntervention.cut($0) } + (swap == nil ? [] : [.swapAnchors])
    let changed = judged.map { contestant in interventions.compactMap { contestant.under($0) } }
    guard interventions.isEmpty || changed.contains(where: { !$0.isEmpty }) else {
      throw UsageProblem("--cut and --swap ask a checkpoint again: a file of answers has none")
    }
    return zip(judged, changed).flatMap { [$0] + $1 } + bounds
  }

  private func questions() throws -> String {
    if let named = sources.first { return named }
    guard let bundled = AssetLocator.process.locate("evaluation/questions.jsonl") else {
      throw UsageProblem("the bundled questions were not found beside the program or above it; name a file of them")
    }
    return bundled
  }

  private func imageFolder() throws -> String {
    if let images { return images }
    let questions = try questions()
    if Directory.exists(questions) { return questions }
    return URL(fileURLWithPath: questions).deletingLastPathComponent().path
  }
}

/// `vocoscope eval merge`: the parts of one run in one file.
struct EvalMergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", _superCommandName: "vocoscope eval",
    abstract: "Put the parts that 'eval --shard' made together, in the order of the questions.")

  @Argument(help: ArgumentHelp("Files that 'vocoscope eval --shard i/n --out' wrote.", valueName: "part"))
  var parts: [String]

  @Option(help: ArgumentHelp("The file that gets all answers.", valueName: "answers.jsonl"))
  var out: String

  func run() throws { try Self.put(parts, together: out) }

  static func put(_ parts: [String], together out: String) throws {
    let merged = try ResultsFile.merge(parts, to: out)
    try StandardStream.output.write("\(out): \(merged.records.count) answers of \(merged.header.model)\n")
  }
}
