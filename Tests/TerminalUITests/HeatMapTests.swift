import ColorMaps
import TerminalUI
import Testing

@Suite("Grids of data")
struct HeatMapTests {
  private let trueColor = Appearance()
  private let mono = Appearance(depth: .mono)
  private let room = Rect(x: 3, y: 2, width: 36, height: 14)

  private func frame(_ look: Appearance, _ size: Size = Size(width: 60, height: 30)) -> Frame {
    var frame = Frame(size: size)
    frame.fill(frame.bounds, with: Cell(" ", look.theme.text))
    return frame
  }

  @Test("Each grid cell is a whole number of half cells, as large as fits")
  func exactScale() {
    let layout = GridLayout(columns: 24, rows: 24, in: room, trueColor)
    #expect(layout.scaleX == 1 && layout.scaleY == 1)
    #expect(layout.area == Rect(x: 3, y: 2, width: 24, height: 12))
    let large = GridLayout(columns: 24, rows: 24, in: Rect(x: 0, y: 0, width: 80, height: 40), trueColor)
    #expect(large.scaleX == 3 && large.scaleY == 3)
    #expect(large.area.size == Size(width: 72, height: 36))
    let odd = GridLayout(columns: 3, rows: 3, in: Rect(x: 0, y: 0, width: 9, height: 9), trueColor)
    #expect(odd.area.size == Size(width: 9, height: 5))
    let wide = GridLayout(columns: 4, rows: 6, in: Rect(x: 0, y: 0, width: 22, height: 7), trueColor, isSquare: false)
    #expect(wide.scaleX == 5 && wide.scaleY == 2)
  }

  @Test("Every grid cell's colour covers exactly its half cells", arguments: [1, 2, 3, 5])
  func exactColors(scale: Int) {
    let (columns, rows) = (7, 5)
    let values = (0..<columns * rows).map { Double($0) }
    let room = Rect(x: 2, y: 1, width: columns * scale, height: (rows * scale + 1) / 2)
    let layout = GridLayout(columns: columns, rows: rows, in: room, trueColor)
    #expect(layout.scaleX == scale && layout.showsAll)
    var frame = frame(trueColor)
    HeatMap(values, layout: layout, range: 0...34).draw(in: room, of: &frame, trueColor)
    for y in 0..<rows * scale {
      for x in 0..<columns * scale {
        let halves = frame[room.x + x, room.y + y / 2].halves(.unicode)
        let value = values[y / scale * columns + x / scale]
        #expect((y % 2 == 0 ? halves.upper : halves.lower) == ColorMap.cividis.color(value / 34))
      }
    }
  }

  @Test("A click finds the cell that is drawn there, and the cell knows its characters", arguments: [1, 2, 3])
  func picking(scale: Int) {
    let room = Rect(x: 4, y: 3, width: 8 * scale, height: (6 * scale + 1) / 2)
    let layout = GridLayout(columns: 8, rows: 6, in: room, trueColor)
    for row in 0..<6 {
      for column in 0..<8 {
        let point = GridPoint(column: column, row: row)
        let rect = layout.rect(of: point)
        #expect(!rect.isEmpty && rect.intersection(room) == rect)
        let corners = [Point(x: rect.x, y: rect.y), Point(x: rect.maxX - 1, y: rect.maxY - 1)]
        for corner in corners {
          let found = [0, 1].compactMap { layout.gridPoint(at: corner, unit: $0) }
          #expect(found.contains(point))
        }
        #expect(GridPoint(index: point.index(columns: 8), columns: 8) == point)
      }
    }
    #expect(layout.gridPoint(at: Point(x: 3, y: 3)) == nil)
    #expect(layout.gridPoint(at: Point(x: 4 + 8 * scale, y: 3)) == nil)
  }

  @Test("Where a character holds two cells, a second click takes the lower one")
  func secondClick() {
    let layout = GridLayout(columns: 24, rows: 24, in: room, trueColor)
    let place = Point(x: room.x + 5, y: room.y + 4)
    let first = layout.gridPoint(at: place)
    #expect(first == GridPoint(column: 5, row: 8))
    let second = layout.gridPoint(at: place, current: first)
    #expect(second == GridPoint(column: 5, row: 9))
    #expect(layout.gridPoint(at: place, current: second) == first)
  }

  @Test("A grid too large for its room shows a window with the cursor in it")
  func window() {
    for row in 0..<42 {
      let cursor = GridPoint(column: 41 - row, row: row)
      let layout = GridLayout(
        columns: 42, rows: 42, in: Rect(x: 0, y: 0, width: 20, height: 7), trueColor, keeping: cursor)
      #expect(!layout.showsAll && layout.visible == Size(width: 20, height: 14))
      #expect(layout.isVisible(cursor))
      #expect(layout.first.column >= 0 && layout.first.column + 20 <= 42)
    }
    let none = GridLayout(columns: 4, rows: 4, in: Rect(x: 0, y: 0, width: 0, height: 0), trueColor)
    #expect(none.area.isEmpty && none.gridPoint(at: Point(x: 0, y: 0)) == nil)
  }

  @Test("Without colour a ramp of characters carries the magnitudes", arguments: [Glyphs.unicode, .ascii])
  func ramp(glyphs: Glyphs) {
    let look = Appearance(glyphs: glyphs, depth: .mono)
    let values = (0..<10).map { Double($0) / 9 } + [.nan, 0]
    let room = Rect(x: 0, y: 0, width: 24, height: 1)
    let layout = GridLayout(columns: 12, rows: 1, in: room, look)
    #expect(layout.scaleX == 2 && layout.scaleY == 1)
    var frame = frame(look)
    HeatMap(values, layout: layout, range: 0...1).draw(in: room, of: &frame, look)
    let shown = (0..<12).map { frame[2 * $0, 0].character }
    #expect(shown[10] == glyphs.noData)
    #expect(shown[0] == " " && shown[9] == glyphs.ramp.last)
    // Both characters of a cell: four shades have steps between them.
    let steps = (0..<10).map { cell in
      (0..<2).compactMap { glyphs.ramp.firstIndex(of: frame[2 * cell + $0, 0].character) }.reduce(0, +)
    }
    #expect(steps == steps.sorted() && Set(steps).count >= 9)
  }

  @Test("Without colour a diverging map tells the sign: digits above, letters below")
  func signs() {
    let layout = GridLayout(columns: 5, rows: 1, in: Rect(x: 0, y: 0, width: 5, height: 1), mono)
    var frame = frame(mono)
    HeatMap([-1, -0.5, 0, 0.5, 1], layout: layout, range: -1...1, map: .blueOrange)
      .draw(in: frame.bounds, of: &frame, mono)
    #expect(frame.text.prefix(5) == "ie.59")
  }

  @Test("No data has a colour of its own, and a range of no width does not divide by zero")
  func noData() {
    let layout = GridLayout(columns: 2, rows: 2, in: room, trueColor, largestScale: 1)
    let map = HeatMap([.nan, 1, 1, 2], layout: layout, range: 1...1)
    #expect(map.color(of: GridPoint(column: 0, row: 0), trueColor) == trueColor.theme.noDataColor)
    #expect(map.color(of: GridPoint(column: 1, row: 0), trueColor) == ColorMap.cividis.color(0))
    #expect(map.color(of: GridPoint(column: 1, row: 1), trueColor) == ColorMap.cividis.color(1))
    #expect(HeatMap([0, 0, 0, 0], layout: layout, range: 0...0, map: .blueOrange).position(0) == 0.5)
  }

  @Test("The cursor leaves its cell's colour to be seen where there is room, and takes it where there is not")
  func marks() {
    let values = (0..<16).map { Double($0) }
    let point = GridPoint(column: 1, row: 2)
    for (width, height, brackets) in [(4, 2, false), (8, 4, true), (12, 6, true)] {
      let room = Rect(x: 0, y: 0, width: width, height: height)
      let layout = GridLayout(columns: 4, rows: 4, in: room, trueColor)
      var plain = frame(trueColor)
      HeatMap(values, layout: layout, range: 0...15).draw(in: room, of: &plain, trueColor)
      var marked = plain
      GridMarks(layout: layout, cursor: point).draw(in: room, of: &marked, trueColor)
      let rect = layout.rect(of: point)
      let changed = (0..<60 * 30).filter { plain.cells[$0] != marked.cells[$0] }
      #expect(!changed.isEmpty)
      #expect(changed.allSatisfy { rect.contains(Point(x: $0 % 60, y: $0 / 60)) })
      if brackets {
        let y = layout.wholeRows(of: point).lowerBound
        #expect(marked[rect.x, y].character == "[" && marked[rect.maxX - 1, y].character == "]")
        #expect(marked[rect.x, y].style.background == ColorMap.cividis.color(9.0 / 15))
      } else {
        #expect(marked[rect.x, rect.y].halves(.unicode).upper == trueColor.theme.cursorColor)
        #expect(marked[rect.x, rect.y].halves(.unicode).lower == plain[rect.x, rect.y].halves(.unicode).lower)
      }
    }
  }

  @Test("Without colour the cursor is reversed and the selection underlined")
  func monoMarks() {
    let layout = GridLayout(columns: 4, rows: 4, in: room, mono, largestScale: 2)
    var frame = frame(mono)
    GridMarks(
      layout: layout, cursor: GridPoint(column: 0, row: 0), selection: [GridPoint(column: 2, row: 3)]
    ).draw(in: room, of: &frame, mono)
    #expect(frame[room.x, room.y].style.attributes.contains(.reverse))
    #expect(frame[room.x + 4, room.y + 3].style.attributes == .underline)
    #expect(frame[room.x + 2, room.y].style.attributes == [])
  }

  @Test("Maps and marks stay inside the rectangle they are given, whatever its size")
  func clipped() {
    for width in 0..<9 {
      for height in 0..<7 {
        for look in [trueColor, mono] {
          let room = Rect(x: 5, y: 4, width: width, height: height)
          let layout = GridLayout(columns: 6, rows: 5, in: room, look, keeping: GridPoint(column: 5, row: 4))
          var drawn = frame(look)
          let before = drawn
          HeatMap([Double](repeating: 1, count: 30), layout: layout, range: 0...1).draw(in: room, of: &drawn, look)
          GridMarks(
            layout: layout, cursor: GridPoint(column: 5, row: 4), selection: [GridPoint(column: 0, row: 0)]
          ).draw(in: room, of: &drawn, look)
          MapLegend(map: .cividis, low: "0", high: "1").draw(in: room, of: &drawn, look)
          let outside = (0..<60 * 30).filter { !room.contains(Point(x: $0 % 60, y: $0 / 60)) }
          #expect(outside.allSatisfy { drawn.cells[$0] == before.cells[$0] })
        }
      }
    }
  }
}
