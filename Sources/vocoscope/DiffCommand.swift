import ArgumentParser
import Evidence
import Experiments
import Files
import Foundation
import Reports
import Safetensors

/// `vocoscope diff`: two checkpoints tensor by tensor.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare two checkpoints tensor by tensor: what is missing, equal, or changed and by how much.",
    discussion: """
      Directories in any layout, or files of weights. The exit code is 0 if every tensor is in both with equal values, 1 \
      if not, 2 if they cannot be compared. A relative change is the Frobenius norm of the difference over that of the \
      first.
      """)

  @Argument(help: "The first checkpoint: a directory, a .safetensors or .pt file, or a name in the Hugging Face cache.")
  var first: String

  @Argument(help: "The second.")
  var second: String

  @Flag(help: "List equal tensors as well.")
  var all = false

  @Option(help: "How to print it.")
  var format = AnswerFormat.text

  func run() throws {
    let progress = ProgressLine()
    let diff: CheckpointDiff
    do {
      diff = try CheckpointDiff(first, second) { done, count in progress.show("\(done)/\(count) tensors") }
      progress.clear()
    } catch {
      progress.clear()
      try StandardStream.error.write("vocoscope: \(error)\n")
      throw ExitCode(2)
    }
    switch format {
    case .json:
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      try StandardStream.output.write(String(decoding: try encoder.encode(diff), as: UTF8.self) + "\n")
    case .text:
      let tally = CheckpointDiff.Status.allCases.filter { diff.count($0) > 0 }.map {
        "\(diff.count($0)) \($0.rawValue)"
      }
      let lines = diff.rows.filter { all || $0.status != .equal }.map(Self.line)
      try StandardStream.output.write(
        (lines + ["tensors  \(tally.joined(separator: ", "))"]).map { $0 + "\n" }.joined())
    }
    if !diff.isEqual { throw ExitCode(1) }
  }

  private static func line(_ row: CheckpointDiff.Row) -> String {
    let status = row.status.rawValue.padding(toLength: 18, withPad: " ", startingAt: 0)
    let types =
      row.dtypes.count == 2 && row.dtypes[0] == row.dtypes[1] ? row.dtypes[0] : row.dtypes.joined(separator: " → ")
    var line = "\(status) \(printableName(row.name))  \(types) \(row.shape)"
    if row.status == .changed, let change = row.change {
      let relative = change.relative.map { String(format: "%.3g", $0) } ?? "from zero"
      line += "  relative \(relative), largest \(String(format: "%.3g", change.largest)), \(change.changed) elements"
      if change.nonFinite > 0 { line += ", \(change.nonFinite) not finite" }
    }
    return line
  }
}
