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

  /// Everything is there to be shown: a verdict with its pictures, answers, a second run, a tensor's values.
  static func state(_ panel: Panel) -> InspectorState {
    var state = InspectorState.complete(.large, size: Size(width: 200, height: 56))
    state.post(.verdict(.recorded))
    state.post(
      .vocoRows(
        (0..<32).map { index in
          VocoRow(
            index: index, key: "key \(index)", name: "p\(index).png", anchors: [0.1, 0.2, 0.3, 0.1],
            patches: [Double](repeating: 0.3 / 576, count: 576))
        }))
    state.postCompression()
    state.post(.weights(name: listing.rows[0].name, .ofRamp))
    state.post(.compared(SyntheticTrace.large.second))
    state.post(.command(panel.command))
    return state
  }

  /// The blank part that nothing may exceed.
  static let most = 0.45

  /// Short sentences and rules, as in this verdict, leave more.
  @Test("No panel zoomed at 200×56 leaves more than 45 % of its cells empty", arguments: Panel.allCases)
  func panels(_ panel: Panel) {
    let emptiness = Self.emptiness(Self.state(panel))
    #expect(emptiness <= (panel == .verdict ? 0.7 : Self.most), "\(panel.title): \(emptiness)")
  }

  @Test("Neither do the views of Attention", arguments: [AttentionDisplay.map, .heads, .layers, .matrix])
  func attention(_ display: AttentionDisplay) {
    var state = Self.state(.attention)
    while state.view.display != display { state.post(.command(.display)) }
    let emptiness = Self.emptiness(state)
    #expect(emptiness <= Self.most, "\(display.rawValue): \(emptiness)")
  }

  @Test("Nor those of Anchors", arguments: AnchorsDisplay.allCases)
  func anchors(_ display: AnchorsDisplay) {
    var state = Self.state(.anchors)
    while state.view.anchorsDisplay != display { state.post(.command(.display)) }
    let emptiness = Self.emptiness(state)
    // The plane of the book is blank between its codes.
    #expect(emptiness <= (display == .book ? 0.5 : Self.most), "\(display.rawValue): \(emptiness)")
  }

  @Test("Nor a cut and another mask held against the run")
  func compared() throws {
    var state = Self.state(.attention)
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

  @Test("An empty panel counts as empty")
  func empty() {
    let state = InspectorState(imageName: "a.png", prompt: "?", size: Size(width: 200, height: 56))
    #expect(Self.emptiness(state) > 0.9)
  }
}
