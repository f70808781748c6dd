import TerminalUI
import Trace

extension InspectorState {
  /// Why a command does nothing here and now; `nil` when it works.
  package func obstacle(to command: Command) -> String? {
    switch command {
    case .previousLayer, .nextLayer, .previousHead, .nextHead, .aggregation, .metric, .scale, .sinks, .visualOnly,
      .holdRange:
      return trace?.language == nil ? "the decoder has not run yet" : nil
    case .overlay:
      return trace?.language == nil && trace?.mgvq?.reconstruction == nil ? "there is nothing to lay over it yet" : nil
    case .previousGroup, .nextGroup:
      return trace?.mgvq == nil ? codesObstacle : nil
    case .pin, .range:
      return [.verdict, .compression, .checkpoint].contains(focus) ? "there is nothing to select in this panel" : nil
    case .selectAnchors:
      return links.anchors == 0 ? "this model has no anchors" : nil
    case .knockOut, .knockOutLayer, .knockOutHead: return knockOutObstacle(command)
    case .clear:
      return view.selection.isEmpty && view.shownKnockOut == nil && rangeStart == nil ? "nothing is selected" : nil
    case .matchedRandom: return matchedRandomObstacle
    case .askAll, .askFamilies, .addPicture, .newConversation: return compressionObstacle(command)
    case .codePage: return trace?.mgvq == nil ? codesObstacle : nil
    case .decodeKind, .nextCandidate, .previousCandidate, .editCode, .saveTrace: return labObstacle(command)
    case .figure: return trace?.language == nil && vocoRows.isEmpty ? "the decoder has not run yet" : nil
    case .prompt:
      return capabilities.runsModel ? nil : "this trace was opened without weights"
    case .zoomIn: return view.isZoomed ? "the panel has the whole screen" : nil
    case .zoomOut: return view.isZoomed ? nil : "no panel is zoomed"
    case .undo: return history.past.isEmpty ? "no change to take back" : nil
    case .redo: return history.future.isEmpty ? "no change to make again" : nil
    case .cancel: return work == nil && rangeStart == nil ? "nothing runs" : nil
    case .copy: return reading.copyableValue == nil ? "there is no number under the cursor" : nil
    default: return nil
    }
  }

  private func labObstacle(_ command: Command) -> String? {
    if !capabilities.runsModel { return "this trace was opened without weights" }
    if trace?.language == nil { return "the decoder has not run yet" }
    if command == .decodeKind || command == .saveTrace { return nil }
    if codebook == nil { return "the codebook is not read yet" }
    if focus != .anchors { return "go to the code in panel 3 first" }
    return command == .editCode && work != nil ? "the model is busy" : nil
  }

  private func knockOutObstacle(_ command: Command) -> String? {
    if !capabilities.runsModel { return "this trace was opened without weights" }
    if trace?.language == nil { return "the decoder has not run yet" }
    if !codeLab.shownEdits.isEmpty { return "the codes are edited; take the edits back first" }
    if work != nil { return "the model is busy; \(keyMap.hint(.cancel, unicode: glyphs.isUnicode)) stops it" }
    if command != .knockOut && view.layer == nil { return "choose one layer first" }
    if command == .knockOutHead && view.head == nil { return "choose one head first" }
    return cuttableKeys.isEmpty ? "<voco> sees none of the selected keys" : nil
  }

  private var matchedRandomObstacle: String? {
    if !capabilities.runsModel { return "this trace was opened without weights" }
    if work != nil { return "the model is busy" }
    guard let result = shownKnockOut ?? knockOuts.last else { return "knock something out first" }
    let candidates = matchedRandomCandidates(for: result.request)
    return candidates.count < result.request.keys.count ? "there are too few other patches to draw from" : nil
  }

  /// Positions of the selection, or of the key at the cursor, that `<voco>` may attend to; ascending.
  ///
  /// `<voco>` keeps itself: a row without any key has no softmax.
  package var cuttableKeys: [Int] {
    guard let sequence = trace?.sequence, let voco = links.sequence?.vocoPosition else { return [] }
    let chosen = view.selection.isEmpty ? [cursor.key] : Array(view.selection)
    return chosen.compactMap(links.position).filter { $0 != voco && sequence.allows(row: voco, column: $0) }.sorted()
  }

  /// The visible patches that a knock-out left alone, as positions.
  package func matchedRandomCandidates(for request: KnockOutRequest) -> [Int] {
    guard let sequence = trace?.sequence, let index = links.sequence, let voco = index.vocoPosition else { return [] }
    let cut = Set(request.keys)
    return index.patches.filter { !cut.contains($0) && sequence.allows(row: voco, column: $0) }
  }
}
