import Evidence
import TerminalUI
import Trace

extension InspectorState {
  /// The header's parts, most needed first; those that do not fit are left out from the end.
  var headerParts: [String] {
    var picture = imageName
    if let size = pictureSize {
      picture += " \(size.width)×\(size.height)"
      if let side = trace?.model.visionImageSize { picture += " → \(side)×\(side)" }
    }
    var answer = "“\(prompt)”"
    if let text = trace?.generation?.text { answer += " → “\(text)”" }
    if reusesImage { answer += " (image reused)" }
    return [picture, answer, viewWords, modelWords].filter { !$0.isEmpty }
  }

  private var modelWords: String {
    guard let trace else { return "" }
    return "\(trace.provenance.modelName) · \(trace.model.visualMask) mask · \(trace.model.precision)"
  }

  private var viewWords: String {
    guard trace != nil else { return "" }
    return "\(choiceWords) · \(view.scale.title)\(view.hidesSinks ? " · no sinks" : "")"
  }

  /// `layer 3/6 · head mean · lift`.
  var choiceWords: String {
    let layer = view.layer.map { "layer \($0 + 1)/\(layerCount)" } ?? "layers 1–\(layerCount)"
    let aggregated = "head \(view.takesMaximum ? "max" : "mean")"
    let head =
      view.metric == .rollout ? "heads averaged" : view.head.map { "head \($0 + 1)/\(headCount)" } ?? aggregated
    return "\(layer) · \(head) · \(view.metric.rawValue)"
  }
}

extension Canvas {
  /// Name first, then what fits of picture, answer, model and view, in the order of the design.
  mutating func drawHeader(_ state: InspectorState, in rect: Rect) {
    guard !rect.isEmpty else { return }
    let room = Rect(x: rect.x + 1, y: rect.y, width: rect.width - 2, height: 1)
    let used = frame.write("vocoscope", at: Point(x: room.x, y: room.y), style: look.theme.title, clippedTo: room) + 2
    let free = room.dropping(left: used)
    let parts = state.headerParts
    var fitting = parts
    while fitting.count > 1 && width(fitting) > free.width { fitting.removeLast() }
    // The view's settings stand at the right, apart from the rest.
    let right = fitting.count > 2 ? fitting.remove(at: 2) : nil
    let left = fitting.count == 3 ? [fitting[0], fitting[2], fitting[1]] : fitting
    let rightWidth = right.map { displayWidth($0) + 2 } ?? 0
    line(left.joined(separator: "   "), in: Rect(x: free.x, y: free.y, width: free.width - rightWidth, height: 1))
    if let right { line(right, in: free, style: look.theme.accent, alignment: .trailing) }
  }

  private func width(_ parts: [String]) -> Int { parts.reduce(0) { $0 + displayWidth($1) + 3 } - 3 }

  mutating func drawBanner(_ state: InspectorState, in rect: Rect) {
    guard !rect.isEmpty else { return }
    draw(
      Banner("untrained or random: \(state.untrainedParts.joined(separator: ", ")); these numbers support no verdict"),
      in: rect)
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
      let width = min(36, max(0, rect.maxX - x))
      let fraction = total > 0 ? Double(done) / Double(total) : nil
      draw(
        ProgressBar(label: entry.stage.title, fraction: fraction, text: Format.seconds(entry.seconds)),
        in: Rect(x: x, y: rect.y, width: width, height: 1))
      x += width + 2
    }
  }
}

extension StageProgress {
  var isRunning: Bool { if case .running = state { true } else { false } }

  var hasFailed: Bool { if case .failed = state { true } else { false } }
}

extension InspectorState.Work {
  var words: String {
    switch self {
    case .run: "running"
    case .knockOut(let label): "cutting \(label)"
    case .matchedRandom: "random draws"
    }
  }
}
