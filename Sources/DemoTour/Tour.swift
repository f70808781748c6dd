import Evidence
package import Inspector
import Statistics
package import TerminalUI
import Trace

/// A guided way through the inspector: a real session, and words under it.
///
/// Every key but those of the tour goes to the inspector, so that what is told can be tried.
package struct TourState: InspectorProgram {
  package private(set) var inspector: InspectorState
  package private(set) var step = TourStep.question
  /// The inspector as it was at the end of each step before this.
  private var earlier: [InspectorState] = []
  private var size: Size

  /// - Parameter inspector: a session whose run has not begun, of the whole screen's size.
  package init(_ inspector: InspectorState) {
    self.inspector = inspector
    self.inspector.takenKeys = [" ", .backspace]
    size = inspector.size
    _ = Inspector.update(&self.inspector, .input(.resize(Self.room(size))))
    _ = begin()
  }

  package var isReady: Bool { step.isReady(inspector) }
  package var text: String { step.text(inspector) }

  /// Takes an action; space goes on once the step is complete, backspace back.
  package mutating func take(_ action: Action) -> [Effect] {
    switch action {
    case .input(.resize(let size)):
      self.size = size
      return Inspector.update(&inspector, .input(.resize(Self.room(size))))
    case .input(.key(" ")) where takesKeys: return goOn()
    case .input(.key(.backspace)) where takesKeys: return goBack()
    case .input(.mouse(let event)) where event.position.y >= Self.room(size).height:
      return event.kind == .press ? goOn() : []
    default: return Inspector.update(&inspector, action)
    }
  }

  /// Whether no menu, line of text or dialog of the inspector waits for keys.
  private var takesKeys: Bool { inspector.mode == .normal && inspector.failure == nil }

  private mutating func goOn() -> [Effect] {
    guard isReady else { return [] }
    guard let next = TourStep(rawValue: step.rawValue + 1) else { return [.quit] }
    earlier.append(inspector)
    step = next
    return begin()
  }

  private mutating func goBack() -> [Effect] {
    guard inspector.work == nil, let before = earlier.popLast(), let step = TourStep(rawValue: step.rawValue - 1) else {
      return []
    }
    inspector = before
    self.step = step
    return Inspector.update(&inspector, .input(.resize(Self.room(size))))
  }

  private mutating func begin() -> [Effect] {
    step.commands.flatMap { Inspector.update(&inspector, .command($0)) }
  }

  /// What the words leave of a screen.
  private static func room(_ size: Size) -> Size { Size(width: size.width, height: max(1, size.height - words(size))) }

  /// Rows of the words: a rule, the text, the keys.
  private static func words(_ size: Size) -> Int {
    guard size.height >= 16 else { return size.height >= 10 ? 3 : 1 }
    return size.width >= 110 ? 5 : 6
  }

  /// The inspector with the words under it; notes what the mouse meets.
  package mutating func draw(size: Size, pictures: PictureRenderer?) -> Frame {
    let room = Self.room(size)
    let above = view(inspector, size: room, pictures: pictures)
    inspector.hits = above.hits
    var canvas = Canvas(size: size, look: inspector.appearance)
    canvas.frame.blit(above.frame, at: Point(x: 0, y: 0))
    canvas.drawTour(self, in: Rect(x: 0, y: room.height, width: size.width, height: size.height - room.height))
    return canvas.screen.frame
  }
}

extension Canvas {
  fileprivate mutating func drawTour(_ tour: TourState, in rect: Rect) {
    guard rect.height > 0 else { return }
    let count = TourStep.allCases.count
    let isLast = tour.step.rawValue + 1 == count
    frame.restyle(rect.top(1)) { $0 = look.theme.banner }
    let heading = " Tour \(tour.step.rawValue + 1)/\(count) · \(tour.step.title)"
    line(heading, in: rect, style: look.theme.banner)
    let on = isLast ? "space ends" : "space goes on"
    let keys = tour.isReady ? ["\(on) · backspace back · q quits ", "\(on) · q quits ", "\(on) "] : ["computing … "]
    if let shown = keys.first(where: { displayWidth(heading) + displayWidth($0) < rect.width }) {
      line(shown, in: rect.top(1), style: look.theme.banner, alignment: .trailing)
    }
    let inside = Rect(x: rect.x + 1, y: rect.y + 1, width: max(0, rect.width - 2), height: rect.height - 1)
    paragraph(tour.text, in: inside)
  }
}

/// The steps of the tour, in order: what is said, and what the inspector is asked to do when the step begins.
package enum TourStep: Int, Sendable, CaseIterable {
  case question, codes, mask, attention, cut, random, verdict, compression

  package var title: String {
    switch self {
    case .question: "A picture and a question"
    case .codes: "Two encoders: patches and anchors"
    case .mask: "Everything must pass through one token"
    case .attention: "What <voco> looks at"
    case .cut: "Cut the anchors off"
    case .random: "Against as many random patches"
    case .verdict: "What the verdict means"
    case .compression: "What one token keeps"
    }
  }

  /// What a person could have pressed to get here.
  var commands: [Command] {
    switch self {
    case .question: [.imagePanel]
    case .codes: [.anchorsPanel]
    case .mask: [.maskPanel]
    case .attention: [.attentionPanel]
    case .cut: [.selectAnchors, .knockOut]
    case .random: [.matchedRandom]
    case .verdict: [.verdictPanel]
    case .compression: [.compressionPanel]
    }
  }

  /// Whether all that the step tells of has been computed.
  func isReady(_ state: InspectorState) -> Bool {
    guard state.work == nil, state.trace?.generation != nil else { return false }
    switch self {
    case .cut: return state.shownKnockOut != nil
    case .random: return draws(state)?.isFinished == true
    case .compression: return state.compression.latest?.isOver == true
    default: return true
    }
  }

  /// Two or three sentences with the numbers of the run on screen.
  package func text(_ state: InspectorState) -> String {
    guard isReady(state), let trace = state.trace else {
      return "The model is at work: each panel fills in as its stage ends."
    }
    let model = trace.model
    let patches = Format.integer(model.patchRows * model.patchGrid)
    switch self {
    case .question:
      return
        "Asked “\(trace.provenance.prompt)”, the model says “\(answer(trace))”. It turned the picture into \(patches) "
        + "patch tokens; the text that answered read just \(model.vocoTokens == 1 ? "one token, <voco>" : "\(model.vocoTokens) tokens") made of them."
    case .codes:
      return
        "A second encoder names what stands where: \(model.groups) books of \(Format.integer(model.codesPerGroup)) codes. "
        + "All of them together become \(model.anchors) anchor vectors, which stand first in the sequence. Move with the arrows: "
        + "the code, the patch and the anchor under the cursor are the same place."
    case .mask:
      return
        "A lit cell may be looked at. The rows of the text are dark over the picture's columns: the question sees nothing of it but "
        + "<voco>. So what matters is what <voco> takes in."
    case .attention: return attentionText(state)
    case .cut:
      guard let result = state.shownKnockOut else { return "" }
      return
        "Without its edges to the anchors the model says “\(result.answer)” (before: “\(answer(trace))”); the next token moves by "
        + "KL \(Format.number(result.kl)) nat. A cut only shows that something must stand there, not that what it says is used."
    case .random:
      guard let result = state.shownKnockOut, let percentile = draws(state)?.percentile(of: result.kl) else {
        return ""
      }
      return
        "Cutting any \(result.request.keys.count) patches does something too. Of \(draws(state)?.kls.count ?? 0) random draws, "
        + "\(Format.percent(percentile / 100)) move the answer less than the anchors' cut did."
    case .verdict:
      return
        "attends: an anchor gets more than a patch, also at the same position. contributes: what is read there changes with the picture. "
        + "causes: with another picture's anchors the answer becomes that picture's. One picture is an anecdote, never a yes: "
        + "'vocoscope verify DIR' asks many, with controls."
    case .compression: return compressionText(state)
    }
  }

  private func answer(_ trace: Trace) -> String { trace.generation?.text ?? "" }

  private func draws(_ state: InspectorState) -> MatchedRandomResult? {
    state.shownKnockOut.flatMap { state.matchedRandom[$0.request.id] }
  }

  private func attentionText(_ state: InspectorState) -> String {
    let query = AttentionQuery(layer: .all, head: .mean, metric: .share, hidesSinks: false, visualOnly: false)
    guard let attention = state.statistics?.attention, let view = AttentionView(attention, query) else { return "" }
    let anchors = view.anchorValues.reduce(0, +)
    let patches = view.patchValues.reduce(0, +)
    let each = anchors / Double(max(1, view.anchorValues.count))
    let lift = each / max(patches / Double(max(1, view.patchValues.count)), 1e-12)
    return
      "The anchors get \(Format.percent(anchors)) of its attention, the patches \(Format.percent(patches)): an anchor ×\(Format.number(lift)) "
      + "a patch (mean over layers and heads; [ ] and { } pick one). That proves little: the first positions of a sequence draw attention whatever stands there."
  }

  private func compressionText(_ state: InspectorState) -> String {
    guard let facts = state.compression.facts, let latest = state.compression.latest else { return "" }
    let answers = latest.answers.map { "\(facts.title(of: $0.source)): “\($0.outcome)”" }.joined(separator: "; ")
    return
      "The same question again. \(answers). Now with your own picture: 'vocoscope photo.jpg --prompt \"…\"', and over many: "
      + "'vocoscope verify DIR'."
  }
}
