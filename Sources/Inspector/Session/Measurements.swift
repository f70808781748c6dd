package import Evidence
import Statistics
import Tensor
import TerminalUI
import Trace

/// What the model is asked for beyond a run, as soon as a view that shows it is looked at.
package enum RunMeasurement: String, Sendable, Hashable, CaseIterable {
  case lens
  case answerTrace = "from the answer back"
  case causalTrace = "causal trace"
}

/// What came of it.
package enum RunFinding: Sendable, Hashable {
  case lens(Lens)
  case answerTrace(AnswerTrace)
  case causalTrace(CausalTrace)
}

/// The findings about the picture on screen and one question.
struct RunFindings: Sendable {
  let prompt: String
  var lens: LensStatistics?
  var answerTrace: AnswerTrace?
  var causalTrace: CausalTrace?
}

extension InspectorState {
  /// What is known of the question on screen.
  private var known: RunFindings? { findings.flatMap { $0.prompt == prompt ? $0 : nil } }

  package var lens: LensStatistics? { known?.lens }
  package var answerTrace: AnswerTrace? { known?.answerTrace }
  package var causalTrace: CausalTrace? { known?.causalTrace }

  mutating func take(_ finding: RunFinding) {
    if case .measurement = work { work = nil }
    var found = known ?? RunFindings(prompt: prompt)
    switch finding {
    case .lens(let lens): found.lens = LensStatistics(lens)
    case .answerTrace(let trace): found.answerTrace = trace
    case .causalTrace(let trace): found.causalTrace = trace
    }
    findings = found
  }

  /// What the focused panel's view shows and nobody has computed yet.
  private var missing: RunMeasurement? {
    switch (focus, view.display, view.verdictDisplay) {
    case (.attention, .lens, _): lens == nil ? .lens : nil
    case (.verdict, _, .answer): answerTrace == nil ? .answerTrace : nil
    case (.verdict, _, .trace): causalTrace == nil ? .causalTrace : nil
    default: nil
    }
  }

  /// Asks for what is looked at and missing, as soon as the model is free.
  mutating func measureIfShown() -> [Effect] {
    guard let missing, busyObstacle == nil else { return [] }
    work = .measurement(missing.rawValue)
    return [.measure(missing)]
  }

  /// Whatever the panel in sight needs of the model.
  mutating func startShown() -> [Effect] { compareIfShown() + measureIfShown() }

  /// Why a view has nothing to show, in one sentence.
  func missingWords(_ measurement: RunMeasurement) -> String {
    if let problem = decoderObstacle { return "There is nothing to trace yet: \(problem)." }
    guard capabilities.runsModel else { return Self.needs(measurement) }
    if case .measurement(let words) = work { return "Computing: \(words)." }
    return work == nil
      ? "Not computed; \(keyMap.hint(.open, unicode: glyphs.isUnicode)) computes it."
      : "The model is busy; this is computed when it is free."
  }

  private static func needs(_ measurement: RunMeasurement) -> String {
    switch measurement {
    case .lens:
      "A lens needs weights, the final norm and the head, which a trace does not hold: open the picture with its checkpoint."
    case .answerTrace:
      "What cuts and swaps do to the answer needs weights; this trace holds what the first token reads."
    case .causalTrace:
      "A causal trace needs weights and a second picture: open the picture with its checkpoint, or vocoscope report --trace-map."
    }
  }
}

extension AnswerTrace.Reading {
  /// What a trace holds of it: the last prompt token's row, which predicts the answer's first token, a layer each.
  static func first(of trace: Trace) -> [AnswerTrace.Reading] {
    guard let sequence = trace.sequence, let weights = trace.language?.attentionLast, weights.rank == 3,
      weights.shape[2] == sequence.length
    else { return [] }
    let (heads, length) = (weights.shape[1], weights.shape[2])
    return (0..<weights.shape[0]).map { layer in
      let sum = { (keys: [Int]) in
        keys.reduce(0.0) { sum, key in
          (0..<heads).reduce(sum) { $0 + Double(weights.values[(layer * heads + $1) * length + key]) }
        } / Double(heads)
      }
      let voco = sequence.positions(of: .voco)
      let visual = sequence.spans.filter(\.kind.isVisual).flatMap { Array($0.range) }
      let others = Set(0..<length).subtracting(voco).subtracting(visual).sorted()
      return AnswerTrace.Reading(voco: sum(voco), visual: sum(visual), text: sum(others), answer: 0)
    }
  }
}
