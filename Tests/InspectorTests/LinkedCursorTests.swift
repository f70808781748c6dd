import Inspector
import TerminalUI
import Testing
import Trace

@Suite("Linked cursor")
struct LinkedCursorTests {
  @Test("Patches and latent cells map by their centres", arguments: [(24, 21), (6, 5), (5, 6), (24, 24)])
  func grids(patches: Int, latent: Int) {
    let from = GridSize(rows: patches, columns: patches)
    let to = GridSize(rows: latent, columns: latent)
    for index in 0..<from.count {
      let point = from.point(index)
      let cell = from.map(point, to: to)
      let center = (Double(point.row) + 0.5) / Double(patches) * Double(latent)
      #expect(cell.row == Int(center))
    }
    #expect(from.map(GridPoint(column: 0, row: 0), to: to) == GridPoint(column: 0, row: 0))
    #expect(
      from.map(GridPoint(column: patches - 1, row: patches - 1), to: to)
        == GridPoint(column: latent - 1, row: latent - 1))
  }

  @Test("A padded picture's pixels lie in the patches of its square")
  func padding() {
    let geometry = PictureGeometry(
      width: 48, height: 24, aspect: .pad, patches: GridSize(rows: 4, columns: 4), latent: GridSize(rows: 4, columns: 4)
    )
    #expect(geometry.side == 48)
    let whole = PictureGeometry(
      width: 32, height: 24, aspect: .whole, patches: GridSize(rows: 3, columns: 4),
      latent: GridSize(rows: 3, columns: 4))
    #expect(whole.patch(x: 31, y: 23) == GridPoint(column: 3, row: 2))
    let last = whole.pixels(of: GridPoint(column: 3, row: 2), in: whole.patches)
    #expect(last.x == 24..<32 && last.y == 16..<24)
    #expect(geometry.offsetY == 12)
    #expect(geometry.patch(x: 0, y: 0) == GridPoint(column: 0, row: 1))
    #expect(geometry.patch(x: 47, y: 23) == GridPoint(column: 3, row: 2))
    let area = geometry.pixels(of: GridPoint(column: 1, row: 1), in: geometry.patches)
    #expect(area.x == 12..<24)
    #expect(area.y == 0..<12)
  }

  @Test("Every pixel of a picture lies under the patch that owns it", arguments: [(37, 23), (23, 37), (24, 24)])
  func pixelsRoundTrip(width: Int, height: Int) {
    for aspect in [PictureGeometry.Aspect.pad, .crop] {
      let geometry = PictureGeometry(
        width: width, height: height, aspect: aspect, patches: GridSize(rows: 5, columns: 5),
        latent: GridSize(rows: 4, columns: 4))
      for y in 0..<height {
        for x in 0..<width {
          guard let patch = geometry.patch(x: x, y: y) else {
            #expect(aspect == .crop)
            continue
          }
          let area = geometry.pixels(of: patch, in: geometry.patches)
          #expect(abs(area.x.lowerBound - x) <= geometry.side / 5 + 1 && x <= area.x.upperBound)
          #expect(abs(area.y.lowerBound - y) <= geometry.side / 5 + 1 && y <= area.y.upperBound)
        }
      }
    }
  }

  @Test("A crop leaves out what the model does not see")
  func crop() {
    let geometry = PictureGeometry(
      width: 40, height: 20, aspect: .crop, patches: GridSize(rows: 2, columns: 2),
      latent: GridSize(rows: 2, columns: 2))
    #expect(geometry.patch(x: 0, y: 0) == nil)
    #expect(geometry.patch(x: 10, y: 0) == GridPoint(column: 0, row: 0))
    #expect(geometry.patch(x: 29, y: 19) == GridPoint(column: 1, row: 1))
    #expect(geometry.patch(x: 30, y: 0) == nil)
  }

  @Test("Moving in the picture moves key, code and mask cell")
  func patchMovesAll() {
    var state = InspectorState.complete()
    state.press(.right, .down, .down)
    #expect(state.cursor.patch == GridPoint(column: 1, row: 2))
    #expect(state.links.position(of: state.cursor.key) == 1 + 4 + 13)
    #expect(state.cursor.code == GridPoint(column: 1, row: 2))
    #expect(state.maskEdge?.column == 18)
    #expect(state.maskEdge?.row == SyntheticTrace().voco)
  }

  @Test("Moving in the code grid moves the patch under it")
  func codeMovesPatch() {
    var state = InspectorState.complete()
    state.type("3")
    state.press(.end)
    #expect(state.cursor.code == GridPoint(column: 4, row: 4))
    #expect(state.cursor.patch == GridPoint(column: 5, row: 5))
    #expect(state.maskEdge?.column == 1 + 4 + 35)
    #expect(state.reading.text.contains("of group 1"))
  }

  @Test("From the code grid up to the anchors and back")
  func anchorsAboveCodes() {
    var state = InspectorState.complete()
    state.type("3")
    state.press(.up)
    #expect(state.cursor.key == .anchor(3))
    #expect(state.maskEdge?.column == 4)
    #expect(state.reading.text.hasPrefix("A4 key 4"))
    state.press(.down)
    #expect(state.cursor.place == .code)
  }

  @Test("Right of the map stand the anchors and the tokens")
  func rightOfMap() {
    var state = InspectorState.complete()
    state.type("2")
    state.press(.right, .right, .right, .right, .right)
    #expect(state.cursor.patch.column == 5)
    state.press(.right)
    #expect(state.cursor.key == .anchor(0))
    state.press(.end)
    #expect(state.cursor.key == .position(SyntheticTrace().voco))
    #expect(state.reading.text.hasPrefix("<voco> key 41"))
    state.press(.left)
    #expect(state.cursor.key == .patch(5))
  }

  @Test("A mask cell is a query and a key; the key moves the other panels")
  func maskCell() {
    var state = InspectorState.complete()
    state.type("4")
    state.press(.enter, .up, .up)
    #expect(state.maskEdge?.row == SyntheticTrace().voco - 2)
    state.press(.right)
    #expect(state.cursor.key == .patch(1))
    #expect(state.cursor.patch == GridPoint(column: 1, row: 0))
    #expect(state.reading.text.contains("blocked"))
  }

  @Test("By blocks the mask's cursor goes from segment to segment")
  func maskBlocks() {
    var state = InspectorState.complete()
    state.type("4")
    state.press(.left)
    #expect(state.maskEdge?.column == 1)
    state.press(.left)
    #expect(state.maskEdge?.column == 0)
    state.press(.left)
    #expect(state.maskEdge?.column == 0)
  }

  @Test("The edge under the cursor is given the rule's reason, and a mask that differs from the rule is called so")
  func reasons() throws {
    let synthetic = SyntheticTrace()
    var state = InspectorState.complete(synthetic)
    state.type("4")
    let edge = try #require(state.maskEdge)
    let sequence = synthetic.sequence
    let kinds = sequence.spans.flatMap { [SegmentKind](repeating: $0.kind, count: $0.count) }
    let reason = MaskRule(.star, kinds: kinds).reason(row: edge.row, column: edge.column)
    #expect(edge.isAllowed == reason.isAllowed && edge.sentence == reason.sentence)
    var trace = synthetic.trace
    trace.sequence?.mask[edge.row * sequence.length + edge.column] = edge.isAllowed ? 0 : 1
    state.post(.trace(trace))
    #expect(state.maskEdge?.sentence == "The trace's mask differs from the rule: \(reason.sentence)")
  }

  @Test("A smaller model pulls the cursor inside")
  func relink() {
    var state = InspectorState.complete(SyntheticTrace(grid: 8))
    state.press(.end)
    state.post(.trace(SyntheticTrace(grid: 3, latent: 2).trace))
    #expect(state.cursor.patch == GridPoint(column: 2, row: 2))
    #expect(state.cursor.code == GridPoint(column: 1, row: 1))
  }
}
