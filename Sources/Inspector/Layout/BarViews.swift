import ColorMaps
import Evidence
import Statistics
import TerminalUI
import Trace

extension InspectorState {
  /// What a person must know before believing a number on screen.
  var banners: [String] {
    var banners: [String] = []
    if !untrainedParts.isEmpty {
      banners.append(
        "untrained or random: \(untrainedParts.joined(separator: ", ")); these numbers support no verdict")
    }
    if let collapse = statistics?.collapse { banners.append(collapse) }
    if let trainingPictures, let trainingDistance, trainingPictures.isUnlike(trainingDistance) {
      banners.append("\(imageName) is \(trainingPictures.warning(trainingDistance))")
    }
    if !pictureWarnings.isEmpty {
      banners.append("the picture's file: \(pictureWarnings.joined(separator: "; "))")
    }
    return banners
  }

  /// The banners as lines of a screen so wide; what goes on is indented.
  func bannerLines(width: Int) -> [String] {
    banners.flatMap { words in
      wrapped(words, to: max(10, width - 4)).enumerated().map { $0.offset == 0 ? $0.element : "  \($0.element)" }
    }
  }

  /// The picture's name, its size in the file and the model's input side.
  var pictureWords: String {
    var words = imageName
    if let size = pictureSize {
      words += " \(size.width)×\(size.height)"
      if let model = trace?.model, model.visionImageSize > 0 {
        let (width, height) = (model.visionImageSize, model.visionImageHeight)
        words += width == height && glyphs.isUnicode ? " → \(width)²" : " → \(width)×\(height)"
      }
    }
    return words
  }

  /// The question and, once there is one, the answer.
  package var answerWords: String {
    var words = "“\(prompt)”"
    if let text = trace?.generation?.text { words += " → “\(text)”" }
    if trace?.provenance.edits.isEmpty == false { words += " (codes edited)" }
    if reusesImage { words += " (image reused)" }
    if let cut = shownKnockOut { words += ", \(cut.request.donor == nil ? "cut" : "swapped"): “\(cut.answer)”" }
    return words
  }

  var modelWords: String {
    guard let trace else { return "" }
    return "\(trace.provenance.modelName) · \(trace.model.visualMask.rawValue) mask · \(trace.model.precision.rawValue)"
  }

  /// What stands for the model where there is no room for all of that: a precision that changes numbers.
  var precisionWords: String {
    guard let precision = trace?.model.precision, precision != .own(.exact) else { return "" }
    return precision.rawValue
  }

  var viewWords: String {
    guard trace != nil else { return "" }
    return "\(choiceWords) · \(view.scale.rawValue)\(view.hidesSinks ? " · no sinks" : "")"
  }

  /// `layer 3/6 · head mean · lift`, or `layers 1–5` of the mean over those that somebody reads.
  var choiceWords: String {
    let live = inspected?.attention.liveLayers.count ?? layerCount
    let layer = view.layer.map { "layer \($0 + 1)/\(layerCount)" } ?? VocoAttention.firstLayers(live)
    let aggregated = "head \(view.takesMaximum ? "max" : "mean")"
    let head =
      view.metric == .rollout ? "heads averaged" : view.head.map { "head \($0 + 1)/\(headCount)" } ?? aggregated
    return "\(layer) · \(head) · \(view.metric.rawValue)"
  }
}

extension Canvas {
  /// Name, picture, model, question and answer, and the view's settings at the right; where there is no room for all,
  /// the model goes first, then the settings, and the answer is cut last.
  mutating func drawHeader(_ state: InspectorState, in rect: Rect) {
    guard !rect.isEmpty else { return }
    let room = Rect(x: rect.x + 1, y: rect.y, width: rect.width - 2, height: 1)
    let used = frame.write("vocoscope", at: Point(x: room.x, y: room.y), style: look.theme.title, clippedTo: room) + 2
    var free = room.dropping(left: used)
    let answer = state.answerWords
    let needed = displayWidth(state.pictureWords) + 3 + min(displayWidth(answer), 40)
    let settings = displayWidth(state.viewWords)
    if settings > 0 && needed + 3 + settings <= free.width {
      line(state.viewWords, in: free, style: look.theme.accent, alignment: .trailing)
      free = Rect(x: free.x, y: free.y, width: free.width - settings - 3, height: 1)
    }
    let model = displayWidth(state.modelWords)
    let hasRoom = model > 0 && needed + 3 + model <= free.width
    let modelWords = hasRoom ? state.modelWords : state.precisionWords
    let parts = [state.pictureWords, modelWords, answer].filter { !$0.isEmpty }
    line(parts.joined(separator: "   "), in: free)
  }

  mutating func drawBanner(_ state: InspectorState, in rect: Rect) {
    guard !rect.isEmpty else { return }
    for (row, words) in state.bannerLines(width: rect.width).prefix(rect.height).enumerated() {
      draw(Banner(words), in: Rect(x: rect.x, y: rect.y + row, width: rect.width, height: 1))
    }
  }

  /// The stages that run, each with its bar and time; then those that are over.
  mutating func drawProgress(_ state: InspectorState, in rect: Rect) {
    guard !rect.isEmpty else { return }
    let entries = PipelineStage.allCases.compactMap { state.progress[$0] }
    var x = rect.x + 1
    if let work = state.work?.words {
      x += frame.write(work, at: Point(x: x, y: rect.y), style: look.theme.accent, clippedTo: rect) + 2
    }
    let running = entries.filter(\.isRunning)
    for entry in running + entries.filter({ !$0.isRunning }).reversed() {
      let text = "\(entry.stage.title) \(entry.state.words) \(Format.seconds(entry.seconds))"
      guard case .running(let done, let total) = entry.state else {
        let style = entry.hasFailed ? look.theme.bad : look.theme.dim
        x += frame.write(text, at: Point(x: x, y: rect.y), style: style, clippedTo: rect) + 2
        continue
      }
      let width = min(48, max(0, rect.maxX - x))
      let fraction = total > 0 ? Double(done) / Double(total) : nil
      let left = entry.secondsLeft.map { ", \(Format.seconds($0)) left" } ?? ""
      draw(
        ProgressBar(label: entry.stage.title, fraction: fraction, text: Format.seconds(entry.seconds) + left),
        in: Rect(x: x, y: rect.y, width: width, height: 1))
      x += width + 2
    }
  }
}

extension StageProgress {
  var isRunning: Bool { if case .running = state { true } else { false } }

  /// Seconds that the stage still takes if its steps stay as they are; `nil` before the first is done.
  ///
  /// The decoder's steps come in pairs: a layer on all visual tokens, then on the voco row, which takes hardly any time.
  package var secondsLeft: Double? {
    guard case .running(let done, let total) = state, done > 0 else { return nil }
    let steps = stage == .decoder ? 2 : 1
    let (past, all) = ((done + steps - 1) / steps, (total + steps - 1) / steps)
    return past < all ? seconds / Double(past) * Double(all - past) : nil
  }

  var hasFailed: Bool { if case .failed = state { true } else { false } }
}

extension InspectorState.Work {
  var words: String {
    switch self {
    case .run: "running"
    case .knockOut(let label): "cutting \(label)"
    case .matchedRandom: "random draws"
    case .compression(let what): what
    case .edit: "running on edited codes"
    case .measurement(let what): what
    case .inspecting: "reading the tokens' attention"
    case .comparison: "making the second run"
    case .refinement: "int8 is on screen; the exact run goes on"
    case .reading(let name): "reading \(name)"
    }
  }
}

extension InspectorState {
  /// What works here, most useful first.
  var hintCommands: [Command] {
    let here: [Command] =
      switch focus {
      case .image: [.overlay, .pin, .range, .knockOut]
      case .attention:
        (view.head == nil ? [.strongestHead] : [.knockOutHead]) + (view.display == .heads ? [.open] : [])
          + [.display, .nextLayer, .nextHead]
          + [.knockOut, .compare, .pin, .metric, .scale, .inspected, .sinks]
      case .anchors: [.nextGroup, .codePage, .decodeKind, .nextCandidate, .editCode, .find, .pin, .knockOut]
      case .mask: [.open, .find]
      case .verdict: [.selectAnchors, .knockOut, .swapAnchors, .matchedRandom, .export]
      case .compression: [.askFamilies, .addPicture, .keepTurns, .newConversation, .export]
      case .checkpoint: [.open, .display, .compare, .find, .export]
      case .compare: [.compare, .display, .nextLayer, .nextHead, .scale, .pin, .export]
      }
    let first: [Command] = work == nil ? [.help] : [.cancel, .help]
    return (first + here + [.nextPanel, .prompt, .palette, .quit]).filter { command in
      obstacle(to: command) == nil && keyMap.keys(of: command).first.map { !takenKeys.contains($0) } ?? false
    }
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
    case .strongestHead: "most on anchors"
    case .knockOutHead: view.selection.isEmpty ? "cut its anchors" : "cut in this head"
    case .open where focus == .attention: "open"
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
