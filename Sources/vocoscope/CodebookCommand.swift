import ArgumentParser
import Files
import Foundation
import HTCVLM
import Tensor

/// `vocoscope codebook`: is the codebook used, are codes and anchors apart, is the checkpoint broken?
struct CodebookCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "codebook",
    abstract: "Say how healthy the quantizer's codebook and the anchors are, alone and over pictures.",
    discussion: """
      Without pictures, the checkpoint alone is judged. The model may be a checkpoint directory, or a bare MGVQ state \
      dict: a safetensors file, or a directory with one. Findings are ok, warning or broken; the exit code is 0 whatever \
      is found.
      """)

  @Argument(
    help: ArgumentHelp(
      "PNG or JPEG pictures, directories of them, or .txt files that list one a line.", valueName: "source"))
  var sources: [String] = []

  @OptionGroup var model: ModelOptions

  @Option(help: "How to print it.")
  var format = ReportFormat.text

  @Option(
    help: ArgumentHelp("Compare the usage with that over these pictures.", valueName: "pictures"))
  var against: [String] = []

  @Option(
    help: ArgumentHelp(
      "Compare the codes, and the usage over the same pictures, with another checkpoint.", valueName: "dir"))
  var againstModel: String?

  @Flag(help: "Run the vision tower too, and compare the anchors with the patch tokens.")
  var patches = false

  @Option(
    help: ArgumentHelp(
      "Tell of one code and where it is chosen: group (from 1) and index, such as 3:88.", valueName: "g:k"))
  var code: String?

  @Option(help: ArgumentHelp("How many of the places where --code fits best to show.", valueName: "n"))
  var exemplars = 12

  @Option(
    help: ArgumentHelp(
      "Write PNG figures into this directory: usage, code map, embedding, places, anchors, exemplars.", valueName: "dir"
    ))
  var plots: String?

  @Option(
    help: ArgumentHelp(
      "Side at which a bare MGVQ state dict encodes pictures; it does not tell itself.", valueName: "pixels"))
  var imageSize = MGVQSource.imageSize

  mutating func validate() throws {
    guard (8...4096).contains(imageSize) else {
      throw ValidationError("--image-size is \(imageSize), expected 8 to 4096")
    }
    guard (1...1000).contains(exemplars) else {
      throw ValidationError("--exemplars is \(exemplars), expected 1 to 1000")
    }
    if let code, CodeName(code) == nil {
      throw ValidationError("--code is '\(code)', expected group and index such as 3:88, groups from 1")
    }
    if !against.isEmpty && sources.isEmpty {
      throw ValidationError("--against needs pictures to compare with: 'vocoscope codebook DIR --against OTHER'")
    }
  }

  func run() throws {
    InputFiles.remember()
    ComputeBackend.setThreads(ProcessInfo.processInfo.activeProcessorCount)
    let run = try CodebookRun(
      MGVQSource(opening: model.opening().source, imageSize: imageSize), imageSize: imageSize, wantsPatches: patches)
    let question = CodebookRun.Question(
      pictures: try VerifyPictures(sources), against: against.isEmpty ? nil : try VerifyPictures(against),
      label: against.joined(separator: ", "), model: againstModel, code: code.flatMap(CodeName.init),
      exemplars: exemplars)
    let answer = try run.answer(question)
    if let plots { _ = try answer.figures.write(to: plots) }
    try format.print(try CodebookText(answer.document).text(format))
  }
}
