import Evidence
import Inspector
import TerminalUI
import TestSupport
import Testing
import Trace

@Suite("Room is used")
struct DensityTests {
  /// The part of a zoomed panel's cells that are blank on the theme's background, 0…1.
  static func emptiness(_ state: InspectorState) -> Double {
    var state = state
    if !state.view.isZoomed { state.post(.command(.zoomIn)) }
    let screen = view(state, size: state.size)
    guard let place = screen.hits.regions.first(where: { if case .panel = $0.target { true } else { false } })?.rect
    else { return 1 }
    let inside = place.inset(by: 1)
    var blank = 0
    for y in inside.y..<inside.maxY {
      for x in inside.x..<inside.maxX {
        let cell = screen.frame[x, y]
        if cell.character == " " && cell.style.background == state.appearance.theme.background { blank += 1 }
      }
    }
    return Double(blank) / Double(inside.width * inside.height)
  }

  /// What a person has on screen: the models that there are, and what was loaded beside the picture.
  enum Scene: CaseIterable, CustomTestStringConvertible {
    /// A small model of six heads and a book of 256 codes, one picture.
    case small
    /// The published shapes, one picture.
    case large
    /// The same with the evidence of many pictures.
    case evidence

    var testDescription: String { "\(self)" }

    fileprivate var trace: SyntheticTrace {
      self == .small
        ? SyntheticTrace(grid: 24, layers: 4, heads: 6, groups: 8, codesPerGroup: 256, latent: 21, text: 9) : .large
    }
  }

  /// Everything is there to be shown: answers, a second run, a tensor's values, a lens.
  static func state(_ panel: Panel, _ scene: Scene, size: Size = Size(width: 200, height: 56)) -> InspectorState {
    let synthetic = scene.trace
    var state = InspectorState.complete(synthetic, size: size)
    if scene == .evidence {
      state.post(.verdict(.recorded))
      state.post(
        .vocoRows(
          (0..<32).map { index in
            VocoRow(
              index: index, key: "key \(index)", name: "p\(index).png", anchors: [0.1, 0.2, 0.3, 0.1],
              patches: [Double](repeating: 0.3 / 576, count: 576))
          }))
    }
    state.post(.measured(.lens(SyntheticFindings.lens(synthetic))))
    state.postCompression()
    state.post(.weights(name: listing.rows[0].name, .ofRamp))
    state.post(.compared(synthetic.second))
    state.post(.command(panel.command))
    return state
  }

  /// The blank part that nothing may exceed at 200×56.
  static let most = 0.45

  @Test("No panel zoomed at 200×56 leaves more than 45 % of its cells empty", arguments: Panel.allCases, Scene.allCases)
  func panels(_ panel: Panel, _ scene: Scene) {
    let emptiness = Self.emptiness(Self.state(panel, scene))
    // The recorded verdict has short sentences and none of the numbers that fill the room under a real one.
    #expect(emptiness <= (panel == .verdict && scene == .evidence ? 0.5 : Self.most), "\(panel.title): \(emptiness)")
  }

  @Test("Neither do the views of Attention", arguments: AttentionDisplay.allCases, Scene.allCases)
  func attention(_ display: AttentionDisplay, _ scene: Scene) {
    var state = Self.state(.attention, scene)
    while state.view.display != display { state.post(.command(.display)) }
    let emptiness = Self.emptiness(state)
    #expect(emptiness <= Self.most, "\(display.rawValue): \(emptiness)")
  }

  @Test("Nor those of Anchors", arguments: AnchorsDisplay.allCases, Scene.allCases)
  func anchors(_ display: AnchorsDisplay, _ scene: Scene) {
    var state = Self.state(.anchors, scene)
    while state.view.anchorsDisplay != display { state.post(.command(.display)) }
    let emptiness = Self.emptiness(state)
    #expect(emptiness <= Self.most, "\(display.rawValue): \(emptiness)")
  }

  @Test("Nor a cut and another mask held against the run")
  func compared() throws {
    var state = Self.state(.attention, .large)
    state.post(.command(.selectAnchors))
    guard case .knockOut(let request)? = state.post(.command(.knockOut)).first else {
      return #expect(Bool(false), "nothing was cut")
    }
    let cut = SyntheticTrace.large.knockOut(request)
    state.post(.knockOutFinished(cut))
    var causal = SyntheticTrace.large
    causal.visualMask = .causal
    let runs = [
      ComparedRun(cut), ComparedRun(kind: .checkpoint, name: "causal", outcome: .run(causal.trace, picture: nil)),
    ]
    for run in runs {
      state.post(.compared(run))
      let emptiness = Self.emptiness(state)
      #expect(emptiness <= Self.most, "\(run.name): \(emptiness)")
    }
  }

  @Test("At 120×36 no panel leaves more than 60 % of its cells empty", arguments: Panel.allCases, Scene.allCases)
  func medium(_ panel: Panel, _ scene: Scene) {
    var state = Self.state(panel, scene, size: Size(width: 120, height: 36))
    #expect(Self.emptiness(state) <= 0.6, "\(panel.title): \(Self.emptiness(state))")
    guard panel == .attention else { return }
    for _ in AttentionDisplay.allCases {
      state.post(.command(.display))
      #expect(Self.emptiness(state) <= 0.6, "\(state.view.display.rawValue): \(Self.emptiness(state))")
    }
  }

  @Test("An empty panel counts as empty")
  func empty() {
    let state = InspectorState(imageName: "a.png", prompt: "?", size: Size(width: 200, height: 56))
    #expect(Self.emptiness(state) > 0.9)
  }
}
