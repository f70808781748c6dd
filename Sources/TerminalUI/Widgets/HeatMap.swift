package import ColorMaps

/// A grid of magnitudes as exact cells of colour, or as a ramp of characters where colour cannot carry them.
///
/// A value that is not a number is drawn as "no data". In a diverging map without colour, tenths above the middle are the
/// digits 1–9 and tenths below the letters a–i.
package struct HeatMap: Widget, Sendable, Hashable {
  package var layout: GridLayout
  /// Row-major, `[rows, columns]`.
  package var values: [Double]
  /// The values at the map's two ends, printed by the panel.
  package var range: ClosedRange<Double>
  package var map: ColorMap

  package init(_ values: [Double], layout: GridLayout, range: ClosedRange<Double>, map: ColorMap = .cividis) {
    precondition(values.count == layout.columns * layout.rows, "one value a grid cell")
    self.values = values
    self.layout = layout
    self.range = range
    self.map = map
  }

  /// Draws the visible part of the grid where its layout put it, inside `rect`.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Never>] {
    let area = layout.area.intersection(rect)
    guard !area.isEmpty else { return [] }
    for y in area.y..<area.maxY {
      for x in area.x..<area.maxX {
        let point = Point(x: x, y: y)
        let cell = look.drawsHalfBlocks ? halfBlock(at: point, look) : rampCell(at: point, look)
        frame.put(cell.character, cell.style, x: x, y: y, clip: rect)
      }
    }
    return []
  }

  /// Position of a value in the map, 0…1; `nil` where there is no data.
  package func position(_ value: Double) -> Double? {
    guard !value.isNaN else { return nil }
    let width = range.upperBound - range.lowerBound
    guard width > 0 else { return map.isDiverging ? 0.5 : value > range.lowerBound ? 1 : 0 }
    return min(max((value - range.lowerBound) / width, 0), 1)
  }

  /// The colour of a grid cell.
  package func color(of point: GridPoint, _ look: Appearance) -> Color {
    position(values[point.index(columns: layout.columns)]).map { map.color($0, look.depth) } ?? look.theme.noDataColor
  }

  private func halfBlock(at point: Point, _ look: Appearance) -> Cell {
    guard let upper = layout.gridPoint(at: point, unit: 0) else { return Cell(" ", look.theme.text) }
    let top = color(of: upper, look)
    guard let lower = layout.gridPoint(at: point, unit: 1) else {
      return Cell(look.glyphs.upperHalf, Style(top, on: look.theme.background))
    }
    return halfBlockCell(upper: top, lower: color(of: lower, look), look.glyphs)
  }

  private func rampCell(at point: Point, _ look: Appearance) -> Cell {
    guard let here = layout.gridPoint(at: point, unit: 0) else { return Cell(" ", look.theme.text) }
    guard let t = position(values[here.index(columns: layout.columns)]) else {
      return Cell(look.glyphs.noData, look.theme.dim)
    }
    return Cell(map.isDiverging ? signedCharacter(t) : look.glyphs.rampCharacter(t), look.theme.text)
  }

  private func signedCharacter(_ t: Double) -> Character {
    let tenths = Int(((2 * t - 1) * 9).rounded())
    if tenths == 0 { return "." }
    return tenths > 0
      ? Character(Unicode.Scalar(UInt8(48 + tenths))) : Character(Unicode.Scalar(UInt8(96 - tenths)))
  }
}

/// One character showing two colours, one above the other.
func halfBlockCell(upper: Color, lower: Color, _ glyphs: Glyphs) -> Cell {
  upper == lower ? Cell(" ", Style(upper, on: upper)) : Cell(glyphs.upperHalf, Style(upper, on: lower))
}

/// The legend of a map: its two ends in words, and between them its colours or its ramp of characters.
package struct MapLegend: Widget, Sendable, Hashable {
  package var map: ColorMap
  package var low: String
  package var high: String

  package init(map: ColorMap, low: String, high: String) {
    self.map = map
    self.low = low
    self.high = high
  }

  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Never>] {
    guard !rect.isEmpty else { return [] }
    let lowWidth = frame.write(low, at: Point(x: rect.x, y: rect.y), style: look.theme.dim, clippedTo: rect)
    let bar = min(rect.width - lowWidth - displayWidth(high) - 2, ColorMap.levels)
    guard bar > 0 else { return [] }
    let start = rect.x + lowWidth + 1
    for step in 0..<bar {
      let t = bar == 1 ? 0.5 : Double(step) / Double(bar - 1)
      let cell =
        look.drawsHalfBlocks
        ? Cell(" ", Style(map.color(t, look.depth), on: map.color(t, look.depth)))
        : Cell(character(t, look), look.theme.text)
      frame.put(cell.character, cell.style, x: start + step, y: rect.y, clip: rect)
    }
    frame.write(high, at: Point(x: start + bar + 1, y: rect.y), style: look.theme.dim, clippedTo: rect)
    return []
  }

  private func character(_ t: Double, _ look: Appearance) -> Character {
    guard map.isDiverging else { return look.glyphs.rampCharacter(t) }
    return t < 0.45 ? "-" : t > 0.55 ? "+" : "."
  }
}
