import ColorMaps
import Evidence
import Tensor
import TerminalUI
import Trace

extension Canvas {
  /// The picture with the cursor's patch; beside it, where there is room, what is known about both.
  mutating func drawImage(
    _ state: InspectorState, in rect: Rect, frameRect: Rect?, pictures: PictureRenderer?
  ) {
    guard let picture = state.shownPicture else {
      let waiting = state.trace?.language == nil ? "decoding the picture" : "This trace holds no picture."
      return line(state.progress[.image]?.state.words ?? waiting, in: rect, style: look.theme.dim)
    }
    let legendRows = rect.height >= 8 ? 1 : 0
    let room = rect.dropping(bottom: legendRows)
    let size = pictureSize(picture, state.links.geometry.patches, in: room)
    let area = Rect(x: rect.x, y: rect.y, width: size.width, height: size.height)
    // Under a map each patch keeps its exact colour, and going through layers waits for no picture to be drawn anew.
    let renderer = state.overlaysMap ? .best(for: look) : pictures ?? .best(for: look)
    frame.drawPicture(picture.pixels, width: picture.width, height: picture.height, in: area, with: renderer)
    hits.add(area, .picture)
    drawPatchMarks(state, over: area)
    if let frameRect { drawTicks(state, area, frameRect) }
    if legendRows > 0 { drawImageLegend(state, in: rect.bottom(1)) }
    let side = room.dropping(left: area.width + 2)
    if side.width >= 18 { drawImageFacts(state, in: side) }
  }

  /// Whole half cells a patch where that costs little room, else as large as fits.
  private func pictureSize(_ picture: Picture, _ grid: GridSize, in room: Rect) -> Size {
    let largest = PictureRenderer.size(ofWidth: picture.width, height: picture.height, in: room.size)
    let layout = GridLayout(columns: grid.columns, rows: grid.rows, in: room, look)
    let exact = layout.area.size
    let isLargeEnough = 10 * exact.width * exact.height >= 6 * largest.width * largest.height
    return layout.showsAll && isLargeEnough ? exact : largest
  }

  /// The cells that a patch of the stretched picture touches.
  private func cells(of point: GridPoint, _ grid: GridSize, in area: Rect) -> Rect {
    let x = point.column * area.width / grid.columns
    let y = point.row * area.height / grid.rows
    let endX = (point.column + 1) * area.width / grid.columns
    let endY = (point.row + 1) * area.height / grid.rows
    return Rect(x: area.x + x, y: area.y + y, width: max(1, endX - x), height: max(1, endY - y)).intersection(area)
  }

  /// Characters mark patches, so that the marks are there without colour too.
  private mutating func drawPatchMarks(_ state: InspectorState, over area: Rect) {
    let grid = state.links.geometry.patches
    for case .patch(let index) in state.highlightedKeys {
      let cells = cells(of: grid.point(min(index, grid.count - 1)), grid, in: area)
      frame.put(
        look.glyphs.bullet, mark(look.theme.selectionColor), x: cells.x + (cells.width - 1) / 2, y: cells.y, clip: area)
    }
    let cursor = cells(of: state.cursor.patch, grid, in: area)
    for y in cursor.y..<cursor.maxY {
      if cursor.width == 1 {
        frame.put("+", mark(look.theme.cursorColor), x: cursor.x, y: y, clip: area)
      } else {
        frame.put("[", mark(look.theme.cursorColor), x: cursor.x, y: y, clip: area)
        frame.put("]", mark(look.theme.cursorColor), x: cursor.maxX - 1, y: y, clip: area)
      }
    }
  }

  private func mark(_ color: Color) -> Style {
    look.hasColor ? Style(ColorMap.contrasting(color), on: color, .bold) : look.theme.cursor
  }

  /// Arrows in the frame point at the cursor's row and column.
  private mutating func drawTicks(_ state: InspectorState, _ area: Rect, _ frameRect: Rect) {
    let cursor = cells(of: state.cursor.patch, state.links.geometry.patches, in: area)
    let style = look.theme.accent
    frame.put(look.glyphs.right, style, x: frameRect.x, y: cursor.y, clip: frameRect)
    frame.put(look.glyphs.up, style, x: cursor.x, y: frameRect.maxY - 1, clip: frameRect)
  }

  private mutating func drawImageLegend(_ state: InspectorState, in rect: Rect) {
    let grid = state.links.geometry.patches
    let size = "\(grid.rows)×\(grid.columns) patches"
    switch state.view.overlay {
    case .attention where state.overlaysMap:
      line("\(size), \(state.view.metric.rawValue) over the picture", in: rect, style: look.theme.dim)
    case .reconstruction where state.trace?.mgvq?.reconstruction != nil:
      line("what the codes decode to, \(size)", in: rect, style: look.theme.dim)
    case .provenance where look.hasColor && state.codeLab.provenance[state.view.edits] != nil:
      line("what drives A\(state.cursor.anchor + 1), \(size)", in: rect, style: look.theme.dim)
    default: line("\(size), no overlay", in: rect, style: look.theme.dim)
    }
  }

  private mutating func drawImageFacts(_ state: InspectorState, in rect: Rect) {
    let report = state.imageReport
    var row = 0
    for text in ReportText.lines(report, width: rect.width) {
      line(text, in: rect, row: row)
      row += 1
    }
  }
}
