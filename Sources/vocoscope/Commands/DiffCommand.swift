import ArgumentParser
import Evidence
import Experiments
import Files
import Reports
import Sessions

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

  /// Whatever fails is code 2: 1 would say that they differ.
  func run() throws {
    let progress = ProgressLine()
    do {
      let diff = try CheckpointDiff(first, second) { done, count in progress.show("\(done)/\(count) tensors") }
      progress.clear()
      try show(diff)
      guard diff.isEqual else { throw ExitCode(1) }
    } catch let code as ExitCode {
      throw code
    } catch {
      progress.clear()
      try? StandardStream.error.write("vocoscope: \(error)\n")
      throw ExitCode(2)
    }
  }

  /// A reader that goes away, as `head` does, has read enough; the exit code still says what was found.
  private func show(_ diff: CheckpointDiff) throws {
    do {
      switch format {
      case .json:
        try StandardStream.output.write(try prettyJSON(diff))
      case .text:
        try StandardStream.output.write(diff.lines(withEqual: all).map { $0 + "\n" }.joined())
      }
    } catch StreamError.closedPipe(.output) {}
  }
}
