import ColorMaps
import TerminalUI
import TestSupport
import Testing

/// Drawn without colour, so that a reader sees in the record what a person sees.
@Suite("Charts, gauges and maps in characters")
struct PlotTests {
  private let look = Appearance(depth: .mono)

  @Test("Every plot looks as recorded, in mono and in ASCII")
  func sheet() {
    let failures = FrameSnapshot.failures(named: "plots-100x66", variants: [.mono, .ascii]) { look in
      WidgetExamples(look: look).sheet(Size(width: 100, height: 66))
    }
    #expect(failures == [])
  }

  @Test("A click in a chart means the nearest point, and the value of the one looked at is written beside it")
  func chart() throws {
    var frame = Frame(size: Size(width: 60, height: 12))
    let hits = WidgetExamples(look: look).layers.draw(in: frame.bounds, of: &frame, look)
    #expect(hits.map(\.part) == [0, 1, 2, 3, 4, 5])
    for (hit, next) in zip(hits, hits.dropFirst()) { #expect(hit.rect.maxX == next.rect.x) }
    let row = try #require(frame.text.split(separator: "\n").first { $0.contains("● 0.31") })
    #expect(row.prefix { $0 != "●" }.count == 15)
  }

  @Test("A tick keeps its name at every width, and the axes' names stand where they cover none, or nowhere")
  func axisNames() {
    for width in 24...60 {
      var frame = Frame(size: Size(width: width, height: 8))
      Chart(
        x: .categories(["L1", "L2", "L3"], name: "layer"), y: .init("share", .linear(0...1)),
        marks: [.line(ChartSeries(values: [0.1, 0.5, 0.9]))]
      ).draw(in: frame.bounds, of: &frame, look)
      let words = Set(frame.text.split { !$0.isLetter && !$0.isNumber && $0 != "." }.map(String.init))
      #expect(words.isSuperset(of: ["L1", "L2", "L3"]), "\(width)")
      #expect(words.subtracting(["L1", "L2", "L3", "layer", "share"]).allSatisfy { Double($0) != nil }, "\(words)")
      #expect(width < 40 || words.isSuperset(of: ["layer", "share"]), "\(frame.text)")
    }
  }

  @Test("A legend goes on in the next row and loses whole entries, never a part of a word")
  func legend() {
    let names = ["anchors", "patches", "prefix", "self"]
    func words(width: Int, height: Int) -> Set<String> {
      var frame = Frame(size: Size(width: width, height: height))
      StackedBars(
        title: "looks", parts: names.enumerated().map { .init($0.element, color: $0.offset) },
        rows: ["L1", "L2"].map { .init($0, [0.4, 0.3, 0.2, 0.1], texts: ["", "", "", ""]) }
      ).draw(in: frame.bounds, of: &frame, look)
      return Set(frame.text.split { !$0.isLetter && !$0.isNumber }.map(String.init))
    }
    for width in 8...60 {
      for height in 3...8 {
        let found = words(width: width, height: height)
        #expect(found.isSubset(of: names + ["looks", "L1", "L2"]), "\(width)×\(height): \(found)")
      }
    }
    #expect(words(width: 20, height: 8).isSuperset(of: names) && words(width: 60, height: 3).isSuperset(of: names))
  }

  @Test("A whisker ends where its interval does, and has no end where the axis ends first")
  func whiskers() {
    var frame = Frame(size: Size(width: 24, height: 11))
    Chart(
      x: .init("", .linear(0...2)), y: .init("", .linear(0...8), ticks: []),
      marks: [.points(ChartSeries(points: [ChartPoint(0, 4, low: 2, high: 6), ChartPoint(2, 7, low: 3, high: 20)]))]
    ).draw(in: frame.bounds, of: &frame, look)
    #expect((0..<9).map { frame[1, $0].character } == Array("  ┬│●│┴  "))
    #expect((0..<9).map { frame[23, $0].character } == Array("│●│││┴   "))
  }

  @Test("A gauge marks a point beyond its axis by an arrow, and counts null models that fall together")
  func gauge() {
    var frame = Frame(size: Size(width: 21, height: 4))
    Gauge(
      title: "lift", text: "×300", scale: .logarithmic(0.1...10), point: 300, interval: 5...900, threshold: 1,
      nulls: [1, 1, 0.1]
    ).draw(in: frame.bounds, of: &frame, look)
    let lines = frame.text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[0] == "lift             ×300")
    #expect(lines[1].last == "→")
    #expect(Array(lines[1])[10] == "┃")
    #expect(Array(lines[2])[0] == "∙" && Array(lines[2])[10] == ":")
  }

  @Test("A matrix is sorted by a column, rows without a value last, and tells cells by their row's number")
  func matrix() {
    let values: [[Double?]] = [[1], [nil], [3], [.nan], [3]]
    #expect(ScoreMatrix.order(of: values, byColumn: 0) == [2, 4, 0, 1, 3])
    var frame = Frame(size: Size(width: 30, height: 5))
    let hits = WidgetExamples(look: look).matrix.draw(in: frame.bounds, of: &frame, look)
    #expect(hits.first?.part == GridPoint(column: 0, row: 1))
    #expect(frame.text.split(separator: "\n")[1].hasPrefix("L2"))
  }

  @Test("A matrix that is not in sight whole says which rows and columns are, beside its title or without one")
  func matrixPage() {
    func lines(title: String, _ width: Int, _ height: Int) -> [Substring] {
      var frame = Frame(size: Size(width: width, height: height))
      let row = [String](repeating: ">×999", count: 6)
      ScoreMatrix(
        title: title, rowNames: (1...4).map { "L\($0)" }, columnNames: (1...6).map { "h\($0)" },
        values: (1...4).map { _ in row.map { _ in 1 } }, texts: (1...4).map { _ in row }, scale: .linear(0...1),
        selected: GridPoint(column: 5, row: 3)
      ).draw(in: frame.bounds, of: &frame, look)
      return frame.text.split(separator: "\n", omittingEmptySubsequences: false)
    }
    #expect(lines(title: "lift", 60, 6)[0] == "lift")
    #expect(lines(title: "lift", 60, 5)[0] == "lift · rows 2–4 of 4")
    #expect(lines(title: "lift", 30, 4)[0] == "lift · rows 3–4/4, cols 3–6/6")
    #expect(lines(title: "lift, layer × head", 30, 6)[0] == "lift, layer × he… · cols 3–6/6")
    #expect(lines(title: "", 30, 4)[0] == "rows 3–4/4, cols 3–6/6")
    // The cursor's cell is in sight.
    #expect(lines(title: "lift", 30, 4)[1].hasSuffix("h6") && lines(title: "lift", 30, 4)[3].hasPrefix("L4"))
    // Nothing is said where all is in sight, nor where the line would cost the last rows.
    #expect(lines(title: "", 60, 5)[0].hasSuffix("h6") && lines(title: "", 60, 3)[0].hasSuffix("h6"))
  }

  @Test("Small maps are paged so that the selected one is in sight, and the page is told in words")
  func pages() {
    let tiles = (0..<32 * 4).map { SmallMultiples.Tile(values: [Double($0), 0, 0, 1], caption: "\($0)") }
    var maps = SmallMultiples(
      tiles, rowNames: (0..<32).map { "L\($0)" }, columnNames: (0..<4).map { "h\($0)" },
      shape: Size(width: 2, height: 2), scale: .linear(0...1), selected: GridPoint(column: 3, row: 20))
    var frame = Frame(size: Size(width: 60, height: 13))
    let hits = maps.draw(in: frame.bounds, of: &frame, look)
    #expect(hits.contains { $0.part == maps.selected })
    #expect(hits.allSatisfy { frame.bounds.intersection($0.rect) == $0.rect })
    #expect(maps.pageText(in: frame.bounds, look) == "rows 19–24 of 32")
    maps.selected.row = 31
    #expect(maps.pageText(in: frame.bounds, look) == "rows 27–32 of 32")
  }

  @Test("The mask's map keeps one token between hundreds in sight, and a click there means it")
  func mask() {
    let size = 700
    let isAllowed = { (query: Int, key: Int) in key <= query && (query < 600 || key >= 599) }
    let map = MaskMap(
      Coverage(size: size, isSet: isAllowed),
      segments: [.init("patches", 0..<599), .init("voco", 599..<600, isEmphasized: true), .init("text", 600..<size)])
    for look in [look, Appearance()] {
      var frame = Frame(size: Size(width: 60, height: 24))
      let hits = map.draw(in: frame.bounds, of: &frame, look)
      #expect(hits.contains { $0.part.row == 599 || $0.part.column == 599 })
      #expect(hits.contains { $0.part.row >= 600 && $0.part.column == 599 })
    }
  }

  @Test("Coverage of any rectangle is the share of its cells that are set, counted one by one")
  func coverage() {
    let isSet = { (row: Int, column: Int) in (row * 7 + column * column) % 5 < 2 }
    let coverage = Coverage(size: 37, isSet: isSet)
    for (rows, columns) in [(0..<37, 0..<37), (3..<4, 5..<6), (10..<30, 0..<1), (36..<37, 2..<37)] {
      let set = rows.reduce(0) { sum, row in sum + columns.count { isSet(row, $0) } }
      #expect(
        abs(coverage.share(rows: rows, columns: columns) - Double(set) / Double(rows.count * columns.count)) < 1e-12)
    }
    let large = Coverage(size: 3000) { row, column in column <= row }
    #expect(abs(large.share(rows: 0..<3000, columns: 0..<3000) - 0.5) < 0.001)
    #expect(large.share(rows: 2000..<2900, columns: 0..<900) == 1)
    #expect(large.share(rows: 0..<900, columns: 1000..<3000) == 0)
  }

  @Test("A headline takes as few lines as it needs and none of them is a stray word")
  func headline() {
    let text = "The anchors are read 7.4 times as much as patches, but a cut changes nothing."
    let lines = Headline(text).lines(width: 70)
    #expect(lines.count == 2 && lines.joined(separator: " ") == text)
    #expect(lines.allSatisfy { $0.count >= 30 })
    #expect(Headline("short").lines(width: 70) == ["short"])
  }

  @Test("A title loses its last parts whole before it is cut")
  func title() {
    let parts = ["2 Attention", "anchors ×7.4 a patch", "layer 2 head 1: ×98"]
    #expect(titleLine(parts, width: 80) == "2 Attention · anchors ×7.4 a patch · layer 2 head 1: ×98")
    #expect(titleLine(parts, width: 40) == "2 Attention · anchors ×7.4 a patch")
    #expect(titleLine(parts, width: 8) == "2 Atten…")
  }
}

@Suite("Scales of values")
struct ValueScaleTests {
  @Test("A logarithmic scale gives equal ratios equal room; zero stands at its foot and has no place of its own")
  func logarithmic() throws {
    let scale = ValueScale.logarithmic(0.01...100)
    #expect(abs(try #require(scale.position(1)) - 0.5) < 1e-12)
    #expect(abs(scale.value(at: 0.75) - 10) < 1e-9)
    #expect(scale.position(0) == nil && scale.clampedPosition(0) == 0)
    #expect(scale.clampedPosition(.nan) == nil)
    #expect(scale.clampedPosition(1e9) == 1)
    #expect(try #require(scale.position(1000)) > 1)
  }

  @Test("A scale that holds values leaves out what it has no place for, and takes four powers of ten at most")
  func holding() {
    let values = [.nan, 0, 1e-12, 0.5, .infinity, 0.02]
    #expect(ValueScale(.logarithmic, holding: values).range == 0.5e-4...0.5)
    #expect(ValueScale(.linear, holding: values).range == 0...0.5)
    #expect(ValueScale(.logarithmic, holding: [0, -1]).kind == .linear)
  }

  @Test("Ranks are equal steps, equal values one rank")
  func rank() throws {
    let scale = ValueScale(.rank, holding: [5, 1, 1000, 5, .nan])
    #expect(scale.position(1) == 0 && scale.position(5) == 0.5 && scale.position(1000) == 1)
    #expect(scale.position(0.5) == -1 && scale.position(2000) == 2)
    #expect(scale.value(at: 0.5) == 5)
    #expect(ValueScale.rank(of: [3]).position(3) == 0.5)
  }

  @Test("Ticks are round numbers inside the range, whatever the range")
  func ticks() {
    #expect(ValueScale.linear(0...0.55).ticks(count: 6).map(\.label) == ["0", "0.1", "0.2", "0.3", "0.4", "0.5"])
    #expect(ValueScale.linear(-3...3).ticks(count: 3).map(\.label) == ["-2", "0", "2"])
    #expect(ValueScale.logarithmic(0.5...20).ticks(count: 5).map(\.label) == ["0.5", "1", "2", "5", "10", "20"])
    #expect(
      ValueScale.logarithmic(1e-6...1e6).ticks(count: 4).map(\.value).allSatisfy { (1e-6...1e6).contains($0) })
    #expect(ValueScale.linear(2...2).ticks(count: 5).map(\.label) == ["2"])
  }
}
