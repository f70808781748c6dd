import ArgumentParser
import Evidence
import Experiments
import Files
import Foundation
import HTCVLM
import Reports
import Sessions
import Trace

enum AnswerFrom: String, CaseIterable, ExpressibleByArgument {
  case voco, full, none, all

  var sources: [VisualSource] {
    switch self {
    case .voco: [.voco]
    case .full: [.full]
    case .none: [.none]
    case .all: VisualSource.allCases
    }
  }
}

/// `vocoscope ask`: answers from all visual tokens, from `<voco>` and from no picture, side by side, with their bill.
struct AskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ask",
    abstract: "Answer from all visual tokens, from <voco> and from no picture, side by side, and say what each costs.",
    discussion: """
      The last argument is the question; the pictures before it are one conversation, each one <voco> token. Answers \
      stream token by token with the probability of each, up to where they part. A LLaVA has no <voco>: it answers from all \
      visual tokens and from no picture. --then asks on: the pictures' keys and \
      values are used again, and what was reused and what was computed is printed.
      """)

  @Argument(help: ArgumentHelp("PNG or JPEG pictures, then the question.", valueName: "image> … <question"))
  var arguments: [String]

  @Option(help: "What to answer from.")
  var from = AnswerFrom.all

  @Option(
    name: .customLong("then"), parsing: .singleValue,
    help: ArgumentHelp("Ask this as well; may be given again.", valueName: "question"))
  var followUps: [String] = []

  @Flag(help: "Follow-up questions see the questions and answers before them; without it, only the pictures.")
  var keepTurns = false

  @Flag(help: "Ask one question a family, and print what <voco> kept and what it lost.")
  var families = false

  @Option(help: "How to print it.")
  var format = AnswerFormat.text

  @OptionGroup var model: ModelOptions
  @OptionGroup var sampling: SamplingOptions

  mutating func validate() throws {
    guard arguments.count >= 2 else { throw ValidationError("name at least one picture and, last, the question") }
    guard sampling.maxNewTokens > 0 else { throw ValidationError("--max-new-tokens is 0, and ask prints answers") }
    try model.refuseProgressive()
  }

  func run() throws {
    sampling.applyThreads()
    let pictures = try arguments.dropLast().map { try PictureSource(path: $0) }
    let pipeline = try model.opening().open()
    if from == .voco, !pipeline.model.hasVoco {
      throw ModelError.noVoco(family: pipeline.checkpoint.family)
    }
    let cancellation = CancellationFlag()
    let printer = AnswerPrinter(streams: format == .text, stopping: cancellation)
    do {
      try converse(about: pictures, pipeline, printer, cancellation)
      try pipeline.checkpoint.weights.checkUnchanged()
    } catch {
      try printer.check()
      throw error
    }
    try printer.finish(format)
  }

  private func converse(
    about pictures: [PictureSource], _ pipeline: Pipeline, _ printer: AnswerPrinter, _ cancellation: CancellationFlag
  ) throws {
    printer.apply(.facts(CompressionFacts(pipeline, options: sampling.generation)))
    let progress = ProgressLine()
    var dialogue = CompressionDialogue(
      pipeline.model, sources: from.sources, options: sampling.generation, run: RunContext()
    ) { printer.apply($0) }
    var first: VisualCache?
    for picture in pictures {
      dialogue.run = RunContext(progress: { progress.show($0) })
      let cache = try dialogue.add(picture, encoded: pipeline.model.encode(picture.image, run: dialogue.run))
      progress.clear()
      if first == nil { first = cache }
    }
    dialogue.run = RunContext(cancellation: cancellation)
    for (index, question) in ([arguments[arguments.count - 1]] + followUps).enumerated() {
      try dialogue.ask(question, keepsTurns: keepTurns && index > 0)
    }
    if families, let first {
      try dialogue.families(try AssetLocator.process.familyQuestions(for: pictures[0].name), about: first)
    }
  }
}
