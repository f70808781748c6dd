import ColorMaps
import Evidence
import Tensor
import TerminalUI
import Trace

extension Canvas {
  /// What the page of the code debugger shows below the code grid's title; `false` for the page that the grid fills.
  mutating func drawLab(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) -> Bool {
    switch state.codeLab.page {
    case .code: return false
    case .decoded: drawDecoding(state, in: rect, pictures: pictures)
    case .provenance: drawProvenance(state, in: rect)
    }
    return true
  }

  /// Numbers, then the picture, what was decoded and the error side by side.
  private mutating func drawDecoding(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    var room = rect
    for text in state.decodingWords {
      guard room.height > 6 || room == rect else { break }
      room = room.dropping(top: paragraph(text, in: Rect(x: room.x, y: room.y, width: room.width, height: 3)))
    }
    guard let result = state.shownDecoding, let original = state.trace?.mgvq?.pixelValues, room.height >= 4 else {
      return
    }
    let isSwap = result.reach != nil
    let tiles: [(String, Picture)] = [
      ("picture", Picture(signed: original)), ("decoded", result.picture),
      isSwap ? ("difference, stretched", result.difference) : ("error, white = 1", result.error),
    ]
    let count = room.width >= 60 ? 3 : room.width >= 36 ? 2 : 1
    let shown = count == 3 ? tiles : count == 2 ? Array(tiles[1...]) : [tiles[1]]
    let columns = Layout(.horizontal, shown.map { _ in .fill(weight: 1, minimum: 0) }, gap: 1).split(room)
    let renderer = pictures ?? .best(for: look)
    for (tile, column) in zip(shown, columns) {
      line(tile.0, in: column, style: look.theme.dim)
      let place = column.dropping(top: 1)
      let size = PictureRenderer.size(ofWidth: tile.1.width, height: tile.1.height, in: place.size)
      frame.blit(
        renderer.render(tile.1.pixels, tile.1.width, tile.1.height, size), size: size,
        at: Point(x: place.x, y: place.y), clippedTo: place)
    }
  }

  /// The map of the anchor over the latent grid, with its words beside or below.
  private mutating func drawProvenance(_ state: InspectorState, in rect: Rect) {
    let words = state.provenanceWords
    guard let provenance = state.codeLab.provenance[state.view.edits], let codes = state.trace?.mgvq?.codes else {
      return line(words[0], in: rect, style: look.theme.dim)
    }
    let values = provenance.map(anchor: state.cursor.anchor)
    let isWide = rect.width >= 3 * rect.height
    let textRows = isWide ? 0 : min(rect.height / 2, words.reduce(0) { $0 + wrapped($1, to: max(8, rect.width)).count })
    let place = rect.dropping(bottom: textRows)
    guard place.height > 0, values.count == codes.height * codes.width else { return }
    let layout = GridLayout(columns: codes.width, rows: codes.height, in: place, look, keeping: state.cursor.code)
    draw(HeatMap(values, layout: layout, range: 0...max(values.max() ?? 0, .ulpOfOne), map: .cividis), in: place)
    draw(GridMarks(layout: layout, cursor: state.cursor.code), in: place)
    hits.add(layout.area.intersection(place), .codes(layout))
    var text = isWide ? rect.dropping(left: layout.area.width + 2) : rect.bottom(textRows)
    for word in words { text = text.dropping(top: paragraph(word, in: text, style: look.theme.dim)) }
  }
}
