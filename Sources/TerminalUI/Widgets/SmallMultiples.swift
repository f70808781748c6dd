package import ColorMaps

/// Many small maps of one shape side by side, as rows and columns of one figure: the heads of every layer.
///
/// Each map is drawn as large as lets all of them in, at the least with two values per side to a cell; the rest is paged
/// so that the selected one is in sight. Where values share a cell of the drawing the largest of them shows, so that a
/// single strong one is never lost.
package struct SmallMultiples: Widget, Sendable, Hashable {
  package struct Tile: Sendable, Hashable {
    /// Row-major; empty where there is nothing to show, and then the note says why.
    package var values: [Double]
    /// Values drawn as a strip under the map, wider cells on the same scale: the anchors.
    package var strip: [Double]
    /// The number behind it all: `×98`.
    package var caption: String
    package var note: String

    package init(values: [Double], strip: [Double] = [], caption: String = "", note: String = "") {
      (self.values, self.strip, self.caption, self.note) = (values, strip, caption, note)
    }
  }

  /// Row-major, `[rowNames.count, columnNames.count]`.
  package var tiles: [Tile]
  package var rowNames: [String]
  package var columnNames: [String]
  /// Shape of each map: columns to the right, rows down.
  package var shape: Size
  package var scale: ValueScale
  package var map: ColorMap
  package var selected: GridPoint

  package init(
    _ tiles: [Tile], rowNames: [String], columnNames: [String], shape: Size, scale: ValueScale,
    map: ColorMap = .cividis, selected: GridPoint
  ) {
    precondition(tiles.count == rowNames.count * columnNames.count, "one tile per row and column")
    precondition(shape.width > 0 && shape.height > 0, "a map has cells")
    precondition(
      tiles.allSatisfy { $0.values.isEmpty || $0.values.count == shape.width * shape.height }, "maps of one shape")
    (self.tiles, self.rowNames, self.columnNames, self.shape) = (tiles, rowNames, columnNames, shape)
    (self.scale, self.map, self.selected) = (scale, map, selected)
  }

  /// Parts are the tiles in sight, by column and row.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<GridPoint>] {
    guard !rect.isEmpty && !tiles.isEmpty else { return [] }
    let plan = plan(in: rect, look)
    for (offset, column) in plan.columns.enumerated() {
      let name = Rect(
        x: plan.origin.x + offset * plan.step.width, y: rect.y, width: plan.map.width, height: 1)
      let style = column == selected.column ? look.theme.accent : look.theme.dim
      frame.writeLine(columnNames[column], in: name.intersection(rect), style: style, alignment: .center)
    }
    var hits: [Hit<GridPoint>] = []
    for (rowOffset, row) in plan.rows.enumerated() {
      let y = plan.origin.y + rowOffset * plan.step.height
      let name = Rect(x: rect.x, y: y, width: plan.origin.x - rect.x - 1, height: 1).intersection(rect)
      let style = row == selected.row ? look.theme.accent : look.theme.dim
      frame.writeLine(rowNames[row], in: name, style: style, ellipsis: look.glyphs.ellipsis)
      for (columnOffset, column) in plan.columns.enumerated() {
        let place = Rect(
          x: plan.origin.x + columnOffset * plan.step.width, y: y, width: plan.map.width,
          height: plan.step.height - plan.gap)
        let point = GridPoint(column: column, row: row)
        draw(tiles[point.index(columns: columnNames.count)], point, in: place, plan, clip: rect, of: &frame, look)
        hits.append(Hit(point, place.intersection(rect)))
      }
    }
    return hits
  }

  /// Which tiles are in sight in so much room: `rows 5–8 of 32` for a title; empty when all are.
  package func pageText(in rect: Rect, _ look: Appearance) -> String {
    guard !rect.isEmpty && !tiles.isEmpty else { return "" }
    let plan = plan(in: rect, look)
    return pageWords(rows: plan.rows, of: rowNames.count, columns: plan.columns, of: columnNames.count)
  }

  /// How much of so much room the tiles in sight take.
  package func size(in rect: Rect, _ look: Appearance) -> Size {
    guard !rect.isEmpty && !tiles.isEmpty else { return Size(width: 0, height: 0) }
    let plan = plan(in: rect, look)
    return Size(
      width: min(rect.width, plan.origin.x - rect.x + plan.columns.count * plan.step.width - 1),
      height: min(rect.height, plan.origin.y - rect.y + plan.rows.count * plan.step.height - plan.gap))
  }

  private struct Plan {
    /// Characters of one map.
    let map: Size
    /// From one tile to the next.
    let step: Size
    let gap: Int
    let origin: Point
    let rows: Range<Int>
    let columns: Range<Int>
  }

  private func plan(in rect: Rect, _ look: Appearance) -> Plan {
    let units = look.drawsHalfBlocks ? 2 : 1
    let gutter = min(rowNames.map { displayWidth($0) }.max() ?? 0, rect.width / 4) + 1
    let room = Size(width: rect.width - gutter, height: rect.height - 1)
    let isFramed = tiles.contains { !$0.strip.isEmpty || !$0.caption.isEmpty }
    let foot = isFramed ? 1 : 0
    // Whole multiples that let all tiles in, else three quarters or halves; squeezed further a map would show nothing.
    func size(_ numerator: Int, _ denominator: Int) -> Size {
      let width = max(1, shape.width * numerator / denominator) * (units == 2 ? 1 : 2)
      return Size(width: width, height: max(1, (shape.height * numerator / denominator + units - 1) / units))
    }
    func fits(_ map: Size, gap: Int) -> Bool {
      columnNames.count * (map.width + 1) - 1 <= room.width
        && rowNames.count * (map.height + foot + gap) - gap <= room.height
    }
    let smallest = units == 2 ? 2 : 4
    let scales = (1...8).reversed().map { ($0, 1) } + (smallest == 2 ? [(3, 4), (1, 2)] : [(3, 4), (1, 2), (1, 4)])
    let chosen = scales.first { fits(size($0.0, $0.1), gap: 0) }
    var map = chosen.map { size($0.0, $0.1) } ?? size(1, smallest)
    map = Size(width: min(map.width, max(1, room.width)), height: min(map.height, max(1, room.height - foot)))
    let gap = fits(map, gap: 1) ? 1 : 0
    let step = Size(width: map.width + 1, height: map.height + foot + gap)
    func visible(_ count: Int, _ room: Int, _ step: Int, _ kept: Int) -> Range<Int> {
      let shown = max(1, min(count, (room + 1) / step))
      // Whole pages: tiles keep their places while the selection walks among them.
      let first = min(kept / shown * shown, max(0, count - shown))
      return first..<min(count, first + shown)
    }
    return Plan(
      map: map, step: step, gap: gap, origin: Point(x: rect.x + gutter, y: rect.y + 1),
      rows: visible(rowNames.count, room.height - 1 + gap, step.height, selected.row),
      columns: visible(columnNames.count, room.width, step.width, selected.column))
  }

  private func draw(
    _ tile: Tile, _ point: GridPoint, in place: Rect, _ plan: Plan, clip: Rect, of frame: inout Frame,
    _ look: Appearance
  ) {
    let area = Rect(x: place.x, y: place.y, width: plan.map.width, height: plan.map.height)
    if tile.values.isEmpty {
      let cell = Cell(look.glyphs.noData, look.theme.dim)
      frame.fill(area.intersection(clip), with: cell)
      let lines = wrapped(tile.note, to: max(1, area.width))
      for (row, text) in lines.enumerated() {
        let y = area.y + (area.height - lines.count) / 2 + row
        let line = Rect(x: area.x, y: y, width: area.width, height: 1).intersection(clip)
        frame.writeLine(text, in: line, style: look.theme.dim, alignment: .center, ellipsis: look.glyphs.ellipsis)
      }
    } else {
      drawMap(tile.values, in: area, clip: clip, of: &frame, look)
    }
    let foot = Rect(x: place.x, y: area.maxY, width: plan.map.width, height: min(1, place.maxY - area.maxY))
    if !foot.isEmpty { drawFoot(tile, isSelected: point == selected, in: foot.intersection(clip), of: &frame, look) }
    guard point == selected else { return }
    // The gap at the left of the selected tile holds its mark, so that no value is covered.
    for y in area.y..<area.maxY {
      frame.put(look.glyphs.isUnicode ? "▐" : "[", look.theme.focusBorder, x: place.x - 1, y: y, clip: clip)
    }
  }

  private func drawFoot(
    _ tile: Tile, isSelected: Bool, in rect: Rect, of frame: inout Frame, _ look: Appearance
  ) {
    guard !rect.isEmpty else { return }
    let strip = tile.strip.count <= rect.width / 2 ? tile.strip : []
    for (offset, value) in strip.enumerated() {
      let cell = cell(upper: value, lower: value, look)
      frame.put(cell.character, cell.style, x: rect.x + offset, y: rect.y, clip: rect)
    }
    let caption = rect.dropping(left: strip.isEmpty ? 0 : strip.count + 1)
    let style = isSelected ? look.theme.cursor : look.theme.dim
    frame.writeLine(tile.caption, in: caption, style: style, ellipsis: look.glyphs.ellipsis)
  }

  private func drawMap(_ values: [Double], in area: Rect, clip: Rect, of frame: inout Frame, _ look: Appearance) {
    let units = look.drawsHalfBlocks ? 2 : 1
    let rows = area.height * units
    for y in 0..<area.height {
      for x in 0..<area.width {
        let upper = largest(values, column: x, of: area.width, row: y * units, of: rows)
        let lower = units == 2 ? largest(values, column: x, of: area.width, row: y * 2 + 1, of: rows) : upper
        let cell = cell(upper: upper, lower: lower, look)
        frame.put(cell.character, cell.style, x: area.x + x, y: area.y + y, clip: clip)
      }
    }
  }

  /// The largest of the values that a unit of the drawing covers; NaN when none is a number.
  private func largest(_ values: [Double], column: Int, of columns: Int, row: Int, of rows: Int) -> Double {
    let left = column * shape.width / columns
    let right = max(left + 1, (column + 1) * shape.width / columns)
    let top = row * shape.height / rows
    let bottom = max(top + 1, (row + 1) * shape.height / rows)
    var result = Double.nan
    for y in top..<bottom {
      for x in left..<right {
        let value = values[y * shape.width + x]
        if !(value <= result) && !value.isNaN { result = value }
      }
    }
    return result
  }

  private func cell(upper: Double, lower: Double, _ look: Appearance) -> Cell {
    func color(_ value: Double) -> Color {
      scale.clampedPosition(value).map { map.color($0, look.depth) } ?? look.theme.noDataColor
    }
    if look.drawsHalfBlocks { return halfBlockCell(upper: color(upper), lower: color(lower), look.glyphs) }
    if look.mapsHaveColor { return look.cell(of: color(upper)) }
    guard let t = scale.clampedPosition(upper) else { return Cell(look.glyphs.noData, look.theme.dim) }
    return Cell(look.mapCharacter(t, map), look.theme.text)
  }
}

/// What of a table is in sight: `rows 5–8 of 32, columns 1–5 of 6`; empty when all or nothing is.
func pageWords(rows: Range<Int>, of rowCount: Int, columns: Range<Int>, of columnCount: Int) -> String {
  func part(_ what: String, _ range: Range<Int>, _ count: Int) -> String? {
    guard !range.isEmpty, range.count < count else { return nil }
    return range.count == 1
      ? "\(what) \(range.upperBound) of \(count)" : "\(what)s \(range.lowerBound + 1)–\(range.upperBound) of \(count)"
  }
  return [part("row", rows, rowCount), part("column", columns, columnCount)].compactMap { $0 }.joined(separator: ", ")
}
