import ColorMaps

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
