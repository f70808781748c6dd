import ArgumentParser
import Files
import Foundation
import Sessions
import Trace

/// `vocoscope trace`: one run, every intermediate in a file.
struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Run the model once and write every intermediate to a safetensors file.")

  @Argument(help: "A PNG or JPEG picture.")
  var image: String

  @OptionGroup var model: ModelOptions
  @OptionGroup var asking: RunOptions

  @Option(help: ArgumentHelp("The file to write; `vocoscope view` opens it.", valueName: "file.safetensors"))
  var out: String

  mutating func validate() throws { try model.refuseProgressive() }

  func run() throws {
    let run = try ModelRun(image: image, model: model, options: asking)
    try InputFiles.refuse(out)
    try TraceFile.write(try run.trace(), to: out)
  }
}
