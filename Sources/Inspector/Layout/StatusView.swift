import TerminalUI

extension InspectorState {
  /// What works here, most useful first.
  var hintCommands: [Command] {
    let here: [Command] =
      switch focus {
      case .image: [.overlay, .pin, .range, .knockOut]
      case .attention:
        [.display, .nextLayer, .nextHead] + (view.head == nil ? [] : [.knockOutHead])
          + [.knockOut, .compare, .pin, .metric, .scale, .inspected, .sinks]
      case .anchors: [.nextGroup, .codePage, .decodeKind, .nextCandidate, .editCode, .find, .pin, .knockOut]
      case .mask: [.open, .find]
      case .verdict: [.selectAnchors, .knockOut, .swapAnchors, .matchedRandom, .export]
      case .compression: [.askFamilies, .addPicture, .keepTurns, .newConversation, .export]
      case .checkpoint: [.open, .display, .compare, .find, .export]
      case .compare: [.compare, .display, .nextLayer, .nextHead, .scale, .pin, .export]
      }
    let first: [Command] = work == nil ? [.help] : [.cancel, .help]
    return (first + here + [.nextPanel, .prompt, .palette, .quit]).filter { obstacle(to: $0) == nil }
  }

  /// The hint's keys: steps show both directions.
  func hintKeys(_ command: Command) -> String {
    func key(_ command: Command) -> String { keyMap.hint(command, unicode: glyphs.isUnicode) }
    switch command {
    case .nextLayer: return "\(key(.previousLayer)) \(key(.nextLayer))"
    case .nextHead: return "\(key(.previousHead)) \(key(.nextHead))"
    case .nextCandidate: return "\(key(.previousCandidate)) \(key(.nextCandidate))"
    case .nextGroup: return "\(key(.previousGroup)) \(key(.nextGroup))"
    default: return key(command)
    }
  }

  func hintLabel(_ command: Command) -> String {
    switch command {
    case .nextLayer: "layer"
    case .nextHead: "head"
    case .nextGroup: "group"
    case .nextCandidate: "candidate"
    case .decodeKind: "decode"
    case .nextPanel: "panel"
    case .sinks: view.hidesSinks ? "show sinks" : "hide sinks"
    case .open where focus == .mask: view.showsMaskCells ? "blocks" : "cells"
    default: command.title
    }
  }
}

extension Canvas {
  /// The numbers behind the colour under the cursor, then keys that work here.
  mutating func drawStatus(_ state: InspectorState, _ layout: ScreenLayout) {
    let commands = state.hintCommands.filter { !state.hintKeys($0).isEmpty }
    let hintList = commands.map {
      StatusLine<HitTarget>.Hint(state.hintKeys($0), state.hintLabel($0), .command($0))
    }
    let text = " " + (state.notice ?? state.reading.text)
    let style = state.notice == nil ? look.theme.statusLine : look.theme.statusKey
    let hasSecondLine = !layout.hints.isEmpty
    let status = StatusLine(message: [Span(text, style)], hints: hasSecondLine ? [] : hintList)
    hits.add(status.draw(in: layout.status, of: &frame, look)) { $0 }
    guard hasSecondLine else { return }
    let hints = StatusLine(message: [Span(" ", look.theme.statusLine)], hints: hintList)
    hits.add(hints.draw(in: layout.hints, of: &frame, look)) { $0 }
  }
}
