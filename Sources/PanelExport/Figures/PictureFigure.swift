import ColorMaps
import Evidence
import Inspector
import Plots
import Statistics
import Tensor

extension PanelExport {
  /// The square that the model sees, the attention over it and what its codes decode to.
  func pictureFigure() throws(PanelExportError) -> Figure {
    let base = state.decodedCodes?.picture ?? state.square
    let square = try required(base, .image, "the picture is not decoded")
    let grid = state.links.geometry.patches
    var tiles = [TileGrid.Tile(square, caption: "what the model sees")]
    var notes = ["\(grid.rows)×\(grid.columns) patches. n = 1 picture."]
    var bar: TileGrid.Bar?
    if let over = attentionOverlay {
      tiles.append(.init(over, caption: "attention of \(state.inspectedToken)"))
      if let map = state.map, map.scale != .rank { bar = .init(scale: map.colors, measure: "attention") }
      if let map = state.map { notes.append("Overlay: \(map.view.formula), \(map.scale.rawValue) scale, cividis.") }
    }
    if let decoded = state.decodedCodes {
      tiles.append(
        .init(decoded.reconstruction, caption: "from its codes, \(decimal(decoded.decibels, digits: 1)) dB"))
    }
    return Figure(
      title: state.imageName, columnWidths: [Double(tiles.count) * 220 + (bar == nil ? 0 : 66)], rowHeights: [240],
      panels: [TileGrid(tiles: tiles, columns: tiles.count, bar: bar)], notes: notes)
  }

  /// The picture as the Image panel shows it with attention over it.
  private var attentionOverlay: Picture? {
    var state = state
    for _ in PictureOverlay.allCases where state.view.overlay != .attention {
      _ = update(&state, .command(.overlay))
    }
    guard state.view.overlay == .attention, state.map != nil else { return nil }
    return state.shownPicture
  }
}
