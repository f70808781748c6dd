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
    let size = PictureRenderer.size(ofWidth: tile.width, height: tile.height, in: room.size)
    let corner = Point(x: room.x + (room.width - size.width) / 2, y: room.y + (room.height - size.height) / 2)
    frame.blit(
      pictures.render(tile.pixels, tile.width, tile.height, size), size: size, at: corner, clippedTo: room)
    frame.writeLine(
      tile.caption, in: place.bottom(1), style: index == selected ? look.theme.cursor : look.theme.dim,
      alignment: .center, ellipsis: look.glyphs.ellipsis)
  }
}
