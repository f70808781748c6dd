import Evidence
import Experiments
import Foundation
package import HTCVLM
import Inspector
package import Reports
import Statistics
import Synchronization
package import Trace

/// One run without a screen: a picture, a checkpoint, a prompt.
package struct ModelRun {
  package let picture: PictureSource
  package let pipeline: Pipeline
  package let options: RunOptions
  package let opening: ModelOpening

  /// Decodes the picture and opens the checkpoint; throws the first thing wrong with either.
  package init(image: String, model: ModelOptions, options: RunOptions) throws {
    options.applyThreads()
    picture = try PictureSource(path: image)
    opening = try model.opening()
    pipeline = try opening.open()
    self.options = options
  }

  /// Runs the model; the stages go to standard error where that is a terminal.
  package func trace() throws -> Trace {
    let progress = ProgressLine()
    defer { progress.clear() }
    return try pipeline.trace(
      picture, Pipeline.Request(prompt: options.prompt, options: options.generation),
      progress: { progress.show($0) })
  }
}

extension ModelRun {
  /// What the tokens of prompt and answer attend to.
  func textAttention(_ trace: Trace) throws -> Action {
    .textAttention(
      try pipeline.textAttention(picture, prompt: options.prompt, answer: trace.generation?.tokenIDs ?? []))
  }

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
  package func show(_ progress: StageProgress) {
    guard case .running(let done, let steps) = progress.state else { return }
    let left = progress.secondsLeft.map { ", \(Format.seconds($0)) left" } ?? ""
    show("\(progress.stage.title) \(done)/\(steps)\(left)")
  }
}
