import ColorMaps

/// A curve of values as columns of bars, with a reference line: for instance a share over layers against uniform.
///
/// A value that is not a number leaves its column to the "no data" character.
package struct Curve: Widget, Sendable, Hashable {
  package var values: [Double]
  /// The values at the foot and at the top of the curve.
  package var range: ClosedRange<Double>
  /// The value of the reference line.
  package var reference: Double?
  /// The value that is looked at.
  package var marked: Int?

  package init(_ values: [Double], range: ClosedRange<Double>, reference: Double? = nil, marked: Int? = nil) {
    self.values = values
    self.range = range
    self.reference = reference
    self.marked = marked
  }

  /// Draws the curve over the whole rectangle; returns where each value stands, for the mouse.
  ///
  /// Values get the same whole number of columns; with fewer columns than values, the ones around `marked` are shown.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Int>] {
    guard !rect.isEmpty && !values.isEmpty else { return [] }
    let step = max(1, rect.width / values.count)
    let shown = Scroll().revealing(marked, count: values.count, height: rect.width / step)
      .range(count: values.count, height: rect.width / step)
    var hits: [Hit<Int>] = []
    for index in shown {
      let x = rect.x + (index - shown.lowerBound) * step
      let column = Rect(x: x, y: rect.y, width: step, height: rect.height)
      // A gap between the columns where there is room for one.
      let bar = Rect(x: x, y: rect.y, width: max(1, step - (step > 2 ? 1 : 0)), height: rect.height)
      drawColumn(values[index], isMarked: index == marked, in: bar, of: &frame, look)
      hits.append(Hit(index, column))
    }
    let width = shown.count * step
    drawReference(in: Rect(x: rect.x, y: rect.y, width: width, height: rect.height), of: &frame, look)
    return hits
  }

  private func part(_ value: Double) -> Double {
    let width = range.upperBound - range.lowerBound
    return width > 0 ? min(max((value - range.lowerBound) / width, 0), 1) : 0
  }

  private func drawColumn(
    _ value: Double, isMarked: Bool, in rect: Rect, of frame: inout Frame, _ look: Appearance
  ) {
    var style = isMarked ? look.theme.accent : look.theme.dim
    if isMarked { style.attributes.insert(.bold) }
    guard !value.isNaN else {
      frame.put(look.glyphs.noData, style, x: rect.x, y: rect.maxY - 1, clip: rect)
      return
    }
    let part = part(value)
    let eighths = part <= 0 ? 0 : max(1, Int((part * Double(rect.height * 8)).rounded()))
    for row in 0..<rect.height {
      let filled = min(max(eighths - row * 8, 0), 8)
      for x in rect.x..<rect.maxX {
        let glyph = look.glyphs.verticalEighths[filled]
        frame.put(glyph, filled == 0 ? look.theme.text : style, x: x, y: rect.maxY - 1 - row, clip: rect)
      }
    }
  }

  /// The line lies over empty and full cells; where a bar ends inside its row, the bar's end is kept.
  private func drawReference(in rect: Rect, of frame: inout Frame, _ look: Appearance) {
    guard let reference, range.contains(reference), !rect.isEmpty else { return }
    let row = min(Int(part(reference) * Double(rect.height)), rect.height - 1)
    let y = rect.maxY - 1 - row
    for x in rect.x..<rect.maxX {
      let under = frame[x, y]
      if under.character == " " {
        frame.put(look.glyphs.line, look.theme.referenceLine, x: x, y: y, clip: rect)
      } else if under.character == look.glyphs.full && look.hasColor {
        let style = Style(ColorMap.contrasting(under.style.foreground), on: under.style.foreground)
        frame.put(look.glyphs.line, style, x: x, y: y, clip: rect)
      }
    }
  }
}

/// A curve one character high: the shape of a few values beside their number.
package func sparkline(_ values: [Double], range: ClosedRange<Double>, _ glyphs: Glyphs) -> String {
  let width = range.upperBound - range.lowerBound
  return String(
    values.map { value in
      guard !value.isNaN else { return glyphs.noData }
      let part = width > 0 ? min(max((value - range.lowerBound) / width, 0), 1) : 0
      return glyphs.verticalEighths[max(1, Int((part * 8).rounded()))]
    })
}
