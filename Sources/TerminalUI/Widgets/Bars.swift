/// Labelled horizontal bars to an eighth of a cell, with the number behind each.
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

  package var rows: [Row]
  /// The value of a full bar; printed by the panel where it is not obvious.
  package var maximum: Double
  /// A value that each bar is held against, for instance the uniform share.
  package var reference: Double?

  package init(_ rows: [Row], maximum: Double, reference: Double? = nil) {
    self.rows = rows
    self.maximum = maximum
    self.reference = reference
  }

  /// One row of characters a bar: label, number, bar.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Never>] {
    let labelWidth = min(rows.map { displayWidth($0.label) }.max() ?? 0, max(0, rect.width / 3))
    let textWidth = rows.map { displayWidth($0.text) }.max() ?? 0
    for (offset, row) in rows.prefix(rect.height).enumerated() {
      let y = rect.y + offset
      let style = row.isMarked ? look.theme.cursor : look.theme.text
      let label = Rect(x: rect.x, y: y, width: labelWidth, height: 1)
      frame.writeLine(row.label, in: label, style: style, ellipsis: look.glyphs.ellipsis)
      let text = Rect(x: label.maxX + 1, y: y, width: textWidth, height: 1).intersection(rect)
      frame.writeLine(row.text, in: text, style: look.theme.text, alignment: .trailing)
      let barX = label.maxX + textWidth + 2
      let bar = Rect(x: barX, y: y, width: rect.maxX - barX, height: 1)
      drawBar(row.value, in: bar, of: &frame, look)
    }
    return []
  }

  private func drawBar(_ value: Double, in rect: Rect, of frame: inout Frame, _ look: Appearance) {
    guard !rect.isEmpty else { return }
    let part = maximum > 0 && value.isFinite ? min(max(value / maximum, 0), 1) : 0
    frame.drawEighths(part, in: rect, style: look.theme.barFill, look)
    guard let reference, maximum > 0, reference <= maximum, reference >= 0 else { return }
    let x = rect.x + min(Int(reference / maximum * Double(rect.width)), rect.width - 1)
    let isCovered = Double(x + 1 - rect.x) <= part * Double(rect.width)
    var style = look.theme.referenceLine
    if isCovered { style.background = look.theme.barFill.foreground }
    frame.put(look.glyphs.vertical, style, x: x, y: rect.y, clip: rect)
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
