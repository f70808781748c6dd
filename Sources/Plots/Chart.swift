package import ColorMaps
import Foundation

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

/// One axis of a chart.
package struct ChartAxis: Sendable {
  package var label: String
  /// Linear or logarithmic.
  package let scale: ValueScale.Kind
  /// Values at both ends; nil takes them from the marks.
  package var range: ClosedRange<Double>?
  /// nil chooses round values.
  package var ticks: [ScaleTick]?

  package init(
    _ label: String, scale: ValueScale.Kind = .linear, range: ClosedRange<Double>? = nil, ticks: [ScaleTick]? = nil
  ) {
    precondition(scale != .rank, "an axis has no ranks")
    precondition(scale == .linear || range.map { $0.lowerBound > 0 } ?? true, "a logarithmic axis starts above zero")
    self.label = label
    self.scale = scale
    self.range = range
    self.ticks = ticks
  }

  /// An axis of names, at 0, 1, 2, …
  package static func categories(_ names: [String], label: String = "") -> ChartAxis {
    ChartAxis(
      label, range: -0.5...(Double(max(names.count, 1)) - 0.5),
      ticks: names.enumerated().map { ScaleTick(Double($0.offset), $0.element) })
  }

  /// The place of a value, 0…1 within the range; nil where the axis has none for it.
  func place(_ value: Double) -> Double? { value.isFinite ? values?.position(value) : nil }

  private var values: ValueScale? { range.map { scale == .linear ? .linear($0) : .logarithmic($0) } }

  /// The axis with a range that holds all `values`, and some room, where it had none of its own.
  func covering(_ values: [Double]) -> ChartAxis {
    guard range == nil else { return self }
    let shown = values.filter { $0.isFinite && (scale == .linear || $0 > 0) }
    let places = scale == .linear ? shown : shown.map { log10($0) }
    var low = places.min() ?? 0
    var high = places.max() ?? 1
    let room = high > low ? (high - low) * 0.05 : max(abs(low) * 0.1, scale == .linear ? 1e-9 : 0.3)
    // A quantity that starts at zero is drawn from zero.
    if !(scale == .linear && low == 0) { low -= room }
    if !(scale == .linear && high == 0) { high += room }
    var axis = self
    axis.range = scale == .linear ? low...high : pow(10, low)...pow(10, high)
    return axis
  }

  /// Ticks within the range: the axis's own or about `count` round ones.
  func shownTicks(count: Int) -> [ScaleTick] {
    let round = values?.ticks(count: count).map { ScaleTick($0.value, printed($0.label)) } ?? []
    return (ticks ?? round).filter { tick in place(tick.value).map { -1e-9...1 + 1e-9 ~= $0 } ?? false }
  }
}

/// A number with a minus sign rather than a hyphen.
func printed(_ number: String) -> String { String(number.map { $0 == "-" ? "−" : $0 }) }

/// The box between a chart's axes: where values stand in it, and the marks drawn there.
struct ChartFrame {
  let box: PlotBox
  /// Axes whose ranges are set.
  let x: ChartAxis
  let y: ChartAxis

  private func column(_ value: Double) -> Double { box.x + box.width * (x.place(value) ?? 0.5) }
  private func row(_ value: Double) -> Double { box.maxY - box.height * (y.place(value) ?? 0.5) }

  private func place(_ xValue: Double, _ yValue: Double) -> PlotPoint? {
    x.place(xValue) != nil && y.place(yValue) != nil ? PlotPoint(column(xValue), row(yValue)) : nil
  }

  func drawAxes(rows: [ScaleTick], columns: [ScaleTick], isTilted: Bool, on canvas: PlotCanvas) {
    for tick in rows {
      let height = row(tick.value)
      canvas.line([PlotPoint(box.x, height), PlotPoint(box.maxX, height)], .rule, width: 0.7)
      canvas.text(tick.label, at: PlotPoint(box.x - 5, height), .tick, alignX: 1)
    }
    for tick in columns {
      let place = column(tick.value)
      canvas.line([PlotPoint(place, box.maxY), PlotPoint(place, box.maxY + 4)], .faint)
      if isTilted {
        canvas.text(tick.label, at: PlotPoint(place + 3, box.maxY + 8), .tick, alignX: 1, degrees: -40)
      } else {
        canvas.text(tick.label, at: PlotPoint(place, box.maxY + 6), .tick, alignX: 0.5, alignY: 0)
      }
    }
    canvas.line(
      [PlotPoint(box.x, box.y), PlotPoint(box.x, box.maxY), PlotPoint(box.maxX, box.maxY)], .faint)
  }

  func draw(_ mark: ChartMark, on canvas: PlotCanvas) {
    switch mark {
    case .line(let series): drawLine(series, on: canvas)
    case .dashedLine(let series): drawLine(series, dash: 5, on: canvas)
    case .band(let series): drawBand(series, on: canvas)
    case .points(let series, let radius):
      drawIntervals(series, on: canvas)
      for point in series.points {
        if let place = place(point.x, point.y) { canvas.disc(place, radius: radius, series.color) }
      }
    case .bars(let series, let width, let offset): drawBars(series, width: width, offset: offset, on: canvas)
    case .horizontalRule(let value, _, let color):
      guard y.place(value) != nil else { return }
      canvas.line([PlotPoint(box.x, row(value)), PlotPoint(box.maxX, row(value))], color, width: 1.2, dash: 4)
    case .verticalRule(let value, _, let color):
      guard x.place(value) != nil else { return }
      canvas.line([PlotPoint(column(value), box.y), PlotPoint(column(value), box.maxY)], color, width: 1.2, dash: 4)
    }
  }

  private func drawLine(_ series: DataSeries, dash: Double = 0, on canvas: PlotCanvas) {
    canvas.line(series.points.compactMap { place($0.x, $0.y) }, series.color, width: 2, dash: dash)
    drawIntervals(series, on: canvas)
  }

  private func drawBand(_ series: DataSeries, on canvas: PlotCanvas) {
    let ends = series.points.compactMap { point -> (PlotPoint, PlotPoint)? in
      guard let low = place(point.x, point.low ?? point.y), let high = place(point.x, point.high ?? point.y) else {
        return nil
      }
      return (low, high)
    }
    canvas.polygon(ends.map(\.1) + ends.reversed().map(\.0), series.color.faded(to: 0.22))
    canvas.line(series.points.compactMap { place($0.x, $0.y) }, series.color, width: 2)
  }

  private func drawIntervals(_ series: DataSeries, offset: Double = 0, color: PlotColor? = nil, on canvas: PlotCanvas) {
    for point in series.points {
      guard let low = point.low, let high = point.high, let top = place(point.x + offset, high) else { continue }
      let foot = place(point.x + offset, low) ?? PlotPoint(top.x, box.maxY)
      canvas.line([foot, top], color ?? series.color, width: 1.2)
      for end in [foot, top] {
        canvas.line([PlotPoint(end.x - 3, end.y), PlotPoint(end.x + 3, end.y)], color ?? series.color, width: 1.2)
      }
    }
  }

  private func drawBars(_ series: DataSeries, width: Double, offset: Double, on canvas: PlotCanvas) {
    let foot = y.scale == .linear ? row(min(max(0, y.range?.lowerBound ?? 0), y.range?.upperBound ?? 0)) : box.maxY
    for point in series.points {
      guard let top = place(point.x + offset, point.y) else { continue }
      let left = column(point.x + offset - width / 2)
      let right = column(point.x + offset + width / 2)
      canvas.fill(
        PlotBox(x: left, y: min(top.y, foot), width: right - left, height: abs(foot - top.y)), series.color)
    }
    drawIntervals(series, offset: offset, color: .ink, on: canvas)
  }
}
