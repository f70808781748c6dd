package import CursesTerminal
package import DemoTour
import Dispatch
import Evidence
import Experiments
import HTCVLM
import Inspector
import Synchronization
package import TerminalUI
import Trace

/// Runs the demo's pictures through the model, one after another, on a thread of its own.
package final class DemoWorker: Sendable {
  private let queue = DispatchQueue(label: "vocoscope.demo", qos: .userInitiated)
  private let paths: [String]
  private let model: ModelOpening
  private let prompt: String?
  private let cancellation = CancellationFlag()
  private let state = Mutex(State())

  private struct State {
    var pipeline: Pipeline?
    var finished: [DemoAction] = []
    var failure: (any Error)?
    /// Pictures that are waiting or under way.
    var wanted: Set<Int> = []
  }

  package init(paths: [String], model: ModelOpening, prompt: String?) {
    self.paths = paths
    self.model = model
    self.prompt = prompt
  }

  func cancel() { cancellation.cancel() }

  /// Results since the last call; throws the first failure.
  func takeAll() throws -> [DemoAction] {
    try state.withLock { state in
      if let failure = state.failure { throw failure }
      defer { state.finished = [] }
      return state.finished
    }
  }

  /// Queues a picture, unless it is on its way.
  package func prepare(_ index: Int) {
    guard state.withLock({ $0.wanted.insert(index).inserted }) else { return }
    queue.async { [self] in
      do {
        try run(index)
      } catch is CancellationError {
        return
      } catch {
        state.withLock { $0.failure = error }
        CursesTerminal.wake()
      }
      _ = state.withLock { $0.wanted.remove(index) }
    }
  }

  private func post(_ action: DemoAction) {
    state.withLock { $0.finished.append(action) }
    CursesTerminal.wake()
  }

  private func run(_ index: Int) throws {
    let picture = try PictureSource(path: paths[index])
    post(.picture(index, picture.image))
    let pipeline = try openedPipeline()
    let question = try question(for: picture.name)
    let options = GenerationOptions(maxNewTokens: 16)
    let trace = try pipeline.trace(
      picture, Pipeline.Request(prompt: question.text, options: options), cancellation: cancellation)
    let events = Mutex<[CompressionEvent]>([.facts(CompressionFacts(pipeline, options: options))])
    var dialogue = CompressionDialogue(
      pipeline.model, sources: VisualSource.allCases, options: options, run: RunContext(cancellation: cancellation)
    ) { event in events.withLock { $0.append(event) } }
    try dialogue.add(
      try pipeline.cache(picture, cancellation: cancellation), name: picture.name, sha256: picture.sha256, seconds: nil)
    try dialogue.ask(question.text, keepsTurns: false)
    var compression = CompressionState()
    for event in events.withLock({ $0 }) { compression.apply(event) }
    guard let content = DemoContent(name: picture.name, trace: trace, compression: compression, right: question.right)
    else { throw UsageProblem("\(paths[index]): the run has no attention of <voco> to show") }
    post(.content(index, content))
  }

  /// The question asked for, or the first of those made for the picture.
  private func question(for name: String) throws -> FamilyQuestion {
    if let prompt { return FamilyQuestion(family: "", text: prompt, right: nil) }
    return try AssetLocator.process.familyQuestions(for: name)[0]
  }

  private func openedPipeline() throws -> Pipeline {
    if let pipeline = state.withLock({ $0.pipeline }) { return pipeline }
    let pipeline = try model.open()
    state.withLock { $0.pipeline = pipeline }
    return pipeline
  }
}

/// The demo's run loop: time and keys go in, frames come out; the model runs on the worker.
package struct DemoSession {
  package let terminal: CursesTerminal
  package let worker: DemoWorker
  package let pictures: PictureRenderer

  /// Time between two frames while nothing else happens, in milliseconds.
  private static let frame = 80

  package init(terminal: CursesTerminal, worker: DemoWorker, pictures: PictureRenderer) {
    self.terminal = terminal
    self.worker = worker
    self.pictures = pictures
  }

  /// Until the end or a key; throws what the worker could not do.
  package func run(_ initial: DemoState) throws {
    var demo = initial
    guard perform(demo.begin()) else { return }
    terminal.draw(view(demo, pictures: pictures))
    var last = ContinuousClock.now
    while true {
      let event = terminal.nextEvent(timeoutMilliseconds: Self.frame)
      var actions = try worker.takeAll()
      if let event { actions.append(.input(event)) }
      let now = ContinuousClock.now
      actions.append(.tick((now - last) / .seconds(1)))
      last = now
      for action in actions where !perform(update(&demo, action)) { return }
      terminal.draw(view(demo, pictures: pictures))
    }
  }

  private func perform(_ effects: [DemoEffect]) -> Bool {
    for effect in effects {
      switch effect {
      case .prepare(let index): worker.prepare(index)
      case .redraw: terminal.redraw()
      case .suspend: terminal.suspend()
      case .quit:
        worker.cancel()
        return false
      }
    }
    return true
  }
}
