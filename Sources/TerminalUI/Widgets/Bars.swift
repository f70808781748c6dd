package import ColorMaps

/// Labelled horizontal bars to an eighth of a cell, with the number behind each, under a title and over an axis where
/// there is room for them.
package struct Bars: Widget, Sendable, Hashable {
  package struct Row: Sendable, Hashable {
    package var label: String
    package var value: Double
    /// The number as text; the bar is never its only carrier.
    package var text: String
    package var isMarked: Bool

    package init(label: String, value: Double, text: String, isMarked: Bool = false) {
      self.label = label
      self.value = value
      self.text = text
      self.isMarked = isMarked
    }
  }

  package var title: String
  package var rows: [Row]
  /// What an empty and a full bar stand for.
  package var scale: ValueScale
  /// A value that each bar is held against, for instance the uniform share.
  package var reference: Double?
  /// Whether ticks stand under the bars.
  package var hasAxis: Bool
  /// `nil` chooses round values.
  package var ticks: [ScaleTick]?
  /// Whether a label that is too long keeps its end, as names that begin alike do.
  package var keepsLabelEnds = false

  /// Bars from the start of `scale`: on a logarithmic one, where 580 and 1 are both to be seen, the axis says so.
  package init(
    title: String = "", _ rows: [Row], scale: ValueScale, reference: Double? = nil, hasAxis: Bool = true
  ) {
    (self.title, self.rows, self.scale, self.reference, self.hasAxis) = (title, rows, scale, reference, hasAxis)
  }

  /// Bars from 0 to `maximum`, without an axis.
  package init(_ rows: [Row], maximum: Double, reference: Double? = nil) {
    self.init(rows, scale: .linear(0...max(maximum, 0)), reference: reference, hasAxis: false)
  }

  /// One row of characters a bar: label, number, bar. Parts are the rows by number.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Int>] {
    guard !rect.isEmpty else { return [] }
    let hasTitle = !title.isEmpty && rect.height > rows.count
    if hasTitle { frame.writeLine(title, in: rect, style: look.theme.title, ellipsis: look.glyphs.ellipsis) }
    let body = rect.dropping(top: hasTitle ? 1 : 0)
    let labelWidth = min(rows.map { displayWidth($0.label) }.max() ?? 0, max(0, rect.width / 3))
    let textWidth = rows.map { displayWidth($0.text) }.max() ?? 0
    let barX = rect.x + labelWidth + textWidth + 2
    var hits: [Hit<Int>] = []
    for (index, row) in rows.prefix(body.height).enumerated() {
      let line = Rect(x: body.x, y: body.y + index, width: body.width, height: 1)
      let label = keepsLabelEnds ? ending(row.label, labelWidth, look.glyphs.ellipsis) : row.label
      frame.writeLine(
        label, in: line.left(labelWidth), style: row.isMarked ? look.theme.cursor : look.theme.text,
        ellipsis: look.glyphs.ellipsis)
      let text = Rect(x: line.x + labelWidth + 1, y: line.y, width: textWidth, height: 1).intersection(rect)
      frame.writeLine(row.text, in: text, style: look.theme.text, alignment: .trailing)
      drawBar(row.value, in: Rect(x: barX, y: line.y, width: rect.maxX - barX, height: 1), of: &frame, look)
      hits.append(Hit(index, line))
    }
    if hasAxis && body.height > rows.count {
      let axis = Rect(x: barX, y: body.y + rows.count, width: rect.maxX - barX, height: 1)
      drawAxis(in: axis, of: &frame, look)
    }
    return hits
  }

  private func drawBar(_ value: Double, in rect: Rect, of frame: inout Frame, _ look: Appearance) {
    guard !rect.isEmpty else { return }
    let part = value.isFinite ? scale.clampedPosition(value) ?? 0 : 0
    frame.drawEighths(part, in: rect, style: look.theme.barFill, look)
    guard let reference, let place = scale.position(reference), (0...1).contains(place) else { return }
    let x = rect.x + min(Int(place * Double(rect.width)), rect.width - 1)
    let isCovered = Double(x + 1 - rect.x) <= part * Double(rect.width)
    var style = look.theme.referenceLine
    if isCovered { style.background = look.theme.barFill.foreground }
    frame.put(look.glyphs.vertical, style, x: x, y: rect.y, clip: rect)
  }

  /// Ticks where bars of these values end, said to be logarithmic where they are.
  private func drawAxis(in rect: Rect, of frame: inout Frame, _ look: Appearance) {
    guard !rect.isEmpty else { return }
    var free = rect.x
    for tick in ticks ?? scale.ticks(count: max(2, rect.width / 8)) {
      guard let place = scale.position(tick.value), (0...1).contains(place) else { continue }
      let label = look.glyphs.isUnicode ? "╵\(tick.label)" : "'\(tick.label)"
      let x = rect.x + min(Int((place * Double(rect.width)).rounded(.down)), rect.width - 1)
      guard x >= free && x + displayWidth(label) <= rect.maxX else { continue }
      frame.write(label, at: Point(x: x, y: rect.y), style: look.theme.dim, clippedTo: rect)
      free = x + displayWidth(label) + 1
    }
    guard scale.kind == .logarithmic, free + 9 <= rect.maxX else { return }
    frame.writeLine("log scale", in: rect, style: look.theme.dim, alignment: .trailing)
  }
}

extension Frame {
  /// A horizontal bar that fills `part` (0…1) of a row; anything above 0 shows.
  package mutating func drawEighths(_ part: Double, in rect: Rect, style: Style, _ look: Appearance) {
    guard !rect.isEmpty else { return }
    let eighths = part <= 0 ? 0 : max(1, Int((min(part, 1) * Double(rect.width * 8)).rounded()))
    for column in 0..<rect.width {
      let filled = min(max(eighths - column * 8, 0), 8)
      put(look.glyphs.horizontalEighths[filled], style, x: rect.x + column, y: rect.y, clip: rect)
    }
  }
}

/// Parts of a whole, a row each: every part a stretch of its row with its number in it, so that rows can be held against
/// each other, from layer to layer or from head to head.
package struct StackedBars: Widget, Sendable, Hashable {
  /// What a stretch stands for, and which of the theme's colours for series is its own.
  package struct Kind: Sendable, Hashable {
    package var name: String
    package var color: Int

    package init(_ name: String, color: Int) { (self.name, self.color) = (name, color) }
  }

  package struct Row: Sendable, Hashable {
    package var label: String
    /// One per part, in 0…1; together at most 1.
    package var values: [Double]
    /// The same numbers, written where they fit; a stretch is never their only carrier while it is wide enough.
    package var texts: [String]

    package init(_ label: String, _ values: [Double], texts: [String]) {
      precondition(values.count == texts.count, "one text per value")
      (self.label, self.values, self.texts) = (label, values, texts)
    }
  }

  package var title: String
  package var parts: [Kind]
  package var rows: [Row]
  package var selected: Int?

  package init(title: String, parts: [Kind], rows: [Row], selected: Int? = nil) {
    precondition(rows.allSatisfy { $0.values.count == parts.count }, "one value per part")
    (self.title, self.parts, self.rows, self.selected) = (title, parts, rows, selected)
  }

  /// Parts are the rows in sight by number; they are scrolled so that the selected one is among them.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Int>] {
    guard !rect.isEmpty && !rows.isEmpty else { return [] }
    let head = ChartHead(
      title: title,
      entries: parts.map {
        (look.hasColor ? look.glyphs.full : look.stackGlyph($0.color), look.seriesStyle($0.color), $0.name)
      })
    // A legend of several rows takes only what the bars leave.
    let headRows = min(head.rows(width: rect.width), max(min(2, rect.height - 1), rect.height - rows.count))
    head.draw(in: rect.top(headRows), of: &frame, look)
    let body = rect.dropping(top: headRows)
    let step = max(1, min(2, body.height / rows.count))
    let fitting = max(1, body.height / step)
    let shown = Scroll().revealing(selected, count: rows.count, height: fitting)
      .range(count: rows.count, height: fitting)
    let gutter = min(rows.map { displayWidth($0.label) }.max() ?? 0, rect.width / 3)
    var hits: [Hit<Int>] = []
    for (offset, index) in shown.enumerated() {
      let place = Rect(x: body.x, y: body.y + offset * step, width: body.width, height: step).intersection(body)
      frame.writeLine(
        rows[index].label, in: place.left(gutter), style: index == selected ? look.theme.cursor : look.theme.text,
        ellipsis: look.glyphs.ellipsis)
      draw(rows[index], in: place.dropping(left: gutter + 1), of: &frame, look)
      hits.append(Hit(index, place))
    }
    return hits
  }

  /// Stretches end where the rounded running sum does, so that all of them fill the row exactly.
  private func draw(_ row: Row, in rect: Rect, of frame: inout Frame, _ look: Appearance) {
    var sum = 0.0
    for (index, part) in parts.enumerated() where row.values[index] > 0 {
      let start = rect.x + Int((min(sum, 1) * Double(rect.width)).rounded())
      sum += row.values[index]
      let end = rect.x + Int((min(sum, 1) * Double(rect.width)).rounded())
      let place = Rect(x: start, y: rect.y, width: end - start, height: rect.height)
      guard !place.isEmpty else { continue }
      let colors = look.theme.seriesColors
      var (glyph, style): (Character, Style) = (look.stackGlyph(part.color), look.theme.text)
      if look.hasColor && !colors.isEmpty {
        let color = colors[part.color % colors.count]
        (glyph, style) = (" ", Style(ColorMap.contrasting(color), on: color))
      }
      frame.fill(place, with: Cell(glyph, style))
      let text = row.texts[index]
      guard displayWidth(text) + 2 <= place.width else { continue }
      frame.writeLine(text, in: place, style: style, alignment: .center, ellipsis: look.glyphs.ellipsis)
    }
  }
}

extension Appearance {
  /// What a stretch of a stacked bar is drawn with where there is no colour.
  fileprivate func stackGlyph(_ color: Int) -> Character {
    let glyphs: [Character] = glyphs.isUnicode ? ["░", "█", "▒", "▓", "·", "▪"] : [".", "#", ":", "%", "-", "+"]
    return glyphs[color % glyphs.count]
  }
}

/// How often values fall into bins of equal width, as columns to an eighth of a cell over an axis.
package struct Histogram: Widget, Sendable, Hashable {
  package var title: String
  /// What is counted, with its unit.
  package var name: String
  package var counts: [Int]
  /// The lowest value of the first bin, the highest of the last.
  package var range: ClosedRange<Double>
  /// The bin that is looked at.
  package var marked: Int?
  /// Values to be held against, with their names: a mean, what is looked at.
  package var references: [ScaleTick]

  package init(
    title: String = "", name: String, counts: [Int], range: ClosedRange<Double>, marked: Int? = nil,
    references: [ScaleTick] = []
  ) {
    (self.title, self.name, self.counts, self.range) = (title, name, counts, range)
    (self.marked, self.references) = (marked, references)
  }

  /// Parts are the bins by number.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Int>] {
    let width = range.upperBound - range.lowerBound
    let points = counts.enumerated().map { index, count in
      ChartPoint(range.lowerBound + (Double(index) + 0.5) * width / Double(counts.count), Double(count))
    }
    let marks: [ChartMark] =
      [.columns(ChartSeries(points: points))] + references.map { ChartMark.position($0.value, name: $0.label) }
    let most = Double(max(1, counts.max() ?? 1))
    let chart = Chart(
      title: title, x: Chart.Axis(name, .linear(range)), y: Chart.Axis("", .linear(0...most)),
      marks: marks, cursor: marked)
    return chart.draw(in: rect, of: &frame, look)
  }
}
