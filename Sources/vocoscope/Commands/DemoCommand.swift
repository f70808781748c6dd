import ArgumentParser
import ChafaPictures
import CursesTerminal
import DemoTour
import Files
import Foundation
import HTCVLM
import ImageLoading
import Inspector
import Sessions
import TerminalUI

/// `vocoscope demo`: pictures go through the model by themselves, for a talk or a recording.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Walk through pictures unattended: picture, patches, codes, anchors, mask, voco, answer.",
    discussion: """
      Each stage is held for a moment. space steps on, left back, up and down change the picture, p pauses, q quits. \
      Without pictures, the bundled ones are shown, over and over.
      """)

  @Argument(help: "PNG or JPEG pictures. Without them, the bundled scenes and photos.")
  var images: [String] = []

  @Option(help: "How many seconds a stage is held.")
  var seconds = 4.0

  @Flag(help: "End after the last picture instead of beginning again.")
  var once = false

  @Option(name: .shortAndLong, help: "The question to ask; without it, a question made for the picture.")
  var prompt: String?

  @OptionGroup var model: ModelOptions
  @OptionGroup var display: DisplayOptions

  mutating func validate() throws {
    guard (0.05...3600).contains(seconds) else {
      throw ValidationError("--seconds is \(seconds), expected 0.05 to 3600")
    }
    try model.refuseProgressive()
  }

  func run() throws {
    let paths = images.isEmpty ? try Self.bundled() : images
    // A picture that cannot be read is found before the terminal is touched.
    for path in paths { _ = try PictureSource(path: path) }
    let opening = try model.opening()
    let environment = ProcessInfo.processInfo.environment
    let glyphs = display.glyphs(environment)
    let terminal = try open(environment)
    defer { terminal.restore() }
    let look = Appearance(
      theme: display.themes(environment)[0], glyphs: terminal.isUnicode ? glyphs : .ascii, depth: terminal.depth)
    let names = paths.map { URL(fileURLWithPath: $0).lastPathComponent }
    let worker = DemoWorker(paths: paths, model: opening, prompt: prompt)
    let demo = DemoState(names: names, size: terminal.size, look: look, seconds: seconds, loops: !once)
    try DemoSession(
      terminal: terminal, worker: worker, pictures: PictureRenderer.chafa(display.symbols, look).remembering()
    ).run(demo)
  }

  private func open(_ environment: [String: String]) throws -> CursesTerminal {
    var settings = display.terminal(environment)
    // What moves is drawn in characters: a frame then costs what changed.
    settings.graphics = .symbols
    do {
      return try CursesTerminal(settings)
    } catch .notATerminal {
      throw UsageProblem("the demo needs a terminal; 'vocoscope ask' and 'vocoscope report' print the same without one")
    }
  }

  /// The bundled pictures, scenes first.
  private static func bundled() throws -> [String] {
    guard let folder = AssetLocator.process.locate("images") else {
      throw UsageProblem("the bundled pictures were not found beside the program or above it; name pictures")
    }
    let files = try Directory.ownNames(folder)
      .filter { $0.hasSuffix(".png") || $0.hasSuffix(".jpg") }
    let scenes = files.filter { $0.hasPrefix("scene") }
    return (scenes + files.filter { !$0.hasPrefix("scene") }).map { "\(folder)/\($0)" }
  }
}
