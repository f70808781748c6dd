package import ColorMaps

/// A measured quantity against its threshold: name, number and answer in words over an axis with the interval as a
/// whisker, the point, the threshold, and below it a dot for each null model.
///
/// Four rows show all of it; with three the ticks go, with two the null models, one is words alone.
package struct Gauge: Widget, Sendable, Hashable {
  package var title: String
  /// The number with its interval, in words; the drawing is never its only carrier.
  package var text: String
  /// The answer and how it looks: yes, no, undecided.
  package var badge: Span?
  package var scale: ValueScale
  package var point: Double?
  package var interval: ClosedRange<Double>?
  package var threshold: Double?
  /// What the same measure gives where nothing can be behind it.
  package var nulls: [Double]
  /// What the threshold is, in words, written at it where there is room.
  package var thresholdName: String

  package init(
    title: String, text: String, badge: Span? = nil, scale: ValueScale, point: Double?,
    interval: ClosedRange<Double>? = nil, threshold: Double? = nil, thresholdName: String = "", nulls: [Double] = []
  ) {
    (self.title, self.text, self.badge, self.scale) = (title, text, badge, scale)
    (self.point, self.interval, self.threshold, self.nulls) = (point, interval, threshold, nulls)
    self.thresholdName = thresholdName
  }

  /// Rows that show all there is.
  package var rows: Int { nulls.isEmpty ? 3 : 4 }

  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Never>] {
    guard !rect.isEmpty else { return [] }
    drawWords(in: rect.top(1), of: &frame, look)
    let showsTicks = rect.height >= rows
    if rect.height >= 2 { drawInterval(in: rect.dropping(top: 1).top(1), of: &frame, look) }
    let below = rect.dropping(top: 2)
    if !nulls.isEmpty && rect.height >= 3 { drawNulls(in: below.top(1), of: &frame, look) }
    if showsTicks { drawTicks(in: below.dropping(top: nulls.isEmpty ? 0 : 1).top(1), of: &frame, look) }
    return []
  }

  private func column(_ value: Double, in rect: Rect) -> Int? {
    scale.clampedPosition(value).map { rect.x + Int(($0 * Double(rect.width - 1)).rounded()) }
  }

  private func drawWords(in rect: Rect, of frame: inout Frame, _ look: Appearance) {
    var room = rect
    if let badge {
      let width = min(displayWidth(badge.text), rect.width)
      frame.writeLine([badge], in: rect.right(width), look)
      room = room.dropping(right: width + 1)
    }
    let numberWidth = min(displayWidth(text), room.width)
    frame.writeLine(
      text, in: room.right(numberWidth), style: look.theme.title, alignment: .trailing, ellipsis: look.glyphs.ellipsis)
    let name = room.dropping(right: numberWidth + 1)
    frame.writeLine(title, in: name, style: look.theme.text, ellipsis: look.glyphs.ellipsis)
  }

  fileprivate func drawInterval(in rect: Rect, of frame: inout Frame, _ look: Appearance) {
    frame.fill(rect, with: Cell(look.glyphs.isUnicode ? "·" : ".", look.theme.border))
    var style = look.theme.accent
    style.attributes.insert(.bold)
    if let interval, let low = column(interval.lowerBound, in: rect), let high = column(interval.upperBound, in: rect) {
      for x in low...max(low, high) { frame.put(look.glyphs.horizontal, style, x: x, y: rect.y, clip: rect) }
      frame.put(look.glyphs.teeLeft, style, x: low, y: rect.y, clip: rect)
      frame.put(look.glyphs.teeRight, style, x: high, y: rect.y, clip: rect)
    }
    if let threshold, let x = column(threshold, in: rect) {
      frame.put(look.glyphs.isUnicode ? "┃" : "|", look.theme.referenceLine, x: x, y: rect.y, clip: rect)
    }
    guard let point, let x = column(point, in: rect) else { return }
    frame.put(outside(point) ?? look.pointGlyph(0), style, x: x, y: rect.y, clip: rect)

    func outside(_ value: Double) -> Character? {
      guard let position = scale.position(value) else { return look.glyphs.left }
      return position < 0 ? look.glyphs.left : position > 1 ? look.glyphs.right : nil
    }
  }

  /// One column's null models as a dot, two or more as a taller mark.
  private func drawNulls(in rect: Rect, of frame: inout Frame, _ look: Appearance) {
    let glyphs: [Character] = look.glyphs.isUnicode ? ["∙", ":", "⋮", "█"] : [".", ":", "!", "#"]
    var counts: [Int: Int] = [:]
    for value in nulls { if let x = column(value, in: rect) { counts[x, default: 0] += 1 } }
    for (x, count) in counts {
      frame.put(glyphs[min(count, glyphs.count) - 1], look.theme.text, x: x, y: rect.y, clip: rect)
    }
    let text = "\(nulls.count) null models"
    let first = counts.keys.min() ?? rect.maxX
    let last = counts.keys.max() ?? rect.x
    let width = displayWidth(text)
    if last + 2 + width <= rect.maxX {
      frame.write(text, at: Point(x: last + 2, y: rect.y), style: look.theme.dim, clippedTo: rect)
    } else if first - 1 - width >= rect.x {
      frame.write(text, at: Point(x: first - 1 - width, y: rect.y), style: look.theme.dim, clippedTo: rect)
    }
  }

  fileprivate func drawTicks(in rect: Rect, of frame: inout Frame, _ look: Appearance) {
    var taken: [Range<Int>] = []
    func write(_ text: String, at x: Int, _ style: Style) {
      let width = displayWidth(text)
      let start = min(max(rect.x, x - width / 2), rect.maxX - width)
      let range = start..<start + width + 1
      guard start >= rect.x, !taken.contains(where: { $0.overlaps(range) }) else { return }
      taken.append(range)
      frame.write(text, at: Point(x: start, y: rect.y), style: style, clippedTo: rect)
    }
    if let threshold, let x = column(threshold, in: rect) {
      write(thresholdName.isEmpty ? tickText(threshold) : thresholdName, at: x, look.theme.referenceLine)
    }
    for tick in scale.ticks(count: max(2, rect.width / 8)) {
      if let x = column(tick.value, in: rect) { write(tick.label, at: x, look.theme.dim) }
    }
  }
}

/// Several measured quantities on one axis, a row each: name, number, the point on its interval, and the threshold.
package struct ForestPlot: Widget, Sendable, Hashable {
  package struct Row: Sendable, Hashable {
    package var label: String
    /// The number with its interval, in words; the drawing is never its only carrier.
    package var text: String
    package var point: Double
    package var interval: ClosedRange<Double>?

    package init(_ label: String, text: String, point: Double, interval: ClosedRange<Double>?) {
      (self.label, self.text, self.point, self.interval) = (label, text, point, interval)
    }
  }

  package var title: String
  package var rows: [Row]
  package var scale: ValueScale
  package var threshold: Double?
  package var thresholdName: String

  package init(
    title: String, _ rows: [Row], scale: ValueScale, threshold: Double? = nil, thresholdName: String = ""
  ) {
    (self.title, self.rows, self.scale) = (title, rows, scale)
    (self.threshold, self.thresholdName) = (threshold, thresholdName)
  }

  /// Parts are the rows by number.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Int>] {
    guard !rect.isEmpty && !rows.isEmpty else { return [] }
    frame.writeLine(title, in: rect, style: look.theme.title, ellipsis: look.glyphs.ellipsis)
    let body = rect.dropping(top: 1)
    let labels = min(rows.map { displayWidth($0.label) }.max() ?? 0, rect.width * 2 / 5)
    let texts = min(rows.map { displayWidth($0.text) }.max() ?? 0, max(0, rect.width / 3))
    let axis = body.dropping(left: labels + texts + 2)
    func gauge(_ row: Row) -> Gauge {
      Gauge(
        title: "", text: "", scale: scale, point: row.point, interval: row.interval, threshold: threshold,
        thresholdName: thresholdName)
    }
    var hits: [Hit<Int>] = []
    for (index, row) in rows.prefix(body.height).enumerated() {
      let place = Rect(x: body.x, y: body.y + index, width: body.width, height: 1)
      frame.writeLine(row.label, in: place.left(labels), style: look.theme.text, ellipsis: look.glyphs.ellipsis)
      frame.writeLine(
        row.text, in: place.dropping(left: labels + 1).left(texts), style: look.theme.dim,
        ellipsis: look.glyphs.ellipsis)
      gauge(row).drawInterval(in: Rect(x: axis.x, y: place.y, width: axis.width, height: 1), of: &frame, look)
      hits.append(Hit(index, place))
    }
    if body.height > rows.count, let first = rows.first {
      gauge(first).drawTicks(in: axis.dropping(top: rows.count).top(1), of: &frame, look)
    }
    return hits
  }
}

/// How far a stage is, with its name and the number.
package struct ProgressBar: Widget, Sendable, Hashable {
  package var label: String
  /// 0…1; `nil` when it cannot be known, and then only a spinner turns.
  package var fraction: Double?
  /// What stands at the right, for instance the time taken.
  package var text: String
  /// Counts up while nothing else shows that work goes on.
  package var tick: Int

  package init(label: String, fraction: Double?, text: String = "", tick: Int = 0) {
    self.label = label
    self.fraction = fraction
    self.text = text
    self.tick = tick
  }

  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Never>] {
    guard !rect.isEmpty else { return [] }
    let percent = fraction.map { "\(Int((min(max($0, 0), 1) * 100).rounded(.down)))%" }
    let note = [percent, text].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " ")
    let noteWidth = min(displayWidth(note), rect.width)
    let noteRect = Rect(x: rect.maxX - noteWidth, y: rect.y, width: noteWidth, height: 1)
    frame.writeLine(note, in: noteRect, style: look.theme.text, ellipsis: look.glyphs.ellipsis)
    let labelWidth = min(displayWidth(label), max(0, rect.width - noteWidth - 1))
    let labelRect = Rect(x: rect.x, y: rect.y, width: labelWidth, height: 1)
    frame.writeLine(label, in: labelRect, style: look.theme.text, ellipsis: look.glyphs.ellipsis)
    let bar = Rect(
      x: labelRect.maxX + 1, y: rect.y, width: rect.width - labelWidth - noteWidth - 2, height: 1)
    guard !bar.isEmpty else { return [] }
    if let fraction {
      var style = look.theme.barFill
      style.background = look.hasColor ? look.theme.field.background : style.background
      frame.drawEighths(fraction, in: bar, style: style, look)
    } else {
      let frames = look.glyphs.spinner
      frame.put(frames[abs(tick % frames.count)], look.theme.accent, x: bar.x, y: bar.y, clip: bar)
    }
    return []
  }
}
