import Evidence
import Inspector
import TerminalUI
import TestSupport
import Testing

@Suite("Room is used")
struct DensityTests {
  /// Panels that still leave more empty than they may.
  static let exceptions: Set<Panel> = [.verdict]

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

  static func state(_ panel: Panel) -> InspectorState {
    var state = InspectorState.complete(.large, size: Size(width: 200, height: 56))
    state.post(.verdict(.recorded))
    state.postCompression()
    state.post(.compared(SyntheticTrace.large.second))
    state.post(.command(panel.command))
    return state
  }

  /// Panels of text and charts, whose ground is blank, may leave more than those of maps and pictures.
  static let texts: Set<Panel> = [.anchors, .compression, .checkpoint, .compare]

  @Test(
    "No panel zoomed at 200×56 leaves more than 45 % of its cells empty, none of text and charts more than 60 %",
    arguments: Panel.allCases)
  func panels(_ panel: Panel) {
    guard !Self.exceptions.contains(panel) else { return }
    let emptiness = Self.emptiness(Self.state(panel))
    #expect(emptiness <= (Self.texts.contains(panel) ? 0.6 : 0.45), "\(panel.title): \(emptiness)")
  }

  /// The ground of a chart is blank, and a matrix has as many cells as there are heads: those two views may leave more.
  @Test(
    "Neither do the views of Attention",
    arguments: [(AttentionDisplay.map, 0.45), (.heads, 0.45), (.layers, 0.6), (.matrix, 0.6)])
  func attention(_ display: AttentionDisplay, most: Double) {
    var state = Self.state(.attention)
    while state.view.display != display { state.post(.command(.display)) }
    let emptiness = Self.emptiness(state)
    #expect(emptiness <= most, "\(display.rawValue): \(emptiness)")
  }

  @Test("An empty panel counts as empty")
  func empty() {
    let state = InspectorState(imageName: "a.png", prompt: "?", size: Size(width: 200, height: 56))
    #expect(Self.emptiness(state) > 0.9)
  }
}
