import ColorMaps
import Evidence
import Statistics
import TerminalUI

extension Canvas {
  /// The paper's heat map in the place of the verdict: one line a picture, or a layer while there is one picture; the
  /// anchors and the first patches, and beside them all visual keys, several to a column.
  mutating func drawFigure(_ state: InspectorState, in rect: Rect) {
    let figure = state.paperFigure
    guard let first = figure.rows.first else {
      paragraph(state.statistics?.attentionProblem ?? "The decoder has not run yet.", in: rect, style: look.theme.dim)
      return
    }
    let used = paragraph(
      figure.caption, in: Rect(x: rect.x, y: rect.y, width: rect.width, height: max(1, rect.height / 4)),
      style: look.theme.dim)
    var room = rect.dropping(top: used)
    draw(
      MapLegend(map: .cividis, low: Format.number(0), high: Format.number(figure.range.upperBound)), in: room.bottom(1))
    room = room.dropping(bottom: 1)
    let names = min(14, max(6, rect.width / 6))
    let short = first.short.count
    let cell = (room.width - names - 2) / 2 >= 3 * short ? 3 : 1
    let left = Rect(x: room.x + names + 1, y: room.y, width: cell * short, height: room.height)
    let right = room.dropping(left: names + 2 + left.width)
    drawFigureHeads(figure, left: left, right: right, cell: cell)
    let layout = GridLayout(
      columns: short, rows: figure.rows.count, in: left.dropping(top: 1), look, isSquare: false, largestScale: cell)
    draw(HeatMap(figure.rows.flatMap(\.short), layout: layout, range: figure.range), in: left.dropping(top: 1))
    drawAllKeys(figure, in: right.dropping(top: 1))
    for (row, line) in figure.rows.enumerated() {
      let y = 1 + row * layout.scaleY / layout.unitsPerRow
      // Two lines of the figure may share one of the screen.
      guard y < room.height, row == 0 || y != 1 + (row - 1) * layout.scaleY / layout.unitsPerRow else { continue }
      self.line(line.name, in: Rect(x: room.x, y: room.y, width: names, height: room.height), row: y)
    }
  }

  private mutating func drawFigureHeads(_ figure: PaperFigureRows, left: Rect, right: Rect, cell: Int) {
    let anchors = figure.rows[0].anchors
    for column in 0..<figure.rows[0].short.count where cell == 3 || column == 0 || column == anchors {
      let name = column < anchors ? "A\(column + 1)" : "P\(column - anchors + 1)"
      let place = Rect(x: left.x + column * cell, y: left.y, width: max(cell, 2), height: 1)
      line(name, in: place, style: look.theme.dim)
    }
    let all = figure.rows[0].all.count
    let perColumn = figure.keysPerColumn(right.width)
    line(
      "all \(all) visual keys" + (perColumn > 1 ? ", the largest of \(perColumn) a column" : ""), in: right,
      style: look.theme.dim)
  }

  private mutating func drawAllKeys(_ figure: PaperFigureRows, in rect: Rect) {
    guard rect.width > 0, rect.height > 0 else { return }
    let binned = figure.binned(to: rect.width)
    let layout = GridLayout(
      columns: binned[0].count, rows: binned.count, in: rect, look, isSquare: false, largestScale: 1)
    draw(HeatMap(Array(binned.joined()), layout: layout, range: figure.range), in: rect)
  }
}
