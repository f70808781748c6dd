import Evidence
package import Inspector
import Statistics
import Trace

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
