import ColorMaps

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
    // A tilted name reaches under what lies left of its tick.
    let first = names.isTilted ? names.ticks.first.map { canvas.width(of: $0.label, .tick) * 0.77 } ?? 0 : 0
    let overhang = first - box.width / Double(2 * max(1, names.ticks.count))
    let inside = box.inset(
      left: max(labels + 26, overhang), top: head, right: 10, bottom: slope + (x.label.isEmpty ? 4 : 20))
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
  ) -> (ticks: [ScaleTick], isTilted: Bool, longest: Double) {
    let ticks = x.shownTicks(count: max(2, Int(width / 70)))
    let longest = ticks.map { canvas.width(of: $0.label, .tick) }.max() ?? 0
    return (ticks, longest + 6 > (width - 36) / Double(max(ticks.count, 1)), longest)
  }
}

/// One value of a series, with its interval where it has one.
package struct DataPoint: Sendable, Hashable {
  package var x: Double
  package var y: Double
  package var low: Double?
  package var high: Double?

  package init(_ x: Double, _ y: Double, low: Double? = nil, high: Double? = nil) {
    self.x = x
    self.y = y
    self.low = low
    self.high = high
  }
}

/// Values that belong together: one entry of the legend, absent from it when the name is empty.
package struct DataSeries: Sendable {
  package var name: String
  package var color: PlotColor
  package var points: [DataPoint]

  package init(_ name: String = "", color: PlotColor, points: [DataPoint]) {
    self.name = name
    self.color = color
    self.points = points
  }

  /// `values` at x = 0, 1, 2, …; those that are nil are left out.
  package init(_ name: String = "", color: PlotColor, values: [Double?]) {
    self.init(
      name, color: color,
      points: values.enumerated().compactMap { index, value in value.map { DataPoint(Double(index), $0) } })
  }
}

/// What a chart draws between its axes. Values that an axis has no place for (not finite, or not positive on a
/// logarithmic one) are left out.
package enum ChartMark: Sendable {
  /// A line, error bars where points have an interval.
  case line(DataSeries)
  case dashedLine(DataSeries)
  /// A line in the band of its intervals.
  case band(DataSeries)
  /// Discs, error bars where points have an interval.
  case points(DataSeries, radius: Double = 3)
  /// Bars from zero, or from the foot of a logarithmic axis; `width` and `offset` in units of x.
  case bars(DataSeries, width: Double = 0.8, offset: Double = 0)
  case horizontalRule(Double, name: String = "", color: PlotColor = .faint)
  case verticalRule(Double, name: String = "", color: PlotColor = .faint)

  var series: DataSeries? {
    switch self {
    case .line(let series), .dashedLine(let series), .band(let series), .points(let series, _),
      .bars(let series, _, _):
      return series
    case .horizontalRule, .verticalRule: return nil
    }
  }

  /// Name and colour for the legend.
  var entry: (name: String, color: PlotColor)? {
    switch self {
    case .horizontalRule(_, let name, let color), .verticalRule(_, let name, let color):
      return name.isEmpty ? nil : (name, color)
    default: return series.flatMap { $0.name.isEmpty ? nil : ($0.name, $0.color) }
    }
  }

  var isDashed: Bool {
    switch self {
    case .dashedLine, .horizontalRule, .verticalRule: return true
    default: return false
    }
  }

  /// Every x that must be on the axis.
  var xValues: [Double] {
    switch self {
    case .bars(let series, let width, let offset):
      return series.points.flatMap { [$0.x + offset - width / 2, $0.x + offset + width / 2] }
    case .verticalRule(let x, _, _): return [x]
    default: return series?.points.map(\.x) ?? []
    }
  }

  /// Every y that must be on the axis.
  var yValues: [Double] {
    if case .horizontalRule(let y, _, _) = self { return [y] }
    let values = (series?.points ?? []).flatMap { [$0.y, $0.low ?? $0.y, $0.high ?? $0.y] }
    if case .bars = self { return values + [0] }
    return values
  }
}
