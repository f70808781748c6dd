import ArgumentParser
import DemoTour
import Files
import Foundation
import HTCVLM
import Inspector
import TerminalUI

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

/// The tour without a screen: goes on by itself as soon as a step is complete.
private struct TourPrinter {
  let picture: PictureSource
  let path: String
  let model: ModelOpening
  let options: RunOptions

  func run() throws {
    let arrived = DispatchSemaphore(value: 0)
    let mailbox = Mailbox { arrived.signal() }
    let worker = ModelWorker(picture: picture, path: path, model: model, options: options, mailbox: mailbox)
    var tour = TourState(
      InspectorState(imageName: picture.name, prompt: options.prompt, size: Size(width: 120, height: 40)))
    _ = tour.take(.picture(picture))
    worker.run(prompt: options.prompt)
    while true {
      arrived.wait()
      for (_, action) in mailbox.takeAll() {
        if case .failed(let sentence) = action { throw UsageProblem(sentence) }
        _ = tour.take(action)
      }
      while tour.isReady {
        let number = tour.step.rawValue + 1
        try StandardStream.output.write("\(number). \(tour.step.title)\n\(tour.text)\n\n")
        for effect in tour.take(.input(.key(" "))) {
          switch effect {
          case .quit: return
          case .knockOut(let request): worker.knockOut(request)
          case .matchedRandom(let request): worker.matchedRandom(request)
          case .compress(let request): worker.compress(request)
          default: break
          }
        }
      }
    }
  }
}
