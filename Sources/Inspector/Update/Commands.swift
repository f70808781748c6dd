import Evidence
import TerminalUI
import Trace

extension InspectorState {
  /// Does what a command asks for, or says why not.
  mutating func perform(_ command: Command) -> [Effect] {
    if let obstacle = obstacle(to: command) {
      notice = "\(command.title): \(obstacle)"
      return []
    }
    switch command {
    case .up, .down, .left, .right, .first, .last, .pageUp, .pageDown:
      move(command)
      return []
    case .knockOut: return knockOut(layer: nil, head: nil)
    case .knockOutLayer: return knockOut(layer: view.layer, head: nil)
    case .knockOutHead: return knockOut(layer: view.layer, head: view.head)
    case .matchedRandom: return drawMatchedRandom()
    case .compressionPanel, .askAll, .askFamilies, .newConversation: return compress(command)
    case .cancel: return cancel()
    case .copy: return reading.copyableValue.map { [.copy($0)] } ?? []
    case .redraw: return [.redraw]
    case .suspend: return [.suspend]
    case .quit: return [.quit]
    case .mouse:
      change { $0.takesMouse.toggle() }
      return [.setMouse(view.takesMouse)]
    case .undo, .redo: return restore(command)
    case .codePage, .decodeKind, .nextCandidate, .previousCandidate, .editCode, .saveTrace:
      return performInLab(command)
    default:
      if !changeView(command) { openOrFocus(command) }
      return command == .nextPanel || command == .previousPanel ? compareIfShown() : []
    }
  }

  /// The commands that undo takes back; `false` when `command` is none of them.
  private mutating func changeView(_ command: Command) -> Bool {
    switch command {
    case .previousLayer: change { [count = layerCount] in $0.layer = stepped($0.layer, by: -1, count: count) }
    case .nextLayer: change { [count = layerCount] in $0.layer = stepped($0.layer, by: 1, count: count) }
    case .previousHead: change { [count = headCount] in $0.head = stepped($0.head, by: -1, count: count) }
    case .nextHead: change { [count = headCount] in $0.head = stepped($0.head, by: 1, count: count) }
    case .previousGroup: change { $0.group = max(0, $0.group - 1) }
    case .nextGroup: change { [count = groupCount] in $0.group = min(max(0, count - 1), $0.group + 1) }
    case .aggregation: change { $0.takesMaximum.toggle() }
    case .metric: change { [metric = nextMetric] in $0.metric = metric }
    case .visualOnly: change { $0.visualOnly.toggle() }
    case .scale: change { $0.scale = $0.scale.next }
    case .sinks: change { $0.hidesSinks.toggle() }
    case .overlay: change { [overlay = nextOverlay] in $0.overlay = overlay }
    case .theme: change { [count = themes.count] in $0.theme = ($0.theme + 1) % count }
    case .zoomIn: change { $0.isZoomed = true }
    case .zoomOut: change { $0.isZoomed = false }
    case .pin: change { [key = cursor.key] in $0.selection.formSymmetricDifference([key]) }
    case .range: toggleRange()
    case .selectAnchors:
      change { [anchors = links.anchors] in $0.selection = Set((0..<anchors).map(KeyReference.anchor)) }
    case .holdRange: change { [range = map?.range] in $0.heldRange = $0.heldRange == nil ? range : nil }
    case .clear: clear()
    case .figure:
      change { $0.showsFigure.toggle() }
      focus(.verdict)
    default: return false
    }
    return true
  }

  private mutating func openOrFocus(_ command: Command) {
    switch command {
    case .nextPanel: focus(focus.advanced(by: 1))
    case .previousPanel: focus(focus.advanced(by: -1))
    case .open:
      if focus == .mask {
        change { $0.showsMaskCells.toggle() }
      } else if focus == .verdict && !view.showsFigure {
        change { $0.showsRules.toggle() }
      } else {
        change { $0.isZoomed.toggle() }
      }
    case .help: mode = .help(Mode.Search())
    case .palette: mode = .palette(Mode.Search())
    case .find: mode = .find(Mode.Search())
    case .prompt: mode = .prompt(TextField(prompt))
    case .addPicture: mode = .picturePath(TextField())
    case .keepTurns: compressionView.keepsTurns.toggle()
    case .export: mode = .export(0)
    default: if let panel = command.panel { focus(panel) }
    }
  }

  /// The cursor stands on the kind of thing that the focused panel shows.
  mutating func focus(_ panel: Panel) {
    focus = panel
    switch panel {
    case .image: cursor.moveToPatch(cursor.patch, links)
    case .anchors where cursor.place != .anchor: cursor.moveToCode(cursor.code, links)
    case .attention where cursor.place == .code: cursor.moveToPatch(cursor.patch, links)
    case .mask:
      if let key = links.position(of: cursor.key), let row = cursor.queryPosition(links) {
        cursor.moveToEdge(query: row, key: key, links)
      }
    default: break
    }
  }

  private mutating func restore(_ command: Command) -> [Effect] {
    let took = view.takesMouse
    let settings = command == .undo ? history.undo(view) : history.redo(view)
    guard let settings else { return [] }
    view = settings
    clampView()
    refreshMap()
    return took == view.takesMouse ? [] : [.setMouse(view.takesMouse)]
  }

  private mutating func cancel() -> [Effect] {
    if rangeStart != nil {
      rangeStart = nil
      return []
    }
    notice = "stopping"
    return [.cancel]
  }

  private mutating func clear() {
    rangeStart = nil
    if view.selection.isEmpty {
      change { $0.shownKnockOut = nil }
    } else {
      change { $0.selection = [] }
    }
  }

  private mutating func toggleRange() {
    guard rangeStart != nil else {
      rangeStart = cursor.key
      return
    }
    let keys = rangeKeys
    rangeStart = nil
    change { $0.selection.formUnion(keys) }
  }

  var layerCount: Int { trace?.model.layers ?? 0 }
  var headCount: Int { trace?.model.heads ?? 0 }
  var groupCount: Int { trace?.mgvq?.codes.groups ?? 0 }

  /// The next metric that the trace holds.
  private var nextMetric: AttentionMetric {
    let possible = statistics?.attention?.metrics ?? [.share]
    return possible[((possible.firstIndex(of: view.metric) ?? -1) + 1) % possible.count]
  }

  private var nextOverlay: PictureOverlay {
    let possible = PictureOverlay.allCases.filter {
      switch $0 {
      case .none: true
      case .attention: trace?.language != nil
      case .reconstruction: trace?.mgvq?.reconstruction != nil
      case .provenance: codeLab.provenance[view.edits] != nil
      }
    }
    let index = possible.firstIndex(of: view.overlay) ?? 0
    return possible[(index + 1) % possible.count]
  }
}

/// One step through “all, 0, 1, … count−1”, stopping at both ends; `nil` is “all”.
func stepped(_ value: Int?, by step: Int, count: Int) -> Int? {
  let next = (value ?? -1) + step
  return next < 0 ? nil : min(next, count - 1)
}
