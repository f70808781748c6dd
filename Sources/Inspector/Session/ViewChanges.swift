import Evidence
import TerminalUI
import Trace

/// What commands change: the view with its history, the focus, what is selected.
extension InspectorState {
  /// Changes the view; a change that changes nothing is not remembered.
  mutating func change(_ edit: (inout ViewSettings) -> Void) {
    var changed = view
    edit(&changed)
    guard changed != view else { return }
    history.record(view)
    view = changed
    refreshMap()
  }

  /// Takes a change back or makes it again.
  mutating func restore(_ step: (inout ViewHistory, ViewSettings) -> ViewSettings?) -> [Effect] {
    let (before, took) = (history, view.takesMouse)
    guard let settings = step(&history, view) else { return [] }
    if settings.prompt != prompt, work != nil {
      history = before
      notice = busyObstacle ?? "the model is busy"
      return []
    }
    view = settings
    let effects = view.prompt == prompt ? [] : showRun(of: view.prompt)
    clampView()
    refreshMap()
    return effects + (took == view.takesMouse ? [] : [.setMouse(view.takesMouse)])
  }

  /// Asks, so that undo comes back to the run on screen.
  mutating func ask(_ question: String) -> [Effect] {
    keepRun()
    if question != view.prompt { history.record(view) }
    view.prompt = question
    return run(question)
  }

  private mutating func run(_ question: String) -> [Effect] {
    prompt = question
    work = .run
    reusesImage = trace?.mgvq != nil && trace?.vision != nil && trace?.sequence != nil
    view.shownKnockOut = nil
    (knockOuts, matchedRandom) = ([], [:])
    refreshMap()
    return [.run(prompt: question, reusesImage: reusesImage)]
  }

  /// Keeps the run on screen for undo, if it is a whole one.
  private mutating func keepRun() {
    guard work == nil, let trace = codeLab.original ?? trace, trace.generation != nil,
      trace.provenance.prompt == prompt
    else { return }
    pastRuns.removeAll { $0.trace.provenance.prompt == trace.provenance.prompt }
    pastRuns.append(PastRun(trace: trace, knockOuts: knockOuts, matchedRandom: matchedRandom))
    if pastRuns.count > PastRun.kept { pastRuns.removeFirst() }
  }

  /// The run on another question, as it was; one that is no longer kept is made again.
  private mutating func showRun(of question: String) -> [Effect] {
    let settings = view
    keepRun()
    guard let past = pastRuns.last(where: { $0.trace.provenance.prompt == question }) else { return run(question) }
    startLab(past.trace)
    (knockOuts, matchedRandom, reusesImage) = (past.knockOuts, past.matchedRandom, true)
    take(past.trace)
    view = settings
    return []
  }

  /// Settings that the model at hand has no layer, head or group for are pulled inside; files may hold any number.
  mutating func clampView() {
    func inside(_ number: Int, _ count: Int) -> Int { min(max(0, number), max(0, count - 1)) }
    view.layer = view.layer.map { inside($0, layerCount) }
    view.head = view.head.map { inside($0, headCount) }
    view.group = inside(view.group, groupCount)
    view.sortedHead = view.sortedHead.flatMap { (0..<headCount).contains($0) ? $0 : nil }
  }

  var layerCount: Int { trace?.model.layers ?? 0 }
  var headCount: Int { trace?.model.heads ?? 0 }
  var groupCount: Int { trace?.mgvq?.codes.groups ?? 0 }

  mutating func stepLayer(by step: Int) {
    change { [count = layerCount] in $0.layer = stepped($0.layer, by: step, count: count) }
  }

  mutating func stepHead(by step: Int) {
    change { [count = headCount] in $0.head = stepped($0.head, by: step, count: count) }
  }

  mutating func stepGroup(by step: Int) {
    change { [count = groupCount] in $0.group = max(0, min(count - 1, $0.group + step)) }
  }

  /// The next metric that the trace holds.
  var nextMetric: AttentionMetric {
    let possible = inspected?.attention.metrics ?? [.share]
    return possible[((possible.firstIndex(of: view.metric) ?? -1) + 1) % possible.count]
  }

  var nextOverlay: PictureOverlay {
    let possible = PictureOverlay.allCases.filter {
      switch $0 {
      case .none, .grid: true
      case .attention: trace?.language != nil
      case .reconstruction: trace?.mgvq?.reconstruction != nil
      case .provenance: codeLab.provenance[view.edits] != nil
      }
    }
    let index = possible.firstIndex(of: view.overlay) ?? 0
    return possible[(index + 1) % possible.count]
  }

  /// What Enter does in the focused panel; where a view lacks its numbers, it asks for them.
  mutating func openHere() -> [Effect] {
    if focus == .checkpoint { return readWeights() }
    let asked = measureIfShown()
    if asked.isEmpty { openView() }
    return asked
  }

  private mutating func openView() {
    switch focus {
    case .mask: change { $0.showsMaskCells.toggle() }
    case .attention: openAttention()
    case .verdict where view.verdictDisplay == .claims: change { $0.showsRules.toggle() }
    default: change { $0.isZoomed.toggle() }
    }
  }

  /// The next view of the focused panel.
  mutating func turnDisplay() -> [Effect] {
    switch focus {
    case .attention: turnAttentionDisplay()
    case .mask: change { $0.showsMaskCells.toggle() }
    case .verdict: change { $0.verdictDisplay = $0.verdictDisplay.next }
    case .compare: change { $0.compareDisplay = $0.compareDisplay.next }
    case .anchors: change { $0.anchorsDisplay = $0.anchorsDisplay.next }
    case .checkpoint: change { $0.showsDiff.toggle() }
    case .compression: turnCompressionPage()
    case .image: break
    }
    return measureIfShown()
  }

  /// Why the focused panel has no other view.
  var displayObstacle: String? {
    switch focus {
    case .attention: decoderObstacle
    case .verdict: figureObstacle
    case .mask, .compression: nil
    case .compare: comparison == nil ? "nothing is compared yet" : nil
    case .anchors: groupObstacle
    case .checkpoint: checkpointDiff == nil ? "no other checkpoint is compared" : nil
    case .image: "this panel shows all it has"
    }
  }

  /// The cursor stands on the kind of thing that the focused panel shows.
  mutating func focus(_ panel: Panel) {
    focus = panel
    switch panel {
    case .image: cursor.moveToPatch(cursor.patch, links)
    case .compare where cursor.place == .code || cursor.place == .edge: cursor.moveToPatch(cursor.patch, links)
    case .anchors where cursor.place != .anchor: cursor.moveToCode(cursor.code, links)
    case .attention where cursor.place == .code: cursor.moveToPatch(cursor.patch, links)
    case .mask:
      if let key = links.position(of: cursor.key), let row = cursor.queryPosition(links) {
        cursor.moveToEdge(query: row, key: key, links)
      }
    default: break
    }
  }

  mutating func stepPanel(by steps: Int) -> [Effect] {
    focus(focus.advanced(by: steps))
    return startShown()
  }

  /// The next workspace; its first panel is focused where it lacks the one that is.
  mutating func turnWorkspace() {
    change {
      $0.workspace = $0.workspace.next
      $0.isZoomed = false
    }
    if !view.workspace.panels.contains(focus) { focus(view.workspace.panels[0]) }
    let panels = view.workspace.panels.map { "\($0.rawValue) \($0.title)" }.joined(separator: ", ")
    notice = "workspace \(view.workspace.rawValue): \(panels)"
  }

  /// Why there is no other picture to open.
  var folderObstacle: String? { weightsObstacle ?? (picture == nil ? "the picture is not decoded yet" : nil) }

  mutating func openPicture(by step: Int) -> [Effect] {
    work = .run
    notice = step > 0 ? "opening the next picture" : "opening the picture before"
    return [.openPicture(by: step)]
  }

  mutating func toggleMouse() -> [Effect] {
    change { $0.takesMouse.toggle() }
    return [.setMouse(view.takesMouse)]
  }

  mutating func cancel() -> [Effect] {
    if rangeStart != nil {
      rangeStart = nil
      return []
    }
    notice = "stopping"
    return [.cancel]
  }

  mutating func clear() {
    rangeStart = nil
    if view.selection.isEmpty {
      change { $0.shownKnockOut = nil }
    } else {
      change { $0.selection = [] }
    }
  }

  mutating func toggleRange() {
    guard rangeStart != nil else {
      rangeStart = cursor.key
      return
    }
    let keys = rangeKeys
    rangeStart = nil
    change { $0.selection.formUnion(keys) }
  }
}

/// Why commands do nothing here and now; `nil` when they work.
extension InspectorState {
  var weightsObstacle: String? { capabilities.runsModel ? nil : "this trace was opened without weights" }

  var decoderObstacle: String? { trace?.language == nil ? "the decoder has not run yet" : nil }

  var strongestObstacle: String? {
    decoderObstacle ?? (inspected?.strongest == nil ? "there are no anchors to compare heads by" : nil)
  }

  /// That the model has no weights, has not run or is at work.
  var busyObstacle: String? {
    if let obstacle = weightsObstacle ?? decoderObstacle { return obstacle }
    return work == nil ? nil : "the model is busy; \(keyMap.hint(.cancel, unicode: glyphs.isUnicode)) stops it"
  }

  var overlayObstacle: String? {
    shownPicture == nil ? "the picture is not decoded yet" : nil
  }

  var figureObstacle: String? { vocoRows.isEmpty ? decoderObstacle : nil }

  var selectionObstacle: String? {
    [.verdict, .compression, .checkpoint].contains(focus) ? "there is nothing to select in this panel" : nil
  }

  var zoomObstacle: String? { view.isZoomed ? "the panel has the whole screen" : nil }

  var unzoomObstacle: String? { view.isZoomed ? nil : "no panel is zoomed" }

  var anchorsObstacle: String? { links.anchors == 0 ? "this model has no anchors" : nil }

  var clearObstacle: String? {
    view.selection.isEmpty && view.shownKnockOut == nil && rangeStart == nil ? "nothing is selected" : nil
  }
}

/// A finished run and what was tried on it.
struct PastRun: Sendable {
  /// Older ones are made again when undo comes to them: a trace of a large model takes hundreds of megabytes.
  static let kept = 4

  let trace: Trace
  let knockOuts: [KnockOutResult]
  let matchedRandom: [Int: MatchedRandomResult]
}

/// One step through “all, 0, 1, … count−1”, stopping at both ends; `nil` is “all”.
func stepped(_ value: Int?, by step: Int, count: Int) -> Int? {
  let next = (value ?? -1) + step
  return next < 0 ? nil : min(next, count - 1)
}
