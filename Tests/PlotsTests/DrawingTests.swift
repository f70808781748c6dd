import ColorMaps
import Foundation
import ImageLoading
import Plots
import Tensor
import TestSupport
import Testing

private func hex(_ image: Picture, _ x: Int, _ y: Int) -> UInt32 {
  let pixel = image[x, y]
  return UInt32(pixel.red) << 16 | UInt32(pixel.green) << 8 | UInt32(pixel.blue)
}

/// How many pixels have a colour.
private func count(_ color: UInt32, in image: Picture) -> Int {
  (0..<image.height).reduce(0) { sum, y in sum + (0..<image.width).count { hex(image, $0, y) == color } }
}

/// The smallest rectangle around all pixels of a colour: left, top, right, bottom.
private func bounds(of color: UInt32, in image: Picture) -> [Int]? {
  var found: [Int]?
  for y in 0..<image.height {
    for x in 0..<image.width where hex(image, x, y) == color {
      let old = found ?? [x, y, x, y]
      found = [min(old[0], x), min(old[1], y), max(old[2], x), max(old[3], y)]
    }
  }
  return found
}

private func figure(_ panel: any FigurePanel, title: String = "", notes: [String] = []) -> Figure {
  Figure(title: title, columns: 1, panelWidth: 300, panelHeight: 200, panels: [panel], notes: notes)
}

@Test("Bars stand on zero, are as high as their values and as wide as asked")
func bars() throws {
  let blue = DataSeries(color: PlotColor(hex: 0x0000FF), points: [DataPoint(0, 1)])
  let red = DataSeries(color: PlotColor(hex: 0xFF0000), points: [DataPoint(1, 2)])
  let chart = Chart(
    x: .categories(["a", "b"]), y: ChartAxis("", range: 0...2), marks: [.bars(blue), .bars(red)])
  let image = figure(chart).image(scale: 1)
  let (low, high) = (try #require(bounds(of: 0x0000FF, in: image)), try #require(bounds(of: 0xFF0000, in: image)))
  #expect(abs(low[3] - high[3]) <= 1, "both stand on the axis")
  let heights = (low[3] - low[1] + 1, high[3] - high[1] + 1)
  #expect(abs(2 * heights.0 - heights.1) <= 3, "\(heights)")
  #expect(abs((low[2] - low[0]) - (high[2] - high[0])) <= 1 && high[0] > low[2])
}

@Test("A logarithmic axis puts equal ratios at equal distances and leaves out what it cannot show")
func logarithmic() throws {
  let colors: [UInt32] = [0xFF0000, 0x00FF00, 0x0000FF]
  let marks = zip([1.0, 10, 100], colors).enumerated().map { index, value in
    ChartMark.points(
      DataSeries(color: PlotColor(hex: value.1), points: [DataPoint(Double(index), value.0), DataPoint(1, -1)]),
      radius: 4)
  }
  let chart = Chart(
    x: ChartAxis("", range: -1...3), y: ChartAxis("", scale: .logarithmic, range: 0.1...1000), marks: marks)
  let image = figure(chart).image(scale: 1)
  let middles = try colors.map { color in
    let box = try #require(bounds(of: color, in: image))
    return Double(box[1] + box[3]) / 2
  }
  #expect(abs((middles[0] - middles[1]) - (middles[1] - middles[2])) <= 1.5, "\(middles)")
  #expect(middles[0] > middles[2])
}

@Test("A heat map's cells have the colours of the map at both ends, and no value has its own")
func heatMap() throws {
  let plot = MatrixPlot(values: [[0, 1], [nil, .nan]], range: 0...1, measure: nil)
  let image = figure(plot).image(scale: 1)
  let ends = [ColorMap.cividis.table[0], ColorMap.cividis.table[31]]
  let (first, last) = (try #require(bounds(of: ends[0], in: image)), try #require(bounds(of: ends[1], in: image)))
  #expect(first[0] < last[0] && abs(first[1] - last[1]) <= 1 && abs(first[3] - last[3]) <= 1)
  #expect(count(ends[0], in: image) > 5_000 && count(PlotColor.absent.hex, in: image) > 10_000)
}

@Test("The colour bar runs over all colours of the map, and values between levels lie between colours")
func colourBar() {
  let image = figure(MatrixPlot(values: [[0, 3]], measure: "x")).image(scale: 1)
  #expect(Set((0..<image.height).map { hex(image, 263, $0) }).count > 60)
  let middle = PlotColor(.cividis, 0.5 / 31).hex >> 8 & 0xFF
  #expect(middle == 0x25, "between 0x22 and 0x28")
}

@Test("Tiles show the pixels of their pictures")
func tiles() throws {
  let picture = Picture(
    width: 2, height: 2, pixels: [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0])
  let grid = TileGrid(tiles: [.init(picture), .init(picture, caption: "two")], columns: 2, isSmooth: false)
  let image = figure(grid).image(scale: 1)
  let corners = try [0xFF0000, 0x00FF00, 0x0000FF, 0xFFFF00].map { try #require(bounds(of: $0, in: image)) }
  #expect(corners[0][0] < corners[1][0] && corners[0][1] < corners[2][1])
  #expect(count(0xFF0000, in: image) == count(0xFFFF00, in: image))
}

@Test("Titles, labels, ticks and notes leave ink on the paper, and the scale multiplies the size")
func text() {
  let chart = Chart(x: ChartAxis("x"), y: ChartAxis("y"), marks: [])
  let plain = figure(chart).image(scale: 1)
  let titled = figure(chart, title: "Ω title", notes: [String(repeating: "note ", count: 200)]).image(scale: 1)
  #expect(titled.height > plain.height + 100, "the note is wrapped")
  #expect(titled.pixels.count { $0 < 100 } > plain.pixels.count { $0 < 100 })
  let large = figure(chart).image(scale: 2)
  #expect(large.width == 2 * plain.width)
}

@Test("A series that a line and discs draw has one entry in the legend")
func legend() {
  let line = DataSeries("a", color: .series(0), values: [1, 2])
  func image(_ more: [ChartMark]) -> Picture {
    figure(Chart(x: ChartAxis("x"), y: ChartAxis("y"), marks: [.line(line)] + more)).image()
  }
  // Discs of no points: whatever differs is the legend.
  #expect(image([.points(DataSeries("a", color: .series(0), points: []))]) == image([]))
  #expect(image([.points(DataSeries("b", color: .series(0), points: []))]) != image([]))
}

@Test("Equal figures give equal bytes, and nothing but the figure is left behind")
func writing() throws {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("plots-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let chart = Chart(
    title: "t", x: ChartAxis("x"), y: ChartAxis("y"),
    marks: [
      .band(DataSeries("band", color: .series(0), points: (0..<9).map { DataPoint(Double($0), 1, low: 0, high: 2) })),
      .line(DataSeries("line", color: .series(1), values: [1, nil, 3])), .verticalRule(2),
      .horizontalRule(1, name: "rule"),
    ])
  for name in ["a.png", "b.png"] { try figure(chart).write(to: folder.appendingPathComponent(name).path) }
  let bytes = try ["a.png", "b.png"].map { try Data(contentsOf: folder.appendingPathComponent($0)) }
  #expect(bytes[0] == bytes[1])
  #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["a.png", "b.png"])
  let decoded = try ImageDecoder.decode(path: folder.appendingPathComponent("a.png").path).image
  #expect(decoded == figure(chart).image())
  #expect(throws: ImageError.self) { try figure(chart).write(to: "/no/such/folder/a.png") }
}

@Test("An empty or constant quantity still gets a drawable axis")
func degenerate() {
  for values in [[], [0.0], [5, 5], [-3, .infinity]] {
    let chart = Chart(
      x: ChartAxis("x"), y: ChartAxis("y"), marks: [.line(DataSeries(color: .ink, values: values))])
    #expect(figure(chart).image(scale: 1).width > 0)
    let log = Chart(
      x: ChartAxis("x", scale: .logarithmic), y: ChartAxis("y", scale: .logarithmic),
      marks: [.bars(DataSeries(color: .ink, values: values))])
    #expect(figure(log).image(scale: 1).width > 0)
  }
}
