import Evidence
import Inspector
import PanelExport
import Statistics
import Tensor
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

/// What files of `probe` and `eval` say of a model that never was.
enum SyntheticMeasurements {
  static let probes: ProbeReport = {
    let labels = (0..<40).map { $0 % 2 }
    /// Two values a picture: the label, or the other one, and noise.
    func result(_ name: String, _ column: Int, read: Bool) -> ProbeResult {
      var values: [Float] = []
      for picture in 0..<40 { values += [Float((picture + column) % 2), Float(picture % 7)] }
      let features = Tensor(shape: [40, 2], values: values)
      return ProbeResult(name, features, read: read, labels: labels, classes: 2, permutations: 99, seed: 0)
    }
    return ProbeReport(
      labels: [ProbeReport.Label(name: "red", pictures: 20), ProbeReport.Label(name: "blue", pictures: 20)],
      permutations: 99, seed: 0,
      results: [
        result("anchors", 0, read: true), result("mean patch", 1, read: true),
        result("<voco> after the last layer", 0, read: false),
      ])
  }()

  static let accuracy: [AccuracyChange] = [change("cut anchors", after: 0.4), change("cut random:4", after: 0.9)]

  private static func change(_ name: String, after: Double) -> AccuracyChange {
    let families = ["colour", "overall"].map { family -> PairedMeans in
      PairedMeans(
        name: family, count: 50, before: 0.9, after: after, interval: Interval(low: after - 1, high: after - 0.8),
        lost: 25, gained: 0)
    }
    return AccuracyChange(model: "htc-demo (\(name))", uncut: "htc-demo", families: families)
  }
}

@Suite("Probes and accuracies in the Verdict panel")
struct SavedViewTests {
  private func shown(_ kinds: [SavedMeasurement.Kind], display: VerdictDisplay) -> InspectorState {
    var state = InspectorState.complete(size: Size(width: 150, height: 40))
    for kind in kinds { state.post(.saved(kind)) }
    state.post(.command(.verdictPanel))
    state.post(.command(.zoomIn))
    while state.view.verdictDisplay != display { state.post(.command(.display)) }
    return state
  }

  @Test("Without a file a view says in one sentence how to get one")
  func missing() {
    for (display, words) in [(VerdictDisplay.probes, "vocoscope probe DIR"), (.accuracy, "vocoscope eval --cut")] {
      let state = shown([], display: display)
      #expect(view(state, size: state.size).frame.text.contains(words))
    }
  }

  @Test("Probes stand against the commonest label, and what nobody reads is named")
  func probes() throws {
    let state = shown([.probes(SyntheticMeasurements.probes)], display: .probes)
    let text = view(state, size: state.size).frame.text
    #expect(text.contains("anchors tells 100") && text.contains("chance 50"), "\(text)")
    #expect(text.contains("(read by nobody)") && text.contains("permuted"), "\(text)")
    let table = try #require(state.report(.verdict).tables.first { $0.title.hasPrefix("probes") })
    #expect(table.rows.count == 4 && table.rows[0][3] == .share(1) && table.rows[2][1] == .flag(false))
  }

  @Test("Interventions stand beside each other, a family a row, with their intervals")
  func accuracy() throws {
    let state = shown([.accuracy(SyntheticMeasurements.accuracy)], display: .accuracy)
    let text = view(state, size: state.size).frame.text
    #expect(text.contains("cut anchors: -50.0 points") && text.contains("cut random:4"), "\(text)")
    #expect(text.contains("-50.0 [-60.0, -40.0]") && text.contains("colour 90"), "\(text)")
    let table = try #require(state.report(.verdict).tables.first { $0.title == "accuracy under intervention" })
    #expect(table.rows.count == 4 && table.rows[0][0] == .text("cut anchors") && table.rows[0][8] == .integer(25))
  }

  @Test("Each is a figure in every format")
  func figures() throws {
    for (display, kind) in [
      (VerdictDisplay.probes, SavedMeasurement.Kind.probes(SyntheticMeasurements.probes)),
      (.accuracy, .accuracy(SyntheticMeasurements.accuracy)),
    ] {
      let export = { (state: InspectorState) in
        PanelExport(state, panel: .verdict, size: Size(width: 80, height: 24))
      }
      #expect(throws: PanelExportError.self) { try export(shown([], display: display)).bytes(.svg) }
      let figure = String(decoding: try export(shown([kind], display: display)).bytes(.svg), as: UTF8.self)
      #expect(figure.contains("<svg") && figure.contains(display == .probes ? "commonest label" : "cut anchors"))
      for format in [ExportFormat.png, .pdf, .csv, .json] {
        #expect(try !export(shown([kind], display: display)).bytes(format).isEmpty)
      }
    }
  }

  @Test("Heads that alone move the answer are marked in Attention and named, of voco's row alone")
  func causalHeads() {
    var verdict = EvidenceVerdict.recorded
    verdict.headEffects = [.synthetic]
    var state = InspectorState.complete(size: Size(width: 200, height: 40))
    state.post(.command(.attentionPanel))
    state.post(.command(.zoomIn))
    for _ in 0..<3 { state.post(.command(.display)) }
    #expect(!view(state, size: state.size).frame.text.contains("moves the answer alone"))
    state.post(.verdict(verdict))
    let text = view(state, size: state.size).frame.text
    #expect(text.contains("moves the answer alone") && text.contains("layer 2 head 1 0.6 [0.4, 0.7]"), "\(text)")
    #expect(text.contains("•×"), "\(text)")
    #expect(state.report(.attention).notes.contains { $0.contains("layer 2 head 1 0.6 [0.4, 0.7]; in all 0.61") })
  }
}

extension HeadEffects {
  static let synthetic: HeadEffects = {
    let estimate = { (effect: Double, low: Double, high: Double) in
      EffectEstimate(effect: effect, interval: Interval(low: low, high: high), standardError: 0.1, n: 40)
    }
    return HeadEffects(
      prompt: 0, scale: .logitDifference,
      heads: [
        Head(place: HeadPlace(voco: 0, layer: 1, head: 0), effect: estimate(0.6, 0.4, 0.7), isAbove: true),
        Head(place: HeadPlace(voco: 0, layer: 0, head: 1), effect: estimate(0.01, -0.01, 0.02), isAbove: false),
      ], together: estimate(0.61, 0.5, 0.7), chosenOn: 40, pairs: 160, confidence: 0.975, bound: 0.05)
  }()
}

@Suite("The projector's health in title and banner")
struct ProjectorHealthTests {
  @Test("A projector whose GELU is flat is named though its anchors differ; a healthy one says how far they are apart")
  func flat() {
    let synthetic = SyntheticTrace()
    var state = InspectorState.complete(synthetic, size: Size(width: 150, height: 40))
    state.post(.command(.anchorsPanel))
    state.post(.command(.zoomIn))
    var text = view(state, size: state.size).frame.text
    #expect(text.contains("projector healthy") && text.contains("The anchors differ: the nearest two are A"), "\(text)")
    var trace = synthetic.trace
    // Each anchor has one value of sixteen that is not where GELU is flat, and none looks like another.
    trace.anchors = Tensor(shape: [4, 16], values: (0..<64).map { $0 % 16 == $0 / 16 ? 1 : 0 })
    state.post(.trace(trace))
    text = view(state, size: state.size).frame.text
    #expect(text.contains("projector collapsed") && !text.contains("projector healthy"), "\(text)")
    #expect(text.contains("GELU is flat at 93.8"), "\(text)")
    #expect(state.report(.anchors).notes.contains { $0.hasPrefix("projector collapsed: GELU is flat") })
  }
}
