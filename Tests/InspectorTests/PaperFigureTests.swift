import Evidence
import Inspector
import TerminalUI
import Testing

@Suite("The paper's heat map")
struct PaperFigureTests {
  private let synthetic = SyntheticTrace()

  @Test("Of one picture it shows the live layers' mean and each, by the Attention panel's numbers, and u goes back")
  func onePicture() throws {
    var state = InspectorState.complete(synthetic)
    let verdict = state.report(.verdict)
    state.type("f")
    #expect(state.focus == .verdict && state.view.showsFigure)
    let figure = state.paperFigure
    #expect(figure.rows.map(\.name) == ["layers 1–2 (live)"] + (1...synthetic.layers).map { "layer \($0)" })
    let attention = try #require(state.statistics?.attention)
    let view = try #require(AttentionView(attention, AttentionQuery(layer: .single(1))))
    #expect(figure.rows[2].all == view.anchorValues + view.patchValues)
    #expect(figure.rows[2].short.count == min(4 + 12, figure.rows[2].all.count))
    let table = try #require(verdict.tables.first { $0.title == "the paper's heat map" })
    #expect(table.rows.count == synthetic.layers + 1 && table.rows[2][1] == .number(view.anchorValues[0]))
    state.type("u")
    #expect(!state.view.showsFigure)
  }

  @Test("Of verified pictures it shows a line each, at every size of the screen")
  func pictures() {
    var state = InspectorState.complete(synthetic)
    let rows = (0..<16).map { index in
      VocoRow(
        index: index, key: "key \(index)", name: "p\(index).png", anchors: [0.1, 0.2, 0.3, 0.1],
        patches: [Double](repeating: 0.3 / 576, count: 576))
    }
    state.post(.vocoRows(rows))
    state.type("f+")
    #expect(state.paperFigure.rows.map(\.name) == rows.map(\.name))
    #expect(state.paperFigure.range.upperBound == 0.3)
    for size in [Size(width: 20, height: 5), Size(width: 80, height: 24), Size(width: 160, height: 50)] {
      state.post(.input(.resize(size)))
      let text = view(state, size: size, pictures: nil).frame.text
      if size.width >= 80 {
        #expect(text.contains("p0.png") && text.contains("A1") && text.contains("all 580 visual keys"), "\(text)")
      }
    }
  }
}
