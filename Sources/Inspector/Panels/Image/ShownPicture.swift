import ColorMaps
import Tensor
import TerminalUI
import Trace

extension InspectorState {
  /// The largest side that a shown picture keeps: no terminal has more half cells to show.
  static let displaySide = 384

  /// Computes the picture as the Image panel shows it: the model's square, with the overlay blended in.
  mutating func refreshPicture() {
    guard let base = displayedSquare else {
      shownPicture = nil
      return
    }
    if view.overlay == .provenance, overlaysMap, let provenance = codeLab.provenance[view.edits] {
      shownPicture = blend(provenance, over: base)
      return
    }
    if view.overlay == .grid {
      shownPicture = base.withGrid(links.geometry.patches)
      return
    }
    guard view.overlay == .attention, overlaysMap, let map else {
      shownPicture = base
      return
    }
    shownPicture = blend(map.positions, over: base)
  }

  /// Whether a map lies over the picture.
  var overlaysMap: Bool {
    guard appearance.hasColor else { return false }
    return view.overlay == .attention
      ? map != nil
      : view.overlay == .provenance && codeLab.provenance[view.edits] != nil
  }

  private var displayedSquare: Picture? {
    if view.overlay == .reconstruction, let decoded = trace?.mgvq?.reconstruction { return Picture(signed: decoded) }
    if let square { return square }
    return trace?.mgvq.map { Picture(signed: $0.pixelValues) }
  }

  /// Colours of what drives the anchor over the picture, latent cell by latent cell.
  private func blend(_ provenance: AnchorAblation, over base: Picture) -> Picture {
    let grid = links.geometry.latent
    let values = provenance.map(anchor: cursor.anchor)
    guard values.count == grid.count, let largest = values.max(), largest > 0 else { return base }
    let pixels = overlaid(
      base.pixels, width: base.width, height: base.height,
      colors: values.map { ColorMap.cividis.color($0 / largest) }, columns: grid.columns, rows: grid.rows, opacity: 0.5)
    return Picture(width: base.width, height: base.height, pixels: pixels)
  }

  /// Colours of the map over the picture, patch by patch.
  private func blend(_ positions: [Double], over base: Picture) -> Picture {
    let grid = links.geometry.patches
    guard positions.count == grid.count else { return base }
    let pixels = overlaid(
      base.pixels, width: base.width, height: base.height,
      colors: positions.map { $0.isFinite ? ColorMap.cividis.color($0) : nil }, columns: grid.columns, rows: grid.rows,
      opacity: 0.5)
    return Picture(width: base.width, height: base.height, pixels: pixels)
  }
}

extension InspectorState {
  /// Pixels a side of the magnified patches.
  private static let magnifiedSide = 96

  /// The cursor's patch with its eight neighbours, as they are in the picture; padding around it.
  var magnified: Picture? { magnified(cursor.patch, in: links.geometry.patches) }

  /// A cell of a grid over the square with its eight neighbours.
  func magnified(_ cell: GridPoint, in grid: GridSize) -> Picture? {
    guard let picture = picture ?? square else { return nil }
    let area = links.geometry.pixels(of: cell, in: grid)
    let (width, height) = (area.x.count, area.y.count)
    let side = min(Self.magnifiedSide, 3 * max(width, height))
    var pixels: [UInt8] = []
    pixels.reserveCapacity(side * side * 3)
    for y in 0..<side {
      let row = area.y.lowerBound - height + (2 * y + 1) * 3 * height / (2 * side)
      for x in 0..<side {
        let column = area.x.lowerBound - width + (2 * x + 1) * 3 * width / (2 * side)
        let color = picture.rgb(x: column, y: row) ?? InspectorState.padding
        pixels += [color.red, color.green, color.blue]
      }
    }
    return Picture(width: side, height: side, pixels: pixels)
  }

  /// The mean colour of CLIP's normalization, as LLaVA pads.
  static let padding: (red: UInt8, green: UInt8, blue: UInt8) = (122, 116, 104)
}

extension Picture {
  /// The picture with the borders of the patches darkened.
  fileprivate func withGrid(_ grid: GridSize) -> Picture {
    var pixels = pixels
    func darken(_ x: Int, _ y: Int) {
      for channel in 0..<3 { pixels[(y * width + x) * 3 + channel] /= 3 }
    }
    for row in 0..<grid.rows { for x in 0..<width { darken(x, row * height / grid.rows) } }
    for column in 0..<grid.columns { for y in 0..<height { darken(column * width / grid.columns, y) } }
    return Picture(width: width, height: height, pixels: pixels)
  }
}

extension PictureGeometry {
  /// The square that the model sees, reduced to at most `limit` pixels a side by the mean of up to 4×4 samples.
  func square(of picture: Picture, limit: Int, padding: (UInt8, UInt8, UInt8)) -> Picture {
    let size = max(1, min(limit, side))
    let taps = min(4, max(1, side / size))
    let (width, height) = (picture.width, picture.height)
    let extent = extent
    let (across, down) = (max(1, size * extent.width / side), max(1, size * extent.height / side))
    let pixels = [UInt8](unsafeUninitializedCapacity: across * down * 3) { output, count in
      picture.pixels.withUnsafeBufferPointer { input in
        for y in 0..<down {
          for x in 0..<across {
            var (red, green, blue) = (0, 0, 0)
            for tap in 0..<taps * taps {
              let column = ((x * taps + tap % taps) * 2 + 1) * extent.width / (2 * across * taps) - offsetX
              let row = ((y * taps + tap / taps) * 2 + 1) * extent.height / (2 * down * taps) - offsetY
              if column >= 0 && row >= 0 && column < width && row < height {
                let offset = (row * width + column) * 3
                red += Int(input[offset])
                green += Int(input[offset + 1])
                blue += Int(input[offset + 2])
              } else {
                red += Int(padding.0)
                green += Int(padding.1)
                blue += Int(padding.2)
              }
            }
            let offset = (y * across + x) * 3
            output[offset] = UInt8(red / (taps * taps))
            output[offset + 1] = UInt8(green / (taps * taps))
            output[offset + 2] = UInt8(blue / (taps * taps))
          }
        }
      }
      count = across * down * 3
    }
    return Picture(width: across, height: down, pixels: pixels)
  }
}
