package import ColorMaps

/// Numbers in rows and columns with names, each on its colour: layers by heads.
///
/// Rows stand in a given order, so that a matrix sorted by a column is the same value with another order; what does not
/// fit is scrolled so that the selected cell is in sight, and a line over it says which rows and columns are.
package struct ScoreMatrix: Widget, Sendable, Hashable {
  /// Over the names of the columns; where there is none, a matrix that is not in sight whole takes a line all the same.
  package var title: String
  package var rowNames: [String]
  package var columnNames: [String]
  /// `[rows][columns]`; `nil` where there is no value.
  package var values: [[Double?]]
  /// The numbers as text, of the same shape.
  package var texts: [[String]]
  package var scale: ValueScale
  package var map: ColorMap
  /// The rows from top to bottom.
  package var order: [Int]
  /// The column the rows are sorted by, marked in the heading.
  package var sortedBy: Int?
  /// Column and row, the row by its number and not its place.
  package var selected: GridPoint?
  /// Whether columns share all the room there is, up to `widest` columns of characters each.
  package var fillsRoom = false
  private static let widest = 40

  /// - Parameter order: `nil` keeps the rows as they are.
  package init(
    title: String = "", rowNames: [String], columnNames: [String], values: [[Double?]], texts: [[String]],
    scale: ValueScale, map: ColorMap = .cividis, order: [Int]? = nil, sortedBy: Int? = nil, selected: GridPoint? = nil
  ) {
    precondition(values.count == rowNames.count && texts.count == rowNames.count, "one row per name")
    precondition(values.allSatisfy { $0.count == columnNames.count }, "one column per name")
    precondition(texts.allSatisfy { $0.count == columnNames.count }, "one text per value")
    (self.rowNames, self.columnNames, self.values, self.texts) = (rowNames, columnNames, values, texts)
    (self.title, self.scale, self.map) = (title, scale, map)
    (self.sortedBy, self.selected) = (sortedBy, selected)
    self.order = order ?? Array(rowNames.indices)
  }

  /// Rows by a column's values, the largest first; rows without a value last, equal ones as they were.
  package static func order(of values: [[Double?]], byColumn column: Int) -> [Int] {
    func key(_ row: Int) -> Double { values[row][column].flatMap { $0.isNaN ? nil : $0 } ?? -.infinity }
    return values.indices.sorted { (key($0), $1) > (key($1), $0) }
  }

  /// Parts are the cells in sight, by column and by the row's number.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<GridPoint>] {
    guard !rect.isEmpty && !columnNames.isEmpty else { return [] }
    var plan = plan(in: rect.dropping(top: title.isEmpty ? 0 : 1))
    // The line that says what is in sight is worth a row only where some are left.
    if title.isEmpty && rect.height >= 4 && !page(plan).isEmpty { plan = self.plan(in: rect.dropping(top: 1)) }
    if plan.room.y > rect.y {
      let words = headline(page(plan), width: rect.width, look)
      frame.writeLine(words, in: rect, style: look.theme.title, ellipsis: look.glyphs.ellipsis)
    }
    return drawCells(plan, in: rect.dropping(top: plan.room.y - rect.y), of: &frame, look)
  }

  /// Which rows and columns are in sight, and where the cells of the first stand.
  private struct Plan {
    /// Right of the rows' names, the columns' names included.
    let room: Rect
    let gutter: Int
    /// Characters of a column.
    let width: Int
    let rows: Range<Int>
    let columns: Range<Int>
  }

  private func plan(in rect: Rect) -> Plan {
    let gutter = min(rowNames.map { displayWidth($0) }.max() ?? 0, rect.width / 3)
    let texts = texts.joined().map { displayWidth($0) }.max() ?? 0
    let room = rect.dropping(left: gutter + 1)
    // Two columns apart, one where all columns then fit.
    let least = max(texts, columnNames.map { displayWidth($0) }.max() ?? 0) + 1
    let tight = (least + 1) * columnNames.count > room.width ? least : least + 1
    let height = max(0, rect.height - 1)
    let rows = Scroll().revealing(
      selected.flatMap { order.firstIndex(of: $0.row) }, count: order.count, height: height
    )
    .range(count: order.count, height: height)
    let fitting = max(1, room.width / tight)
    let columns = Scroll().revealing(selected?.column, count: columnNames.count, height: fitting)
      .range(count: columnNames.count, height: fitting)
    return Plan(
      room: room, gutter: gutter,
      width: fillsRoom ? max(tight, min(Self.widest, room.width / columnNames.count)) : tight, rows: rows,
      columns: columns)
  }

  private func page(_ plan: Plan) -> String {
    pageWords(rows: plan.rows, of: order.count, columns: plan.columns, of: columnNames.count)
  }

  /// Title and page; of the two the title is cut.
  private func headline(_ page: String, width: Int, _ look: Appearance) -> String {
    guard !page.isEmpty else { return title }
    let ahead = title.isEmpty ? 0 : displayWidth(title) + 3
    let short = page.replacing("columns", with: "cols").replacing(" of ", with: "/")
    let words = ahead + displayWidth(page) <= width ? page : short
    let left = width - 3 - displayWidth(words)
    if title.isEmpty || left < 4 { return words }
    return truncated(title, to: left, ellipsis: look.glyphs.ellipsis) + " · " + words
  }

  private func drawCells(_ plan: Plan, in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<GridPoint>] {
    let (room, width) = (plan.room, plan.width)
    let body = rect.dropping(top: 1)
    for (offset, column) in plan.columns.enumerated() {
      let place = Rect(x: room.x + offset * width, y: rect.y, width: width - 1, height: 1).intersection(rect)
      let mark = column == sortedBy ? String(look.glyphs.down) : ""
      frame.writeLine(
        mark + columnNames[column], in: place, style: column == selected?.column ? look.theme.accent : look.theme.title,
        alignment: .trailing, ellipsis: look.glyphs.ellipsis)
    }
    var hits: [Hit<GridPoint>] = []
    for (offset, place) in plan.rows.enumerated() {
      let row = order[place]
      let line = Rect(x: rect.x, y: body.y + offset, width: rect.width, height: 1)
      frame.writeLine(
        rowNames[row], in: line.left(plan.gutter), style: row == selected?.row ? look.theme.accent : look.theme.text,
        ellipsis: look.glyphs.ellipsis)
      for (across, column) in plan.columns.enumerated() {
        let cell = Rect(x: room.x + across * width, y: line.y, width: width, height: 1).intersection(rect)
        drawCell(row, column, in: cell, of: &frame, look)
        hits.append(Hit(GridPoint(column: column, row: row), cell))
      }
    }
    return hits
  }

  private func drawCell(_ row: Int, _ column: Int, in cell: Rect, of frame: inout Frame, _ look: Appearance) {
    guard !cell.isEmpty else { return }
    let place = values[row][column].flatMap { scale.clampedPosition($0) }
    var style = place == nil ? look.theme.dim : look.theme.text
    if let place, look.hasColor {
      let color = map.color(place, look.depth)
      style = Style(ColorMap.contrasting(color), on: color)
    }
    if selected == GridPoint(column: column, row: row) { style = look.theme.cursor }
    frame.fill(cell, with: Cell(" ", style))
    let text = values[row][column] == nil ? String(look.glyphs.noData) : texts[row][column]
    frame.writeLine(
      text, in: cell.dropping(right: 1), style: style, alignment: .trailing, ellipsis: look.glyphs.ellipsis)
  }
}

/// Pictures side by side with a caption under each: thumbnails, a code's examples.
package struct Tiles: Widget, Sendable {
  package struct Tile: Sendable, Hashable {
    /// `[height, width, 3]`.
    package var pixels: [UInt8]
    package var width: Int
    package var height: Int
    package var caption: String

    package init(pixels: [UInt8], width: Int, height: Int, caption: String) {
      precondition(pixels.count == width * height * 3, "RGB pixels fill the picture")
      (self.pixels, self.width, self.height, self.caption) = (pixels, width, height, caption)
    }
  }

  package var tiles: [Tile]
  /// Columns of one tile; it is half as high, and a row more for the caption.
  package var tileWidth: Int
  package var selected: Int?
  package var pictures: PictureRenderer

  package init(_ tiles: [Tile], tileWidth: Int, selected: Int? = nil, pictures: PictureRenderer) {
    precondition(tileWidth > 0, "a tile has columns")
    (self.tiles, self.tileWidth, self.selected, self.pictures) = (tiles, tileWidth, selected, pictures)
  }

  /// Parts are the tiles in sight by number; rows are scrolled so that the selected one is in sight.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Int>] {
    let width = min(tileWidth, rect.width)
    let height = min(max(1, tileWidth / 2), rect.height - 1)
    guard width > 0 && height > 0 && !tiles.isEmpty else { return [] }
    let columns = (rect.width + 1) / (width + 1)
    let rows = (tiles.count + columns - 1) / columns
    let fitting = max(1, rect.height / (height + 1))
    let shown = Scroll().revealing(selected.map { $0 / columns }, count: rows, height: fitting)
      .range(count: rows, height: fitting)
    var hits: [Hit<Int>] = []
    for index in shown.lowerBound * columns..<min(tiles.count, shown.upperBound * columns) {
      let place = Rect(
        x: rect.x + index % columns * (width + 1), y: rect.y + (index / columns - shown.lowerBound) * (height + 1),
        width: width, height: height + 1)
      draw(index, in: place, of: &frame, look)
      hits.append(Hit(index, place))
    }
    return hits
  }

  private func draw(_ index: Int, in place: Rect, of frame: inout Frame, _ look: Appearance) {
    let tile = tiles[index]
    let room = place.dropping(bottom: 1)
    let size = pictures.size(ofWidth: tile.width, height: tile.height, in: room.size)
    let corner = Point(x: room.x + (room.width - size.width) / 2, y: room.y + (room.height - size.height) / 2)
    frame.blit(
      pictures.render(tile.pixels, tile.width, tile.height, size), size: size, at: corner, clippedTo: room)
    frame.writeLine(
      tile.caption, in: place.bottom(1), style: index == selected ? look.theme.cursor : look.theme.dim,
      alignment: .center, ellipsis: look.glyphs.ellipsis)
  }
}
