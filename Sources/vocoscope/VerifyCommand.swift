import ArgumentParser
import Evaluation
import Foundation
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

  @Flag(help: "The sources are states of all parts of a run: put them together and print the verdict.")
  var merge = false

  private static let fewestDraws = 200
  private static let mostDraws = 100_000

  mutating func validate() throws {
    guard (Self.fewestDraws...Self.mostDraws).contains(draws) else {
      throw ValidationError("--draws is \(draws), expected \(Self.fewestDraws) to \(Self.mostDraws)")
    }
    if let shard {
      do { _ = try Shard(shard) } catch { throw ValidationError("--shard: \(error)") }
      if out == nil { throw ValidationError("--shard needs --out: a part prints no verdict, its state is merged") }
    }
  }

  func run() throws {
    if let states { return print(try VerifyText(VerifyState.merge(states)).text(format), terminator: "") }
    ComputeBackend.setThreads(ProcessInfo.processInfo.activeProcessorCount)
    let run = try VerifyRun(
      VerifyPictures(sources), modelPath: model.directory(), prompt: prompt, seed: seed, draws: draws)
    let state = try run.finish(shard.map { try Shard($0) } ?? .whole, savingTo: out)
    if shard == nil { print(try VerifyText(state).text(format), terminator: "") }
  }

  /// The states to merge: with `--merge`, or after the word `merge` as long as no file has that name.
  private var states: [String]? {
    if merge { return sources }
    guard sources.count > 1, sources[0] == "merge", !FileManager.default.fileExists(atPath: "merge") else { return nil }
    return Array(sources.dropFirst())
  }
}
