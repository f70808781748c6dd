package import ColorMaps
import ImageLoading
package import Tensor

/// Pictures side by side, each with a caption under it.
package struct TileGrid: FigurePanel {
  package struct Tile: Sendable {
    package var image: Picture
    package var caption: String

    package init(_ image: Picture, caption: String = "") {
      self.image = image
      self.caption = caption
    }
  }

  /// What the colours over pictures measure.
  package struct Bar: Sendable {
    package var scale: ValueScale
    package var measure: String

    package init(scale: ValueScale, measure: String) { (self.scale, self.measure) = (scale, measure) }
  }

  package var title: String
  /// Row by row.
  package var tiles: [Tile]
  package var columns: Int
  /// Whether pixels are interpolated rather than drawn as blocks.
  package var isSmooth: Bool
  /// Captions at the left of the rows.
  package var rowNames: [String]
  /// Drawn beside the first row.
  package var bar: Bar?

  package init(
    title: String = "", tiles: [Tile], columns: Int, isSmooth: Bool = true, rowNames: [String] = [], bar: Bar? = nil
  ) {
    precondition(columns > 0)
    self.bar = bar
    self.title = title
    self.tiles = tiles
    self.columns = columns
    self.isSmooth = isSmooth
    self.rowNames = rowNames
  }

  package func draw(in box: PlotBox, on canvas: PlotCanvas) {
    canvas.text(title, at: PlotPoint(box.x, box.y), .heading, alignY: 0)
    guard !tiles.isEmpty else { return }
    let names = rowNames.map { canvas.width(of: $0, .tick) + 8 }.max() ?? 0
    let grid = box.inset(left: names, top: title.isEmpty ? 0 : 22, right: bar == nil ? 0 : 66)
    let rows = (tiles.count + columns - 1) / columns
    let width = grid.width / Double(columns)
    let height = grid.height / Double(rows)
    let caption = tiles.contains { !$0.caption.isEmpty } ? 15.0 : 0
    for (row, name) in rowNames.prefix(rows).enumerated() {
      let y = grid.y + Double(row) * height + (height - caption) / 2
      canvas.text(name, at: PlotPoint(grid.x - 6, y), .tick, alignX: 1)
    }
    for (index, tile) in tiles.enumerated() {
      let place = PlotBox(
        x: grid.x + Double(index % columns) * width, y: grid.y + Double(index / columns) * height, width: width,
        height: height)
      let shown = place.inset(left: 2, top: 2, right: 2, bottom: 2 + caption)
        .fitted(ratio: Double(tile.image.width) / Double(tile.image.height))
      canvas.picture(tile.image, in: shown, isSmooth: isSmooth)
      if let bar, index == columns - 1 {
        ColorBar(map: .cividis, scale: bar.scale, measure: bar.measure).draw(beside: shown, on: canvas)
      }
      canvas.text(
        tile.caption, at: PlotPoint(place.middle.x, shown.maxY + 4), .tick, alignX: 0.5, alignY: 0)
    }
  }
}
