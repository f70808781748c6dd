import DemoTour
import Files
import Foundation
package import HTCVLM
import Inspector
import TerminalUI

/// The tour without a screen: goes on by itself as soon as a step is complete.
package struct TourPrinter {
  package let picture: PictureSource
  package let path: String
  package let model: ModelOpening
  package let options: RunOptions

  package init(picture: PictureSource, path: String, model: ModelOpening, options: RunOptions) {
    self.picture = picture
    self.path = path
    self.model = model
    self.options = options
  }

  package func run() throws {
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
