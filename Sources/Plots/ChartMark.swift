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
