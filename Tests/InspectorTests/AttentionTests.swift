import Evidence
import Inspector
import Tensor
import TerminalUI
import Testing
import Trace

@Suite("The Attention panel")
struct AttentionPanelTests {
  /// After the run, with the cursor where it came to stand.
  private func started(_ synthetic: SyntheticTrace = SyntheticTrace(), on panel: Panel = .image) -> InspectorState {
    var state = InspectorState(imageName: "a.png", prompt: "?", size: Size(width: 120, height: 36))
    state.post(.picture(synthetic.picture, name: "a.png"))
    state.post(.command(panel.command))
    state.post(.trace(synthetic.trace))
    state.post(.finished)
    return state
  }

  @Test("The cursor starts on the most attended key that is no sink, and never in the padding")
  func start() throws {
    let state = started()
    let row = try #require(state.map?.view)
    let sinks = Set(row.sinks)
    let best = try #require(row.layout.patches.filter { !sinks.contains($0) }.max { row.values[$0] < row.values[$1] })
    #expect(state.links.position(of: state.cursor.key) == best)
    // The picture is half as high again as it is wide: the rows at top and bottom are padding.
    #expect(!state.reading.text.contains("padding"))
    let onAttention = started(on: .attention)
    let keys = row.layout.anchors + row.layout.patches
    let strongest = try #require(keys.filter { !sinks.contains($0) }.max { row.values[$0] < row.values[$1] })
    #expect(onAttention.links.position(of: onAttention.cursor.key) == strongest)
  }

  @Test("A cursor that was moved stays where it was put")
  func moved() {
    var state = InspectorState(imageName: "a.png", prompt: "?", size: Size(width: 120, height: 36))
    state.post(.picture(SyntheticTrace().picture, name: "a.png"))
    state.press(.right, .right, .down)
    state.post(.trace(SyntheticTrace().trace))
    #expect(state.cursor.patch == GridPoint(column: 2, row: 1))
  }

  @Test("V goes through map, heads, layers, matrix and lens, and the title tells the finding and the view")
  func displays() throws {
    var state = started(on: .attention)
    state.post(.command(.zoomIn))
    for display in [AttentionDisplay.map, .heads, .layers, .matrix] {
      #expect(state.view.display == display)
      let text = view(state, size: state.size).frame.text
      #expect(text.contains("view: \(display.rawValue)"))
      #expect(text.contains("anchors ×") && text.contains("most in layer"))
      state.type("V")
    }
    #expect(state.view.display == .lens)
    state.type("V")
    #expect(state.view.display == .map)
  }

  @Test("A narrow title keeps the finding")
  func narrow() {
    let state = started(on: .attention)
    #expect(view(state, size: Size(width: 44, height: 20)).frame.text.contains("2 Attention · anchors ×"))
  }

  @Test("The strongest head is never in the layer that nobody reads, and that layer says so")
  func deadLayer() throws {
    var state = started(on: .attention)
    let inspected = try #require(state.inspected)
    #expect(inspected.deadLayer == 2)
    let lifts = inspected.attention.matrix(.lift)
    let live = lifts.dropLast().joined().compactMap { $0 }.max()
    #expect(inspected.strongest?.lift == live)
    state.type("V")
    state.post(.command(.zoomIn))
    #expect(view(state, size: Size(width: 160, height: 50)).frame.text.contains("read by nobody"))
  }

  @Test("Whoever asks for the strongest head from another panel is told which it is and what can be done there")
  func strongestNotice() throws {
    var state = started()
    state.type("*")
    let (layer, head) = (try #require(state.view.layer), try #require(state.view.head))
    let notice = try #require(state.notice)
    #expect(notice.hasPrefix("layer \(layer + 1) head \(head + 1): anchors get most, ×"))
    #expect(notice.hasSuffix("a patch; z cuts <voco> off there"))
  }

  @Test("Arrows in heads choose a head from the strongest on, Enter opens its map")
  func heads() throws {
    var state = started(on: .attention)
    state.type("V")
    let strongest = try #require(state.inspected?.strongest)
    state.press(.right)
    #expect(state.view.layer == strongest.layer && state.view.head == strongest.head)
    state.press(.home)
    #expect(state.view.layer == 0 && state.view.head == 0)
    state.press(.right, .down, .enter)
    #expect(state.view.display == .map && state.view.layer == 1 && state.view.head == 1)
  }

  @Test("Enter in the matrix sorts the layers by the head, and again leaves them in order")
  func sorting() {
    var state = started(on: .attention)
    state.type("VVV")
    state.press(.home, .right, .enter)
    #expect(state.view.sortedHead == 1)
    state.post(.command(.zoomIn))
    #expect(view(state, size: state.size).frame.text.contains("sorted by head 2"))
    state.press(.enter)
    #expect(state.view.sortedHead == nil)
  }

  @Test("Q looks at the last prompt token, which sees voco and no patch")
  func lastToken() throws {
    var state = started(on: .attention)
    let voco = try #require(state.map?.view.values)
    func inspect(_ row: InspectedRow) {
      state.type("Q")
      let index = state.choices.firstIndex { $0.target == .inspect(row) } ?? 0
      let steps = index - state.selectedChoice
      for _ in 0..<max(0, steps) { state.press(.down) }
      for _ in 0..<max(0, -steps) { state.press(.up) }
      state.press(.enter)
    }
    inspect(.lastPromptToken)
    let map = try #require(state.map)
    #expect(map.view.layout.patches.isEmpty && map.view.layout.anchors.isEmpty)
    #expect(map.view.values != voco && map.view.layout.query == SyntheticTrace().length - 1)
    #expect(state.inspected?.deadLayer == nil)
    let text = view(state, size: state.size).frame.text
    #expect(text.contains("of the last prompt token") && text.contains("most at "))
    state.post(.command(.imagePanel))
    state.post(.command(.zoomIn))
    #expect(view(state, size: state.size).frame.text.contains("the last prompt token sees no patch"))
    state.post(.command(.attentionPanel))
    inspect(.voco)
    #expect(state.map?.view.values == voco)
  }

  @Test("Q looks at any token of prompt and answer, computed when it is first asked for")
  func textTokens() throws {
    let synthetic = SyntheticTrace()
    var state = started(on: .attention)
    state.type("Q")
    let row = try #require(state.choices.firstIndex { $0.target == .inspect(.text(synthetic.text)) })
    for _ in 0..<row { state.press(.down) }
    #expect(state.press(.enter) == [.inspectText(answer: [5, 6])])
    let (first, count) = (synthetic.voco, synthetic.text + 1)
    let keys = count + 1
    let values = (0..<synthetic.heads * count * keys).map { index -> Float in
      let (token, key) = (index / keys % count, index % keys)
      return key <= token + 1 ? 1 / Float(token + 2) : 0
    }
    let layer = Tensor(shape: [synthetic.heads, count, keys], values: values)
    state.post(
      .textAttention(
        TextAttention(
          layers: [Tensor](repeating: layer, count: synthetic.layers), positions: (0..<count).map { first + 1 + $0 },
          pieces: ["▁what", "▁is", "▁in", "▁the", "▁picture", "▁cat"], columns: (0..<keys).map { first + $0 },
          valueNorms: [Tensor](
            repeating: Tensor(
              shape: [synthetic.heads, keys], values: (0..<synthetic.heads * keys).map { $0 % keys == 0 ? 3 : 1 }),
            count: synthetic.layers))))
    let map = try #require(state.map)
    #expect(map.view.layout.query == synthetic.length && map.view.layout.visible.count == keys)
    #expect(abs(map.view.values[first] - 1 / Double(keys)) < 1e-6)
    #expect(state.inspectedToken == "▁cat")
    // Voco's value is three times as long as the others', and so it weighs.
    for _ in 0..<4 where state.view.metric != .normWeighted { state.type("m") }
    #expect(abs((state.map?.view.values[first] ?? 0) - 3 / Double(keys + 2)) < 1e-6)
    #expect(view(state, size: state.size).frame.text.contains("of ▁cat"))
    // Verdict tells of the same token: it sees no anchor.
    #expect(
      state.verdictHeadline == "Does “cat” prioritise the 4 anchors over the 36 patches? One picture is an anecdote.")
    #expect(state.tiers.map(\.word) == ["not measured", "not measured", "not measured"])
    #expect(state.tiers[0].sentence.contains("“cat” sees no anchor"))
    // Another run's tokens are other tokens.
    state.post(.trace(synthetic.trace))
    #expect(state.view.inspected == .voco)
  }

  @Test(
    "A lift of almost nothing, or over almost nothing, has no digits that mean nothing",
    arguments: [
      (nil, "×–"), (0, "<×0.01"), (0.004, "<×0.01"), (0.02, "×0.02"), (7.4, "×7.4"), (98, "×98"), (1e7, ">×999"),
      (0.326, "×0.33"),
    ] as [(Double?, String)])
  func lifts(lift: Double?, text: String) { #expect(liftText(lift) == text) }
}
