package import ColorMaps

/// A grid of magnitudes as exact cells of colour, or as a ramp of characters where colour cannot carry them.
///
/// A value that is not a number is drawn as "no data". In a diverging map without colour, tenths above the middle are the
/// digits 1–9 and tenths below the letters a–i.
package struct HeatMap: Widget, Sendable, Hashable {
  package var layout: GridLayout
  /// Row-major, `[rows, columns]`.
  package var values: [Double]
  /// How values become places in the map; a `ColorBar` of the same scale says so.
  package var scale: ValueScale
  package var map: ColorMap
  /// The cells' own colours, of things that have no order; nil colours by value. Without colour values stand for them.
  package var colors: [Color]?

  package init(_ values: [Double], layout: GridLayout, scale: ValueScale, map: ColorMap = .cividis) {
    precondition(values.count == layout.columns * layout.rows, "one value per grid cell")
    self.values = values
    self.layout = layout
    self.scale = scale
    self.map = map
  }

  /// A map from one value to another in equal steps.
  package init(_ values: [Double], layout: GridLayout, range: ClosedRange<Double>, map: ColorMap = .cividis) {
    self.init(values, layout: layout, scale: .linear(range), map: map)
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
    let isFlat = scale.range.lowerBound == scale.range.upperBound
    if isFlat && scale.kind != .rank { return map.isDiverging ? 0.5 : value > scale.range.lowerBound ? 1 : 0 }
    return scale.clampedPosition(value)
  }

  /// The colour of a grid cell.
  package func color(of point: GridPoint, _ look: Appearance) -> Color {
    let index = point.index(columns: layout.columns)
    if let colors { return colors[index] }
    return position(values[index]).map { map.color($0, look.depth) } ?? look.theme.noDataColor
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
    if look.mapsHaveColor { return look.cell(of: color(of: here, look)) }
    guard let t = position(values[here.index(columns: layout.columns)]) else {
      return Cell(look.glyphs.noData, look.theme.dim)
    }
    // Four shades are few: a cell of two characters has steps between them, the first a quarter of one denser.
    let isSplit = look.glyphs.isUnicode && !map.isDiverging && layout.scaleX % 2 == 0 && t > 0
    let quarter = 0.25 / Double(look.glyphs.ramp.count - 1)
    guard isSplit else { return Cell(look.mapCharacter(t, map), look.theme.text) }
    let isFirst = (point.x - layout.area.x) % 2 == 0
    let shown = isFirst ? t + quarter : t < 3 * quarter ? 0 : t - quarter
    return Cell(look.mapCharacter(shown, map), look.theme.text)
  }
}

/// One character showing two colours, one above the other.
func halfBlockCell(upper: Color, lower: Color, _ glyphs: Glyphs) -> Cell {
  upper == lower ? Cell(" ", Style(upper, on: upper)) : Cell(glyphs.upperHalf, Style(upper, on: lower))
}

extension Appearance {
  /// What stands for a place in a map where colour cannot: a ramp of characters; in a diverging map tenths above the
  /// middle are the digits 1–9, tenths below the letters a–i.
  func mapCharacter(_ t: Double, _ map: ColorMap) -> Character {
    guard map.isDiverging else { return glyphs.rampCharacter(t) }
    let tenths = Int(((2 * t - 1) * 9).rounded())
    if tenths == 0 { return "." }
    return tenths > 0
      ? Character(Unicode.Scalar(UInt8(48 + tenths))) : Character(Unicode.Scalar(UInt8(96 - tenths)))
  }
}

/// What the colours of a map mean: its two ends and its middle in numbers, its colours or its ramp of characters between
/// them, the name of the scale, and arrows at an end beyond which there are values.
///
/// `0.0001 ◂▒▒▒▒▒▒0.0030▒▒▒▒▒▒▸ 0.091 log`
package struct ColorBar: Widget, Sendable, Hashable {
  package var map: ColorMap
  package var scale: ValueScale
  /// What is measured; left out first.
  package var name: String
  /// Whether values lie below the first and above the last colour.
  package var hasBelow: Bool
  package var hasAbove: Bool
  /// A value marked on the bar: the one under the cursor.
  package var marked: Double?
  /// What stands at the upper end instead of its number.
  package var highText: String?

  package init(
    map: ColorMap = .cividis, scale: ValueScale, name: String = "", hasBelow: Bool = false, hasAbove: Bool = false,
    marked: Double? = nil, highText: String? = nil
  ) {
    (self.map, self.scale, self.name) = (map, scale, name)
    (self.hasBelow, self.hasAbove, self.marked) = (hasBelow, hasAbove, marked)
    self.highText = highText
  }

  /// The bar of a map of these values: whether some lie outside its scale is seen from them.
  package init(map: ColorMap = .cividis, scale: ValueScale, of values: [Double], name: String = "") {
    self.init(
      map: map, scale: scale, name: name, hasBelow: values.contains { $0 < scale.range.lowerBound },
      hasAbove: values.contains { $0 > scale.range.upperBound })
  }

  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Never>] {
    guard !rect.isEmpty else { return [] }
    let low = tickText(scale.range.lowerBound) + (hasBelow ? " \(look.glyphs.left)" : " ")
    let high = (hasAbove ? "\(look.glyphs.right) " : " ") + (highText ?? tickText(scale.range.upperBound))
    let ends = displayWidth(low) + displayWidth(high)
    var words = [scale.kind == .linear ? "linear" : scale.kind.rawValue, name].filter { !$0.isEmpty }
    // The name goes first, then the scale's; the ends stay.
    while !words.isEmpty && rect.width - ends - 1 - displayWidth(words.joined(separator: " ")) < 8 {
      words.removeLast()
    }
    let note = words.isEmpty ? "" : " " + words.joined(separator: " ")
    let bar = min(rect.width - ends - displayWidth(note), 2 * ColorMap.levels)
    guard bar > 0 else { return [] }
    var x = rect.x + frame.write(low, at: Point(x: rect.x, y: rect.y), style: look.theme.dim, clippedTo: rect)
    drawBar(in: Rect(x: x, y: rect.y, width: bar, height: 1), of: &frame, look)
    x += bar
    x += frame.write(high, at: Point(x: x, y: rect.y), style: look.theme.dim, clippedTo: rect)
    frame.write(note, at: Point(x: x, y: rect.y), style: look.theme.dim, clippedTo: rect)
    return []
  }

  private func drawBar(in bar: Rect, of frame: inout Frame, _ look: Appearance) {
    for step in 0..<bar.width {
      let cell = cell(bar.width == 1 ? 0.5 : Double(step) / Double(bar.width - 1), look)
      frame.put(cell.character, cell.style, x: bar.x + step, y: bar.y, clip: bar)
    }
    let middle = map.isDiverging && scale.range.contains(0) ? "0" : tickText(scale.value(at: 0.5))
    let width = displayWidth(middle)
    if scale.range.lowerBound < scale.range.upperBound && bar.width >= width + 8 {
      let start = bar.x + (bar.width - width) / 2
      for (offset, character) in middle.enumerated() { write(character, x: start + offset, bar, of: &frame, look) }
    }
    guard let marked, let place = scale.clampedPosition(marked) else { return }
    let x = bar.x + Int((place * Double(bar.width - 1)).rounded())
    write(look.glyphs.isUnicode ? "◆" : "^", x: x, bar, of: &frame, look)
  }

  /// Writes over the bar, in black or white as the colour under it asks.
  private func write(_ character: Character, x: Int, _ bar: Rect, of frame: inout Frame, _ look: Appearance) {
    let under = frame[x, bar.y].style.background
    let style = look.drawsHalfBlocks ? Style(ColorMap.contrasting(under), on: under) : look.theme.title
    frame.put(character, style, x: x, y: bar.y, clip: bar)
  }

  private func cell(_ t: Double, _ look: Appearance) -> Cell {
    look.mapsHaveColor ? look.cell(of: map.color(t, look.depth)) : Cell(look.mapCharacter(t, map), look.theme.text)
  }
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
        look.mapsHaveColor ? look.cell(of: map.color(t, look.depth)) : Cell(character(t, look), look.theme.text)
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
