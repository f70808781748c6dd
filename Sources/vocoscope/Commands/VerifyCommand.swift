import ArgumentParser
import Evaluation
import Experiments
import Files
import Foundation
import HTCVLM
import Reports
import Tensor

/// `vocoscope verify`: does `<voco>` prioritise the anchors? Three claims, their controls and a verdict with its rule.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Judge over many pictures whether <voco> prioritises the anchors, with controls.",
    discussion: """
      Three claims are tested apart: voco attends to the anchors, what varies in their values contributes, and the answer \
      follows what they hold when another picture's are put in their place. Each is yes, no or undecided by a rule that \
      is printed with it. With --out, an interrupted run \
      goes on where it was; the parts that --shard makes are put together by 'vocoscope verify merge STATE…'.
      """)

  @Argument(
    help: ArgumentHelp(
      "PNG or JPEG pictures, directories of them, or .txt files that list one a line.", valueName: "source"))
  var sources: [String]

  @OptionGroup var model: ModelOptions

  @Option(
    name: .shortAndLong,
    help: "A question to ask about every picture; several give a verdict each, in one run.")
  var prompt: [String] = []

  @Option(help: "Seed of every random draw; the same seed prints the same bytes.")
  var seed: UInt64 = 0

  @Option(help: "How to print it.")
  var format = ReportFormat.text

  @Option(help: ArgumentHelp("Keep the state in this file, and go on from it.", valueName: "state.jsonl"))
  var out: String?

  @Option(help: ArgumentHelp("Do only part i of n; prints no verdict.", valueName: "i/n"))
  var shard: String?

  @Option(
    help: ArgumentHelp("Write a page with its figures and the JSON into this directory as well.", valueName: "dir"))
  var report: String?

  @Option(
    help: ArgumentHelp(
      "Draw the paper's heat map of the first 16 pictures, with all visual keys beside it: PNG, SVG or PDF, as its name ends.",
      valueName: "file"))
  var figure: String?

  @Flag(
    inversion: .prefixedNo,
    help: "Run the control of 39 models of permuted weights. Without either, in models of at most 1e9 parameters.")
  var randomModels: Bool?

  @Flag(help: "The sources are states of all parts of a run: put them together and print the verdict.")
  var merge = false

  mutating func validate() throws {
    if prompt.contains(where: { text in prompt.count { $0 == text } > 1 }) {
      throw ValidationError("--prompt names a question twice")
    }
    if let figure, ![".png", ".svg", ".pdf"].contains(where: figure.lowercased().hasSuffix) {
      throw ValidationError("--figure is \(figure), expected a name that ends in .png, .svg or .pdf")
    }
    if shard != nil && (report != nil || figure != nil) {
      throw ValidationError("--shard prints no verdict, so there is nothing for --report and --figure: merge the parts")
    }
    if let shard {
      do { _ = try Shard(shard) } catch { throw ValidationError("--shard: \(error)") }
      if out == nil { throw ValidationError("--shard needs --out: a part prints no verdict, its state is merged") }
    }
  }

  func run() throws {
    if let states { return try show(VerifyReport(VerifyStateFile.merge(states)), pictures: []) }
    InputFiles.remember()
    ComputeBackend.setThreads(ProcessInfo.processInfo.activeProcessorCount)
    let pictures = try VerifyPictures(sources)
    if let figure { try InputFiles.refuse(figure) }
    let progress = ProgressLine()
    defer { progress.clear() }
    let state = try prepare(pictures, progress).finish(shard.map { try Shard($0) } ?? .whole, savingTo: out)
    progress.clear()
    if shard == nil { try show(VerifyReport(state), pictures: pictures.entries.map(\.path)) }
  }

  private func prepare(_ pictures: VerifyPictures, _ progress: ProgressLine) throws -> VerifyRun {
    let pipeline = try model.opening().open()
    let prompts = prompt.isEmpty ? [RunOptions.defaultPrompt] : prompt
    let subject = try VerifySubject(
      pipeline.checkpoint, model: pipeline.model, prompts: prompts, version: programVersion)
    return VerifyRun(
      subject, pictures.files, tensors: pipeline.checkpoint.tensors, preprocessor: pipeline.checkpoint.preprocessor,
      picturesSHA256: pictures.sha256, seed: seed, randomModels: randomModels, progress: { progress.show($0) },
      say: { sentence in
        progress.clear()
        try? StandardStream.error.write(sentence + "\n")
      })
  }

  private func show(_ report: VerifyReport, pictures: [String]) throws {
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

  /// The states to merge: with `--merge`, or after the word `merge` as long as no file has that name.
  private var states: [String]? {
    if merge { return sources }
    guard sources.count > 1, sources[0] == "merge", !FileManager.default.fileExists(atPath: "merge") else { return nil }
    return Array(sources.dropFirst())
  }
}
