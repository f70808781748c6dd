import Evidence
import Statistics
import Tensor
import TerminalUI
import Trace

/// Takes an action into the state; the effects are for the run loop to perform.
package func update(_ state: inout InspectorState, _ action: Action) -> [Effect] {
  let effects = apply(action, to: &state)
  state.refreshCodeAtCursor()
  state.refreshCodeFigures()
  state.refreshComparison()
  state.refreshPaperFigure()
  return effects + state.labEffects()
}

private func apply(_ action: Action, to state: inout InspectorState) -> [Effect] {
  switch action {
  case .input(let event): return state.handle(event)
  case .command(let command): return state.perform(command)
  case .picture(let picture, let name, let warnings):
    if state.trace != nil { state.forgetRun() }
    if state.capabilities.runsModel { state.work = .run }
    state.picture = picture
    state.pictureWarnings = warnings
    state.square = nil
    state.imageName = name
    state.relink()
  case .trace(let trace):
    // The rounded run to compare with was another question's.
    if state.compared?.kind == .precision { state.compared = nil }
    state.show(trace)
  case .generation(let generation):
    state.trace?.generation = generation
    state.codeLab.original?.generation = generation
  case .progress(let progress):
    state.progress[progress.stage] = progress
  case .finished, .cancelled:
    state.work = nil
    if case .finished = action { return state.startShown() }
    if case .cancelled = action { state.refuseLabRequest() }
    if case .cancelled = action { state.notice = "cancelled" }
  case .failed(let sentence):
    state.work = nil
    state.refuseLabRequest()
    (state.failure, state.notice) = (sentence, nil)
  case .notice(let sentence):
    state.notice = sentence
  case .codebook(let codebook):
    state.codebook = codebook
    state.codeAtCursor = nil
    state.measureMargins()
  case .checkpoint(let listing):
    state.checkpoint = listing
    state.tensorRow = min(state.tensorRow, max(0, listing.rows.count - 1))
  case .trainingPictures(let pictures):
    state.trainingPictures = pictures
    state.measureTrainingDistance()
  case .verdict(let verdict):
    state.verdict = verdict
    state.causalHeads = Set(verdict.headEffects.flatMap(\.heads).filter(\.isAbove).map(\.place))
  case .vocoRows(let rows):
    state.vocoRows = rows
  case .saved(.probes(let report)):
    state.probes = report
  case .saved(.accuracy(let changes)):
    state.accuracy = changes
  case .knockOutFinished(let result):
    state.take(result)
  case .matchedRandom(let result):
    state.matchedRandom[result.request.knockOut.id] = result
    if result.isFinished { state.work = nil }
  case .measured(let finding):
    state.take(finding)
  case .measuring(let words):
    if case .measurement = state.work { state.work = .measurement(words) }
  case .compression(let event):
    state.compression.apply(event)
    state.compressionFigures = CompressionFigures(state.compression)
  case .compressionFinished:
    state.work = nil
  case .textAttention(let attention): state.take(attention)
  case .compared(let run): state.take(run)
  case .refining: state.work = .refinement
  case .refined(let trace, let rounded, let words): state.replace(rounded, by: trace, words: words)
  case .checkpointDiff(let diff): state.take(diff)
  case .weights(let name, let statistics): state.take(statistics, of: name)
  case .codeLab(let event):
    state.take(event)
  case .exported(let path):
    state.notice = "wrote \(path)"
  case .reopened(let kept):
    state.reopen(kept)
  case .pictures(let shelf):
    state.show(shelf)
  case .thumbnail(let path, let picture):
    state.shelf?.thumbnails[path] = picture
  }
  return []
}

extension InspectorState {
  mutating func handle(_ event: InputEvent) -> [Effect] {
    switch event {
    case .resize(let size):
      self.size = size
      return []
    case .mouse(let event): return handle(event)
    case .key(let key):
      if failure != nil {
        failure = nil
        return key == .control("c") ? [.quit] : []
      }
      notice = nil
      return mode == .normal ? (keyMap[key: key].map { perform($0) } ?? []) : handleInMode(key)
    case .paste(let text):
      editLine { $0.insert(text) }
      return []
    }
  }

  /// What was known of the picture before goes when another one is opened; how things are shown stays.
  fileprivate mutating func forgetRun() {
    (trace, statistics, map, headMaps, decodedCodes) = (nil, nil, nil, nil, nil)
    (knockOuts, matchedRandom, progress, findings) = ([], [:], [:], nil)
    trainingDistance = nil
    (codeLab, compression, compressionFigures, reusesImage) = (CodeLab(), CompressionState(), nil, false)
    view.selection = []
    (view.shownKnockOut, view.heldRange, view.edits) = (nil, nil, [])
    (cursor, keptCursor) = (LinkedCursor(), nil)
    (history, pastRuns) = (ViewHistory(), [])
    // Another picture or a trace stays beside whatever is opened; the rest belonged to the picture before.
    if compared.map({ [.prompt, .checkpoint, .cut, .precision].contains($0.kind) }) ?? false { compared = nil }
  }

  /// A run on the picture's own codes, so far or whole.
  mutating func show(_ trace: Trace) {
    startLab(trace)
    take(trace)
    measureMargins()
  }

  /// A trace of the run so far: what follows from it is computed once, here.
  mutating func take(_ trace: Trace) {
    let before = self.trace.flatMap { trace in statistics.map { (trace: trace, statistics: $0) } }
    self.trace = trace
    traceCount += 1
    forgetTextAttention()
    prompt = trace.provenance.prompt
    view.prompt = prompt
    if decodedCodes == nil { decodedCodes = DecodedCodes(trace) }
    if trainingDistance == nil { measureTrainingDistance() }
    clampView()
    relink(after: before)
  }

  /// How far the picture is from those of the training, once its features are there.
  fileprivate mutating func measureTrainingDistance() {
    trainingDistance = trainingPictures.flatMap { pictures in
      trace?.vision.flatMap { pictures.distance($0.features) }
    }
  }

  mutating func take(_ result: KnockOutResult) {
    work = nil
    knockOuts.append(result)
    if knockOuts.count > KnockOutResult.kept { matchedRandom[knockOuts.removeFirst().request.id] = nil }
    change { $0.shownKnockOut = result.request.id }
    let before = trace?.generation?.text ?? ""
    let change = before == result.answer ? "as before" : "before “\(before)”"
    notice = "\(result.request.words): “\(result.answer)”, KL \(Format.number(result.kl)) nat, \(change)"
  }

  /// Computes again what depends on the picture or the trace.
  mutating func relink(after before: (trace: Trace, statistics: TraceStatistics)? = nil) {
    let index = trace?.sequence.map(SequenceIndex.init)
    let geometry = links.geometry
    links = InspectorState.makeLinks(picture: picture, trace: trace, sequence: index)
    if square == nil || geometry != links.geometry { square = displaySquare }
    if trace?.language != nil, let kept = keptCursor {
      if cursor == LinkedCursor() { cursor = kept }
      keptCursor = nil
    }
    cursor.relink(links)
    if links.sequence != nil { view.selection = view.selection.filter { links.position(of: $0) != nil } }
    statistics = trace.map { TraceStatistics($0, index: index, before: before) }
    (map, headMaps, codeAtCursor) = (nil, nil, nil)
    refreshMap()
    placeCursor()
    refreshCodeAtCursor()
  }

  private var displaySquare: Picture? {
    picture.map {
      links.geometry.square(of: $0, limit: InspectorState.displaySide, padding: InspectorState.padding)
    }
  }

  static func makeLinks(picture: Picture?, trace: Trace?, sequence: SequenceIndex?) -> CursorLinks {
    let model = trace?.model
    // Until the model is known the grid is that of ViT-L/14 at 336 pixels.
    let grid = GridSize(rows: model?.patchRows ?? 24, columns: model?.patchGrid ?? 24)
    let codes = trace?.mgvq?.codes
    let geometry = PictureGeometry(
      width: picture?.width ?? model?.visionImageSize ?? 1, height: picture?.height ?? model?.visionImageHeight ?? 1,
      aspect: grid.rows == grid.columns ? .init(model?.imageAspectRatio ?? .pad) : .whole, patches: grid,
      latent: GridSize(rows: codes?.height ?? grid.rows, columns: codes?.width ?? grid.columns))
    return CursorLinks(geometry: geometry, anchors: model?.anchors ?? 0, sequence: sequence)
  }
}
