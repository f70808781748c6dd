import Evidence
import Inspector
import PanelExport
import TerminalUI
import Testing
import Trace

/// Findings about a synthetic trace, made up of numbers that can be told apart.
enum SyntheticFindings {
  /// With the panel that shows each and how many views it is from the first.
  static func all(_ synthetic: SyntheticTrace) -> [(panel: Panel, finding: RunFinding, display: Int)] {
    [(.attention, .lens(lens(synthetic)), 4), (.verdict, .answerTrace(answer), 2), (.verdict, .causalTrace(trace), 3)]
  }

  static func lens(_ synthetic: SyntheticTrace) -> Lens {
    let sequence = synthetic.trace.sequence!
    let kinds = sequence.spans.flatMap { span in span.range.map { _ in span.kind } }
    let shown = kinds.indices.filter { kinds[$0] == .voco || kinds[$0].isVisual } + [kinds.count - 1]
    let words = ["\u{2581}red", "\u{2581}blue", "\u{2581}two", "\u{2581}left", "\u{2581}no"]
    let places = LensPlace.all(shown, kinds: kinds)
    let layers = synthetic.layers
    return Lens(
      layers: layers,
      rows: places.enumerated().map { index, place in
        Lens.Row(
          place: place,
          states: (0...layers).map { state in
            (0..<Lens.count).map { rank in
              TokenProbability(
                id: 10 + (index + rank) % 5, piece: words[(index + rank) % 5],
                probability: 0.5 / Double(1 << rank) + 0.01 * Double(state))
            }
          })
      }, hasVoco: true)
  }

  static let answer = AnswerTrace(
    prompt: "what colour?", donor: "dog.png", draws: 8,
    tokens: ["\u{2581}red", "</s>"].enumerated().map { index, piece in
      AnswerTrace.Token(
        id: 10 + index, piece: piece, logProbability: -0.1 - Double(index),
        readings: (0..<3).map { layer in
          AnswerTrace.Reading(voco: 0.5 - 0.1 * Double(layer), visual: 0, text: 0.4, answer: 0.1 * Double(1 + layer))
        },
        changes: [
          .init(name: "cut anchors", nats: -2.5), .init(name: "cut as many random patches", nats: -0.01),
          .init(name: "swap anchors", nats: -7.25),
        ])
    })

  static let trace = CausalTrace(
    picture: "cat.png", donor: "dog.png", prompt: "what colour?", answers: ("red", "blue"), commonAnswer: "",
    scale: .logitDifference,
    segments: ["prefix", "anchors", "patches, top left", "voco", "text"].enumerated().map {
      TraceSegment(name: $0.element, rows: [$0.offset])
    },
    cells: (0..<3).map { layer in
      (0..<5).map { segment in
        CausalTrace.Cell(
          restoration: segment == 1 ? 0.9 - 0.3 * Double(layer) : 0.01, corruption: segment == 1 ? 0.8 : 0.02)
      }
    })
}

@Suite("Lens, answer followed back and causal trace in their panels")
struct FindingTests {
  private let synthetic = SyntheticTrace()

  @Test("A view asks for what it lacks when it is looked at, once, and shows what comes")
  func asks() throws {
    for (panel, finding, display) in SyntheticFindings.all(synthetic) {
      var state = InspectorState.complete(synthetic)
      state.post(.command(panel.command))
      var effects: [Effect] = []
      for _ in 0..<display {
        // A view on the way asks too.
        if state.work != nil { state.post(.cancelled) }
        effects = state.post(.command(.display))
      }
      let measurement = try #require(effects.first)
      guard case .measure(let asked) = measurement else {
        Issue.record("\(measurement) instead of a measurement")
        continue
      }
      #expect(state.work == .measurement(asked.rawValue))
      state.post(.measuring("half of it"))
      #expect(state.work == .measurement("half of it"))
      #expect(state.post(.command(.cancel)) == [.cancel])
      state.post(.cancelled)
      #expect(state.post(.command(.open)) == [.measure(asked)])
      state.post(.measured(finding))
      #expect(state.work == nil && state.report(panel).tables.count > 4)
      #expect(state.post(.command(.display)).allSatisfy { $0 != measurement })
    }
  }

  @Test("The numbers are in the panel's report and on screen")
  func numbers() throws {
    var state = InspectorState.complete(synthetic, size: Size(width: 160, height: 50))
    for (_, finding, _) in SyntheticFindings.all(synthetic) { state.post(.measured(finding)) }
    let lens = try #require(state.report(.attention).tables.first { $0.title.hasPrefix("lens: ") })
    // voco, four anchors and the last prompt token.
    #expect(lens.rows.count == 6 * (synthetic.layers + 1) && lens.columns.count == 3 + 2 * Lens.count)
    #expect(lens.rows.contains { $0[0] == .text("<voco>") && $0[2] == .flag(false) })
    let titles = state.report(.verdict).tables.map(\.title)
    #expect(titles.count { $0.hasPrefix("from the answer back") } == 2)
    #expect(titles.count { $0.hasPrefix("causal trace") } == 2)
    state.post(.command(.verdictPanel))
    state.post(.command(.zoomIn))
    for expected in ["cut anchors", "restoration: cat.png's"] {
      while !view(state, size: state.size).frame.text.contains(expected) {
        try #require(state.view.verdictDisplay != .trace, "\(expected) is nowhere")
        state.post(.command(.display))
      }
    }
  }

  @Test("Each is a figure in every format")
  func figures() throws {
    for (panel, finding, display) in SyntheticFindings.all(synthetic) {
      var state = InspectorState.complete(synthetic)
      state.post(.command(panel.command))
      for _ in 0..<display { state.post(.command(.display)) }
      let export = { (state: InspectorState) in PanelExport(state, panel: panel, size: Size(width: 80, height: 24)) }
      #expect(throws: PanelExportError.self) { try export(state).bytes(.svg) }
      state.post(.measured(finding))
      let figure = String(decoding: try export(state).bytes(.svg), as: UTF8.self)
      #expect(figure.contains("<svg") && figure.contains("weights"))
      for format in [ExportFormat.png, .pdf, .csv, .json] { #expect(try !export(state).bytes(format).isEmpty) }
    }
  }

  @Test("Of a trace without weights a view says in one sentence what it needs, and shows what the trace holds")
  func withoutWeights() {
    var state = InspectorState(
      imageName: "a.png", prompt: synthetic.prompt, size: Size(width: 120, height: 36),
      capabilities: InspectorState.Capabilities(runsModel: false))
    state.post(.picture(synthetic.picture, name: "a.png"))
    state.post(.trace(synthetic.trace))
    state.post(.finished)
    state.post(.command(.attentionPanel))
    state.post(.command(.zoomIn))
    for _ in 0..<4 { #expect(state.post(.command(.display)) == []) }
    var text = view(state, size: state.size).frame.text
    #expect(text.contains("A lens needs weights") && text.contains("the last prompt token decodes to"))
    state.post(.command(.verdictPanel))
    for _ in 0..<2 { #expect(state.post(.command(.display)) == []) }
    text = view(state, size: state.size).frame.text
    #expect(text.contains("needs weights") && text.contains("attention on <voco>, token × layer"))
    state.post(.command(.display))
    #expect(view(state, size: state.size).frame.text.contains("A causal trace needs weights and a second picture"))
  }
}
