import CursesTerminal
import Inspector
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
  func run(_ initial: InspectorState, first effects: [Effect]) {
    var state = initial
    draw(&state)
    guard perform(effects, state) else { return }
    while true {
      var actions = mailbox.takeAll()
      if actions.isEmpty, let event = terminal.nextEvent(timeoutMilliseconds: -1) { actions = [.input(event)] }
      // Keys that came in while a frame was drawn belong to the next one: held keys never fall behind.
      while let event = terminal.nextEvent(timeoutMilliseconds: 0) { actions.append(.input(event)) }
      for action in actions where !perform(update(&state, action), state) { return }
      if !actions.isEmpty { draw(&state) }
    }
  }

  private func draw(_ state: inout InspectorState) {
    let shown = terminal.graphics.map { PictureRenderer.pixels($0, orElse: pictures) } ?? pictures
    let screen = view(state, size: terminal.size, pictures: shown)
    state.hits = screen.hits
    terminal.draw(screen.frame)
  }

  /// Carries out effects; false once the session is over.
  private func perform(_ effects: [Effect], _ state: InspectorState) -> Bool {
    for effect in effects {
      switch effect {
      case .quit:
        worker?.cancel()
        return false
      case .run(let prompt, _): worker?.run(prompt: prompt)
      case .cancel: worker?.cancel()
      case .knockOut(let request): worker?.knockOut(request)
      case .compress(let request): worker?.compress(request)
      case .matchedRandom(let request): worker?.matchedRandom(request)
      case .codeLab(let request): perform(request, state)
      case .export(let file): export(file)
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

  private func export(_ file: ExportFile) {
    do {
      mailbox.post(.exported(path: try exporter.write(file)))
    } catch {
      mailbox.post(.failed("\(error)"))
    }
  }
}
