package import ColorMaps

/// A chart in characters: title, legend, two axes with ticks and units, and marks between them.
///
/// `anchor share by layer          ━ mean  ┄ uniform 0.007` over a plot in Braille dots, `0.4┤` at its left, the ticks of
/// the horizontal axis and its name below.
package struct Chart: Widget, Sendable, Hashable {
  package struct Axis: Sendable, Hashable {
    /// What is measured, with its unit.
    package var name: String
    package var scale: ValueScale
    /// `nil` chooses round values.
    package var ticks: [ScaleTick]?

    package init(_ name: String, _ scale: ValueScale, ticks: [ScaleTick]? = nil) {
      (self.name, self.scale, self.ticks) = (name, scale, ticks)
    }

    /// An axis of names at 0, 1, 2, …
    package static func categories(_ names: [String], name: String = "") -> Axis {
      Axis(
        name, .linear(-0.5...(Double(max(names.count, 1)) - 0.5)),
        ticks: names.enumerated().map { ScaleTick(Double($0.offset), $0.element) })
    }
  }

  package var title: String
  package var x: Axis
  package var y: Axis
  package var marks: [ChartMark]
  /// The point that is looked at, by its number in the first series: its value is printed beside it.
  package var cursor: Int?

  package init(title: String = "", x: Axis, y: Axis, marks: [ChartMark], cursor: Int? = nil) {
    (self.title, self.x, self.y, self.marks, self.cursor) = (title, x, y, marks, cursor)
  }

  /// Draws into the whole rectangle; parts are the points of the first series, by their numbers, each a column high.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Int>] {
    guard !rect.isEmpty else { return [] }
    let head = ChartHead(title: title, entries: legend(look))
    // A legend of several rows takes no more than a third, so that the marks are seen.
    let headRows = min(head.rows(width: rect.width), max(min(2, rect.height - 2), rect.height / 3, 0))
    head.draw(in: rect.top(headRows), of: &frame, look)
    let body = rect.dropping(top: headRows)
    // The axis with its ticks costs two rows, the names share them.
    let footRows = body.height >= 4 ? 2 : body.height >= 2 ? 1 : 0
    let rows = y.ticks ?? y.scale.ticks(count: max(2, (body.height - footRows) / 2))
    let gutter = min(rows.map { displayWidth($0.label) }.max() ?? 0, rect.width / 3)
    let plot = Rect(
      x: body.x + gutter + 1, y: body.y, width: body.width - gutter - 1, height: body.height - footRows)
    guard !plot.isEmpty else { return [] }
    let place = ChartPlace(plot: plot, x: x.scale, y: y.scale)
    drawVerticalAxis(rows, gutter: gutter, place, of: &frame, look)
    if footRows > 0 { drawHorizontalAxis(place, rows: footRows, of: &frame, look) }
    for mark in marks { place.draw(mark, of: &frame, look) }
    drawCursor(place, of: &frame, look)
    return hits(place)
  }

  private func legend(_ look: Appearance) -> [(glyph: Character, style: Style, name: String)] {
    marks.filter { !$0.name.isEmpty }.map { mark in
      switch mark {
      case .line(let series):
        // Without colour a line is known by the marks on it.
        let glyph: Character = look.hasColor ? (look.glyphs.isUnicode ? "━" : "-") : look.pointGlyph(series.color)
        return (glyph, look.seriesStyle(series.color), series.name)
      case .scatter(let series): return (look.glyphs.bullet, look.seriesStyle(series.color), series.name)
      case .points(let series): return (look.pointGlyph(series.color), look.seriesStyle(series.color), series.name)
      case .columns(let series): return (look.glyphs.full, look.seriesStyle(series.color), series.name)
      case .level(_, let name): return (look.dashes.across, look.theme.referenceLine, name)
      case .position(_, let name): return (look.dashes.upward, look.theme.referenceLine, name)
      }
    }
  }

  private func drawVerticalAxis(
    _ ticks: [ScaleTick], gutter: Int, _ place: ChartPlace, of frame: inout Frame, _ look: Appearance
  ) {
    let plot = place.plot
    for row in plot.y..<plot.maxY {
      frame.put(look.glyphs.vertical, look.theme.border, x: plot.x - 1, y: row, clip: frame.bounds)
    }
    var lastRow: Int?
    for tick in ticks.reversed() {
      guard let row = place.row(tick.value), row != lastRow else { continue }
      lastRow = row
      let label = Rect(x: plot.x - 1 - gutter, y: row, width: gutter, height: 1)
      frame.writeLine(
        tick.label, in: label, style: look.theme.dim, alignment: .trailing, ellipsis: look.glyphs.ellipsis)
      frame.put(look.glyphs.teeRight, look.theme.border, x: plot.x - 1, y: row, clip: frame.bounds)
    }
  }

  /// The line with its ticks, and under it their labels.
  private func drawHorizontalAxis(_ place: ChartPlace, rows: Int, of frame: inout Frame, _ look: Appearance) {
    let plot = place.plot
    let line = Rect(x: plot.x, y: plot.maxY, width: plot.width, height: 1)
    frame.fill(line, with: Cell(look.glyphs.horizontal, look.theme.border))
    frame.put(look.glyphs.bottomLeft, look.theme.border, x: plot.x - 1, y: line.y, clip: frame.bounds)
    guard rows > 1 else {
      frame.writeLine(
        axisNames(look).joined(separator: "  "), in: line, style: look.theme.dim, alignment: .trailing,
        ellipsis: look.glyphs.ellipsis)
      return
    }
    let labels = Rect(x: plot.x - 1, y: line.y + 1, width: plot.width + 1, height: 1)
    var free = labels.x
    var columns = [plot.x - 1]
    for tick in x.ticks ?? x.scale.ticks(count: max(2, plot.width / 10)) {
      guard let column = place.column(tick.value) else { continue }
      frame.put(look.glyphs.teeTop, look.theme.border, x: column, y: line.y, clip: line)
      columns.append(column)
      let width = displayWidth(tick.label)
      let start = min(max(labels.x, column - width / 2), labels.maxX - width)
      guard start >= free else { continue }
      frame.write(tick.label, at: Point(x: start, y: labels.y), style: look.theme.dim, clippedTo: labels)
      free = start + width + 1
    }
    let beside = Rect(x: free + 1, y: labels.y, width: labels.maxX - free - 1, height: 1)
    drawAxisNames(beside: beside, between: columns + [plot.maxX], y: line.y, of: &frame, look)
  }

  private func axisNames(_ look: Appearance) -> [String] {
    [x.name, y.name.isEmpty ? "" : "\(look.glyphs.up) \(y.name)"].filter { !$0.isEmpty }
  }

  /// The axes' names right of the last label, else in the line between two ticks; a label is never covered, and a name
  /// that finds no room is left out.
  private func drawAxisNames(
    beside: Rect, between columns: [Int], y: Int, of frame: inout Frame, _ look: Appearance
  ) {
    let names = axisNames(look)
    let whole = names.joined(separator: "  ")
    guard displayWidth(whole) > beside.width else {
      return frame.writeLine(whole, in: beside, style: look.theme.dim, alignment: .trailing)
    }
    // A dash is left at either side of a name between ticks.
    var places = zip(columns, columns.dropFirst()).reversed().map { left, right in
      Rect(x: left + 2, y: y, width: max(0, right - left - 3), height: 1)
    }
    places.insert(beside, at: 0)
    for name in names.reversed() {
      let texts = places.map { $0.y == y ? " \(name) " : name }
      guard let index = places.indices.first(where: { displayWidth(texts[$0]) <= places[$0].width }) else { continue }
      let alignment: Alignment = places[index].y == y ? .center : .trailing
      frame.writeLine(texts[index], in: places[index], style: look.theme.dim, alignment: alignment)
      places.remove(at: index)
    }
  }

  /// A bright mark on the point that is looked at, with its value beside it.
  private func drawCursor(_ place: ChartPlace, of frame: inout Frame, _ look: Appearance) {
    guard let cursor, let points = marks.lazy.compactMap(\.series).first?.points, points.indices.contains(cursor),
      let column = place.column(points[cursor].x), let row = place.row(points[cursor].y)
    else { return }
    frame.put(look.pointGlyph(0), look.theme.cursor, x: column, y: row, clip: place.plot)
    let text = tickText(points[cursor].y)
    let width = displayWidth(text)
    let isRight = column + 2 + width <= place.plot.maxX
    let start = isRight ? column + 2 : column - 1 - width
    frame.write(text, at: Point(x: start, y: row), style: look.theme.cursor, clippedTo: place.plot)
  }

  private func hits(_ place: ChartPlace) -> [Hit<Int>] {
    let points = marks.lazy.compactMap(\.series).first?.points ?? []
    let columns = points.map { place.column($0.x) }
    return points.indices.compactMap { index in
      guard let column = columns[index] else { return nil }
      let before = index > 0 ? columns[index - 1] : nil
      let after = index + 1 < points.count ? columns[index + 1] : nil
      // Half the way to each neighbour, so that every column belongs to the nearest point.
      let start = before.map { ($0 + column) / 2 + 1 } ?? place.plot.x
      let end = after.map { ($0 + column) / 2 + 1 } ?? place.plot.maxX
      guard end > start else { return nil }
      return Hit(index, Rect(x: start, y: place.plot.y, width: end - start, height: place.plot.height))
    }
  }
}

/// Title and legend of a chart: in one row where they fit beside each other, else the legend in as many as it needs.
struct ChartHead {
  let title: String
  let entries: [(glyph: Character, style: Style, name: String)]

  private func legendWidth(gap: Int) -> Int {
    entries.isEmpty ? 0 : entries.reduce(-gap) { $0 + displayWidth($1.name) + 2 + gap }
  }

  private func isBeside(width: Int) -> Bool { displayWidth(title) + 3 + legendWidth(gap: 2) <= width }

  func rows(width: Int) -> Int {
    if title.isEmpty { return legend(width: width).count }
    return entries.isEmpty || isBeside(width: width) ? 1 : 1 + legend(width: width).count
  }

  /// The entries of each row, by where they start; none is cut: one that is wider than a row is left out.
  private func legend(width: Int) -> [[(x: Int, entry: Int)]] {
    let gap = legendWidth(gap: 2) <= width ? 2 : 1
    var rows: [[(x: Int, entry: Int)]] = []
    var free = 0
    for (index, entry) in entries.enumerated() {
      let needed = displayWidth(entry.name) + 2
      guard needed <= width else { continue }
      if rows.isEmpty || free + needed > width {
        rows.append([])
        free = 0
      }
      rows[rows.count - 1].append((free, index))
      free += needed + gap
    }
    return rows
  }

  func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) {
    guard !rect.isEmpty else { return }
    frame.writeLine(title, in: rect, style: look.theme.title, ellipsis: look.glyphs.ellipsis)
    let below = rect.dropping(top: title.isEmpty ? 0 : 1)
    if below.height == 0 {
      // With one row for both, the title stays whole and the legend goes first.
      guard isBeside(width: rect.width), !entries.isEmpty else { return }
      return draw(legend(width: rect.width)[0], in: rect.right(legendWidth(gap: 2)), of: &frame, look)
    }
    for (offset, row) in legend(width: rect.width).prefix(below.height).enumerated() {
      draw(row, in: below.dropping(top: offset).top(1), of: &frame, look)
    }
  }

  private func draw(_ row: [(x: Int, entry: Int)], in rect: Rect, of frame: inout Frame, _ look: Appearance) {
    for (x, index) in row {
      let entry = entries[index]
      frame.put(entry.glyph, entry.style, x: rect.x + x, y: rect.y, clip: rect)
      frame.write(entry.name, at: Point(x: rect.x + x + 2, y: rect.y), style: look.theme.dim, clippedTo: rect)
    }
  }
}

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

  package func seriesStyle(_ color: Int) -> Style {
    let colors = theme.seriesColors
    return colors.isEmpty ? theme.text : Style(colors[color % colors.count], on: theme.background)
  }

  var dashes: (across: Character, upward: Character) { glyphs.isUnicode ? ("┄", "┊") : ("-", "|") }
}
