import CursesTerminal
import Dispatch
import Inspector
import Synchronization
import TerminalUI

/// The run loop: input and finished work become actions, `update` turns them into state and effects, `view` into a frame.
///
/// It lives on the main thread with the terminal; whatever takes long runs on the worker and posts actions back.
struct InspectorSession {
  let terminal: CursesTerminal
  let mailbox: Mailbox
  /// Runs the model; `nil` when only a trace is open.
  let worker: ModelWorker?
  let exporter: Exporter
  let pictures: PictureRenderer

  /// Runs until the person quits.
  func run(_ initial: some InspectorProgram, first effects: [Effect]) {
    var program = initial
    draw(&program)
    guard perform(effects, program.inspector) else { return }
    while true {
      var actions = mailbox.takeAll()
      if actions.isEmpty, let event = terminal.nextEvent(timeoutMilliseconds: -1) { actions = [.input(event)] }
      // Keys that came in while a frame was drawn belong to the next one: held keys never fall behind.
      while let event = terminal.nextEvent(timeoutMilliseconds: 0) { actions.append(.input(event)) }
      for action in actions where !perform(program.take(action), program.inspector) { return }
      if !actions.isEmpty { draw(&program) }
    }
  }

  private func draw(_ program: inout some InspectorProgram) {
    let shown = terminal.graphics.map { PictureRenderer.pixels($0, orElse: pictures) } ?? pictures
    terminal.draw(program.draw(size: terminal.size, pictures: shown))
  }

  /// Carries out effects; false once the session is over.
  private func perform(_ effects: [Effect], _ state: InspectorState) -> Bool {
    for effect in effects {
      switch effect {
      case .quit:
        worker?.cancel()
        // What is being written is finished.
        exporter.queue.sync {}
        return false
      case .run(let prompt, _): worker?.run(prompt: prompt)
      case .openPicture(let step): worker?.openPicture(by: step)
      case .cancel: worker?.cancel()
      case .knockOut(let request): worker?.knockOut(request)
      case .compress(let request): worker?.compress(request)
      case .matchedRandom(let request): worker?.matchedRandom(request)
      case .compare(let request): worker.map { $0.compare(request) } ?? mailbox.compare(request)
      case .inspectText(let answer): worker?.inspectText(answer: answer)
      case .readWeights(let name): worker?.readWeights(name)
      case .codeLab(let request): perform(request, state)
      case .export(let file): export(file, state)
      case .copy(let text): terminal.copyToClipboard(text)
      case .setMouse(let enabled): terminal.setMouse(enabled)
      case .redraw: terminal.redraw()
      case .suspend: terminal.suspend()
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
    do {
      mailbox.post(.exported(path: try exporter.write(trace, name: name)))
    } catch {
      mailbox.post(.failed("\(error)"))
    }
  }

  /// Off the main thread: a figure takes longer than a frame.
  private func export(_ file: ExportFile, _ state: InspectorState) {
    exporter.queue.async { [exporter, mailbox] in
      do {
        mailbox.post(.exported(path: try exporter.write(file, of: state)))
      } catch {
        mailbox.post(.failed("\(error)"))
      }
    }
  }
}

/// Actions on their way from working threads to the run loop.
final class Mailbox: Sendable {
  private let waiting = Mutex<[Action]>([])
  /// Called after each post, on the posting thread: wakes the run loop.
  private let notify: @Sendable () -> Void

  init(notify: @escaping @Sendable () -> Void) { self.notify = notify }

  func post(_ action: Action) {
    waiting.withLock { $0.append(action) }
    notify()
  }

  /// Takes everything that has arrived, oldest first.
  func takeAll() -> [Action] {
    waiting.withLock { actions in
      defer { actions.removeAll() }
      return actions
    }
  }
}
