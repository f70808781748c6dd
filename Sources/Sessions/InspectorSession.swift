import CursesTerminal
import Dispatch
import HTCVLM
import Inspector
import Synchronization
import TerminalUI

/// The run loop: input and finished work become actions, `update` turns them into state and effects, `view` into a frame.
///
/// It lives on the main thread with the terminal; whatever takes long runs on the worker and posts actions back.
struct InspectorSession {
  /// `nil` where a session is replayed without one.
  let terminal: CursesTerminal?
  let mailbox: Mailbox
  /// Runs the model; `nil` when only a trace is open.
  let worker: ModelWorker?
  /// `nil` while a session is replayed: nothing is written then.
  var exporter: Exporter?
  let pictures: PictureRenderer
  /// Where what happens is written down.
  var recording: SessionRecording?
  /// Where it is kept how pictures are left.
  var memory: PictureMemory?

  /// Runs until the person quits.
  func run(_ initial: some InspectorProgram, first effects: [Effect]) {
    guard let terminal else { preconditionFailure("a session runs in a terminal") }
    var program = initial
    draw(&program)
    guard perform(effects, program.inspector) else { return }
    while true {
      var arrived = mailbox.takeAll()
      if arrived.isEmpty, let event = terminal.nextEvent(timeoutMilliseconds: -1) { arrived = [(0, .input(event))] }
      // Keys that came in while a frame was drawn belong to the next one: held keys never fall behind.
      while let event = terminal.nextEvent(timeoutMilliseconds: 0) { arrived.append((0, .input(event))) }
      for (job, action) in arrived {
        recording?.note(action, job: job)
        guard perform(program.take(action), program.inspector) else {
          recording?.finish()
          return
        }
      }
      if !arrived.isEmpty { draw(&program) }
    }
  }

  private func draw(_ program: inout some InspectorProgram) {
    guard let terminal else { return }
    let frame = program.draw(
      size: terminal.size, pictures: renderer(terminal.graphics, cell: terminal.abilities.cellPixels))
    terminal.draw(frame)
    recording?.drew(frame, graphics: terminal.graphics)
  }

  func renderer(_ graphics: PixelGraphics?, cell: (width: Int, height: Int)? = nil) -> PictureRenderer {
    graphics.map { PictureRenderer.pixels($0, cell: cell, orElse: pictures) } ?? pictures
  }

  /// Carries out effects; false once the session is over.
  func perform(_ effects: [Effect], _ state: InspectorState) -> Bool {
    for effect in effects {
      if effect.isJob {
        mailbox.begin()
        worker?.note(prompt: state.prompt)
      }
      switch effect {
      case .quit:
        memory?.keep(state)
        worker?.cancel()
        // What is being written is finished.
        exporter?.queue.sync {}
        return false
      case .run(let prompt, _): worker?.run(prompt: prompt)
      case .openPicture(let step):
        memory?.keep(state)
        worker?.openPicture(by: step)
      case .openPictureAt(let path):
        memory?.keep(state)
        worker?.openPicture(at: path)
      case .listPictures: worker?.listPictures()
      case .cancel: worker?.cancel()
      case .knockOut(let request): worker?.knockOut(request)
      case .compress(let request): worker?.compress(request)
      case .matchedRandom(let request): worker?.matchedRandom(request)
      case .measure(let measurement): worker?.measure(measurement)
      case .compare(let request): worker.map { $0.compare(request) } ?? mailbox.compare(request)
      case .inspectText(let answer): worker?.inspectText(answer: answer)
      case .readWeights(let name): worker?.readWeights(name)
      case .codeLab(let request): perform(request, state)
      case .export(let file): export(file, state)
      case .copy(let text): terminal?.copyToClipboard(text)
      case .setMouse(let enabled): terminal?.setMouse(enabled)
      case .redraw: terminal?.redraw()
      case .suspend: terminal?.suspend()
      }
    }
    return true
  }

  private func perform(_ request: CodeLabRequest, _ state: InspectorState) {
    guard case .save(_, let name) = request else {
      worker?.perform(request)
      return
    }
    guard let trace = state.trace else { return }
    write { try $0.write(trace, name: name) }
  }

  private func export(_ file: ExportFile, _ state: InspectorState) { write { try $0.write(file, of: state) } }

  /// Off the main thread: a figure takes longer than a frame.
  private func write(_ write: @escaping @Sendable (Exporter) throws -> String) {
    let (job, _) = mailbox.admit(CancellationFlag())
    guard let exporter else { return mailbox.end(job) }
    exporter.queue.async { [mailbox] in
      do {
        mailbox.post(.exported(path: try write(exporter)), job: job)
      } catch {
        mailbox.post(.failed("\(error)"), job: job)
      }
      mailbox.end(job)
    }
  }
}

/// Actions on their way from working threads to the run loop, each with the number of the effect that it answers.
///
/// In a replay they wait until the session asks for them, and a job is cancelled after as many results as it gave then.
final class Mailbox: Sendable {
  private struct State {
    var waiting: [(job: Int, action: Action)] = []
    /// How many effects have been numbered.
    var begun = 0
    /// The job that the model's thread works on.
    var current = 0
    /// Jobs that wait or run, and how many have ended.
    var open = 0
    var ended = 0
    var isReplaying = false
    // Of a replay, by job:
    var cancelledAfter: [Int: Int] = [:]
    var computed: [Int: Int] = [:]
    var flags: [Int: CancellationFlag] = [:]
    var over: Set<Int> = []
  }

  private let state = Mutex(State())
  /// Called after each post, on the posting thread: wakes the run loop.
  private let notify: @Sendable () -> Void
  private let arrived = DispatchSemaphore(value: 0)

  /// Whether the session is recorded or replayed.
  let isLogged: Bool

  init(isReplaying: Bool = false, isRecorded: Bool = false, notify: @escaping @Sendable () -> Void) {
    (self.notify, isLogged) = (notify, isReplaying || isRecorded)
    if isReplaying { state.withLock { $0.isReplaying = true } }
  }

  var isReplaying: Bool { state.withLock { $0.isReplaying } }

  /// From here on the person goes on by hand: what the session did not take of cancelled jobs, and times that it brought
  /// itself, are dropped.
  func endReplay() {
    state.withLock { state in
      state.isReplaying = false
      let cancelled = state.cancelledAfter
      state.waiting.removeAll { job, action in
        switch action {
        case .progress, .cancelled, .failed: true
        default: cancelled[job] != nil
        }
      }
    }
  }

  /// Cancels the jobs of a replay.
  func cancelAll() {
    state.withLock { state in
      for flag in state.flags.values { flag.cancel() }
      state.flags = [:]
    }
  }

  /// The run loop begins to carry out an effect that answers with actions.
  func begin() { state.withLock { $0.begun += 1 } }

  /// Says after how many computed results the next job is cancelled.
  func cancelNext(after count: Int?) { state.withLock { $0.cancelledAfter[$0.begun + 1] = count } }

  /// The number of the job just begun, and the flag that stops it: `flag`, but in a replay one of its own.
  func admit(_ flag: CancellationFlag) -> (job: Int, flag: CancellationFlag) {
    state.withLock { state in
      state.open += 1
      guard state.isReplaying else { return (state.begun, flag) }
      let own = CancellationFlag()
      state.flags[state.begun] = own
      if state.cancelledAfter[state.begun] == 0 { own.cancel() }
      return (state.begun, own)
    }
  }

  /// The model's thread begins with a job: what it posts belongs to that.
  func work(on job: Int) { state.withLock { $0.current = job } }

  /// A job has posted its last action.
  func end(_ job: Int) {
    let (isReplaying, ended) = state.withLock { state in
      if state.isReplaying { state.over.insert(job) }
      (state.open, state.ended) = (state.open - 1, state.ended + 1)
      return (state.isReplaying, state.ended)
    }
    if isReplaying { arrived.signal() }
    releaseMemory(unlessBusyAfter: ended)
  }

  /// What jobs have freed goes back to the system when nothing has run for a second: a job that follows sooner finds its
  /// memory ready, and hours of use take no more of it than what is shown.
  private func releaseMemory(unlessBusyAfter ended: Int) {
    DispatchQueue.global(qos: .utility).asyncAfter(deadline: .now() + 1) { [self] in
      guard state.withLock({ $0.open == 0 && $0.ended == ended }) else { return }
      ProcessSetup.releaseFreedMemory()
    }
  }

  /// - Parameter job: the one it answers; nil for that of the model's thread.
  func post(_ action: Action, job: Int? = nil) {
    let isReplaying = state.withLock { state in
      let job = job ?? state.current
      state.waiting.append((job, action))
      guard state.isReplaying else { return false }
      if SessionEntry(action, job: job).isComputed {
        state.computed[job, default: 0] += 1
        if state.computed[job] == state.cancelledAfter[job] { state.flags[job]?.cancel() }
      }
      return true
    }
    if isReplaying { arrived.signal() } else { notify() }
  }

  /// Takes everything that has arrived, oldest first.
  func takeAll() -> [(job: Int, action: Action)] {
    state.withLock { state in
      defer { state.waiting.removeAll() }
      return state.waiting
    }
  }

  /// In a replay: waits for the next result of a job that is computed, or its failure; `nil` once it is over.
  func next(of job: Int) -> Action? {
    while true {
      let (found, isOver) = state.withLock { state -> (Action?, Bool) in
        while let index = state.waiting.firstIndex(where: { $0.job == job }) {
          let action = state.waiting.remove(at: index).action
          if case .failed = action { return (action, false) }
          if SessionEntry(action, job: job).isComputed { return (action, false) }
        }
        return (nil, state.over.contains(job))
      }
      if found != nil || isOver { return found }
      arrived.wait()
    }
  }
}
