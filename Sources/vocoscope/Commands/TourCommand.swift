import ArgumentParser
import Foundation
import HTCVLM
import Sessions

/// `vocoscope tour`: eight steps through the inspector on a sample picture.
struct TourCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tour",
    abstract: "Eight steps through the inspector on a sample picture, from the question to the verdict.",
    discussion: """
      space goes on, backspace back; every other key works as in the inspector. Afterwards you can say what the verdict means.
      """)

  @Argument(help: "A PNG or JPEG picture. Without it, a bundled scene.")
  var image: String?

  @Option(name: .shortAndLong, help: "The question to ask.")
  var prompt = "what object is at the top?"

  @OptionGroup var model: ModelOptions
  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var display: DisplayOptions

  @Flag(help: "Print the steps' words with the numbers of the run instead of opening the inspector.")
  var plain = false

  mutating func validate() throws { try model.refuseProgressive() }

  func run() throws {
    guard let path = image ?? AssetLocator.process.locate("images/scene-1.png") else {
      throw UsageProblem("the bundled scene was not found beside the program or above it; name a picture")
    }
    let picture = try PictureSource(path: path)
    let opening = try model.opening()
    var options = RunOptions()
    (options.prompt, options.sampling) = (prompt, sampling)
    options.applyThreads()
    if plain {
      try TourPrinter(picture: picture, path: path, model: opening, options: options).run()
    } else {
      try SessionSetup(display: display).tour(picture, path: path, model: opening, options: options)
    }
  }
}
