import ColorMaps

/// A point of a chart, with its interval where it has one.
package struct ChartPoint: Sendable, Hashable {
  package var x: Double
  package var y: Double
  package var low: Double?
  package var high: Double?

  package init(_ x: Double, _ y: Double, low: Double? = nil, high: Double? = nil) {
    (self.x, self.y, self.low, self.high) = (x, y, low, high)
  }
}

/// Points that belong together: one colour and one entry of the legend, none when the name is empty.
package struct ChartSeries: Sendable, Hashable {
  package var name: String
  package var points: [ChartPoint]
  /// Which of the theme's colours for series.
  package var color: Int

  package init(_ name: String = "", color: Int = 0, points: [ChartPoint]) {
    (self.name, self.color, self.points) = (name, color, points)
  }

  /// `values` at x = 0, 1, 2, …; those that are `nil` are left out.
  package init(_ name: String = "", color: Int = 0, values: [Double?]) {
    let points = values.enumerated().compactMap { index, value in value.map { ChartPoint(Double(index), $0) } }
    self.init(name, color: color, points: points)
  }
}

/// What a chart draws between its axes; later marks cover earlier ones. Points without a place on an axis (no number,
/// nothing positive on a logarithmic one) are left out.
package enum ChartMark: Sendable, Hashable {
  /// A line of dots through the points, each marked where there is room.
  case line(ChartSeries)
  /// A dot a point.
  case scatter(ChartSeries)
  /// A mark a point, on a whisker from `low` to `high` where it has them.
  case points(ChartSeries)
  /// Columns from the foot, as wide as the room gives.
  case columns(ChartSeries)
  /// A dashed line across at a value of the vertical axis: a uniform level, a threshold.
  case level(Double, name: String)
  /// A dashed line upward at a value of the horizontal axis.
  case position(Double, name: String)

  var series: ChartSeries? {
    switch self {
    case .line(let series), .scatter(let series), .points(let series), .columns(let series): series
    case .level, .position: nil
    }
  }

  var name: String {
    switch self {
    case .level(_, let name), .position(_, let name): name
    case .line, .scatter, .points, .columns: series?.name ?? ""
    }
  }
}

extension Appearance {
  /// A chart's mark for single points, told apart by shape as well as by colour.
  func pointGlyph(_ color: Int) -> Character {
    let glyphs: [Character] = glyphs.isUnicode ? ["●", "▲", "■", "◆", "○", "△"] : ["o", "^", "#", "*", "+", "x"]
    return glyphs[color % glyphs.count]
  }

  func seriesStyle(_ color: Int) -> Style {
    let colors = theme.seriesColors
    return colors.isEmpty ? theme.text : Style(colors[color % colors.count], on: theme.background)
  }

  var dashes: (across: Character, upward: Character) { glyphs.isUnicode ? ("┄", "┊") : ("-", "|") }
}
