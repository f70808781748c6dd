import ArgumentParser
import Evaluation
import Experiments
import Files
import Foundation
import Reports
import Tensor

/// `vocoscope verify`: does `<voco>` prioritise the anchors? Three claims, their controls and a verdict with its rule.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Judge over many pictures whether <voco> prioritises the anchors, with controls.",
    discussion: """
      Three claims are tested apart: voco attends to the anchors, their values contribute, and cutting its edges to them \
      changes the answer. Each is yes, no or undecided by a rule that is printed with it. With --out, an interrupted run \
      goes on where it was; the parts that --shard makes are put together by 'vocoscope verify merge STATE…'.
      """)

  @Argument(
    help: ArgumentHelp(
      "PNG or JPEG pictures, directories of them, or .txt files that list one a line.", valueName: "source"))
  var sources: [String]

  @OptionGroup var model: ModelOptions

  @Option(name: .shortAndLong, help: "The question to ask about every picture.")
  var prompt = "what is in the picture?"

  @Option(help: "Seed of every random draw; the same seed prints the same bytes.")
  var seed: UInt64 = 0

  @Option(help: "Cuts of random patches to compare with, a picture; at least \(fewestDraws).")
  var draws = fewestDraws

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
      "Draw the paper's heat map of the first 16 pictures, with all visual keys beside it.", valueName: "file.png"))
  var figure: String?

  @Flag(
    inversion: .prefixedNo,
    help: "Cut the anchors in every single head too. Without either, in models of at most 256 heads.")
  var everyHead: Bool?

  @Flag(help: "The sources are states of all parts of a run: put them together and print the verdict.")
  var merge = false

  private static let fewestDraws = 200
  private static let mostDraws = 100_000

  mutating func validate() throws {
    guard (Self.fewestDraws...Self.mostDraws).contains(draws) else {
      throw ValidationError("--draws is \(draws), expected \(Self.fewestDraws) to \(Self.mostDraws)")
    }
    if let figure, !figure.lowercased().hasSuffix(".png") {
      throw ValidationError("--figure is \(figure), expected a name that ends in .png")
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
    if let states { return try show(VerifyText(VerifyState.merge(states)), pictures: []) }
    InputFiles.remember()
    ComputeBackend.setThreads(ProcessInfo.processInfo.activeProcessorCount)
    let pictures = try VerifyPictures(sources)
    if let figure { try InputFiles.refuse(figure) }
    let run = try VerifyRun(
      pictures, model: model.opening(), prompt: prompt, seed: seed, draws: draws,
      cutsHeads: everyHead)
    let state = try run.finish(shard.map { try Shard($0) } ?? .whole, savingTo: out)
    if shard == nil { try show(VerifyText(state), pictures: pictures.entries.map(\.path)) }
  }

  private func show(_ text: VerifyText, pictures: [String]) throws {
    let folder = EvidenceFolder(text: text, pictures: pictures)
    if let figure { try folder.writePaperFigure(to: figure) }
    if let report { try folder.write(to: report) }
    try format.print(try text.text(format))
  }

  /// The states to merge: with `--merge`, or after the word `merge` as long as no file has that name.
  private var states: [String]? {
    if merge { return sources }
    guard sources.count > 1, sources[0] == "merge", !FileManager.default.fileExists(atPath: "merge") else { return nil }
    return Array(sources.dropFirst())
  }
}
