/// Axes with ticks, a legend and marks: line, bar and scatter plots.
package struct Chart: FigurePanel {
  package var title: String
  package var x: ChartAxis
  package var y: ChartAxis
  package var marks: [ChartMark]

  package init(title: String = "", x: ChartAxis, y: ChartAxis, marks: [ChartMark]) {
    self.title = title
    self.x = x
    self.y = y
    self.marks = marks
  }

  package func draw(in box: PlotBox, on canvas: PlotCanvas) {
    let x = self.x.covering(marks.flatMap(\.xValues))
    let y = self.y.covering(marks.flatMap(\.yValues))
    let head = drawHead(in: box, on: canvas)
    let rows = y.shownTicks(count: 5)
    let labels = rows.map { canvas.width(of: $0.label, .tick) }.max() ?? 0
    let names = drawnTicks(x, width: box.width - labels, canvas)
    let slope = names.isTilted ? names.longest * 0.64 + 10 : 16
    let inside = box.inset(left: labels + 26, top: head, right: 10, bottom: slope + (x.label.isEmpty ? 4 : 20))
    let frame = ChartFrame(box: inside, x: x, y: y)
    frame.drawAxes(rows: rows, columns: names.ticks, isTilted: names.isTilted, on: canvas)
    canvas.text(x.label, at: PlotPoint(inside.middle.x, box.maxY - 4), alignX: 0.5, alignY: 1)
    canvas.text(y.label, at: PlotPoint(box.x + 6, inside.middle.y), alignX: 0.5, degrees: -90)
    canvas.clipped(to: inside.inset(left: -4, top: -4, right: -4, bottom: 0)) {
      for mark in marks { frame.draw(mark, on: canvas) }
    }
  }

  /// Title and legend; returns their height.
  private func drawHead(in box: PlotBox, on canvas: PlotCanvas) -> Double {
    canvas.text(title, at: PlotPoint(box.x, box.y), .heading, alignY: 0)
    var place = PlotPoint(box.x + 30, box.y + (title.isEmpty ? 6 : 24))
    let entries = legend
    for (entry, isDashed) in entries {
      let width = canvas.width(of: entry.name, .tick) + 40
      if place.x + width > box.maxX && place.x > box.x + 30 { place = PlotPoint(box.x + 30, place.y + 15) }
      let ends = [place, PlotPoint(place.x + 18, place.y)]
      canvas.line(ends, entry.color.faded(to: 1), width: isDashed ? 1.5 : 3, dash: isDashed ? 4 : 0)
      canvas.text(entry.name, at: PlotPoint(place.x + 23, place.y), .tick)
      place.x += width
    }
    return place.y - box.y + (entries.isEmpty ? 2 : 14)
  }

  /// Names and colours, a series that several marks draw once.
  private var legend: [(entry: (name: String, color: PlotColor), isDashed: Bool)] {
    var legend: [(entry: (name: String, color: PlotColor), isDashed: Bool)] = []
    for mark in marks {
      guard let entry = mark.entry, !legend.contains(where: { $0.entry == entry }) else { continue }
      legend.append((entry, mark.isDashed))
    }
    return legend
  }

  /// The ticks of the horizontal axis; tilted when they would run into each other.
  private func drawnTicks(
    _ x: ChartAxis, width: Double, _ canvas: PlotCanvas
  ) -> (ticks: [AxisTick], isTilted: Bool, longest: Double) {
    let ticks = x.shownTicks(count: max(2, Int(width / 70)))
    let longest = ticks.map { canvas.width(of: $0.label, .tick) }.max() ?? 0
    return (ticks, longest + 6 > (width - 36) / Double(max(ticks.count, 1)), longest)
  }
}
