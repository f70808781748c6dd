import ArgumentParser
import Evidence
import Experiments
import Files
import Foundation
import HTCVLM
import ImageLoading
import Inspector
import Reports
import Statistics
import Synchronization
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

  func run() throws {
    let run = try ModelRun(image: image, model: model, options: asking)
    try InputFiles.refuse(out)
    try TraceFile.write(try run.trace(), to: out)
  }
}

/// One run without a screen: a picture, a checkpoint, a prompt.
struct ModelRun {
  let picture: PictureSource
  let pipeline: Pipeline
  let options: RunOptions
  let opening: ModelOpening

  /// Decodes the picture and opens the checkpoint; throws the first thing wrong with either.
  init(image: String, model: ModelOptions, options: RunOptions) throws {
    options.applyThreads()
    picture = try PictureSource(path: image)
    opening = try model.opening()
    pipeline = try opening.open()
    self.options = options
  }

  /// Runs the model; the stages go to standard error where that is a terminal.
  func trace() throws -> Trace {
    let progress = ProgressLine()
    defer { progress.clear() }
    return try pipeline.trace(
      picture, Pipeline.Request(prompt: options.prompt, options: options.generation),
      progress: { progress.show($0) })
  }
}

extension ModelRun {
  /// The answers from every source, and what they cost, as the Compression panel gets them.
  func compression(withFamilies: Bool) throws -> [CompressionEvent] {
    let events = Mutex<[CompressionEvent]>([.facts(CompressionFacts(pipeline, options: options.generation))])
    var dialogue = CompressionDialogue(
      pipeline.model, sources: VisualSource.allCases, options: options.generation, run: RunContext()
    ) { event in events.withLock { $0.append(event) } }
    let cache = try dialogue.add(picture, encoded: pipeline.cache(picture).visual)
    try dialogue.ask(options.prompt, keepsTurns: false)
    if withFamilies { try dialogue.families(try AssetLocator.process.familyQuestions(for: picture.name), about: cache) }
    return events.withLock { $0 }
  }
}

extension ProgressLine {
  /// The stage under way, with the time that it still takes where that is known.
  func show(_ progress: StageProgress) {
    guard case .running(let done, let steps) = progress.state else { return }
    let left = progress.secondsLeft.map { ", \(Format.seconds($0)) left" } ?? ""
    show("\(progress.stage.title) \(done)/\(steps)\(left)")
  }
}
