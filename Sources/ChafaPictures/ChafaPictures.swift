import CChafa
import ColorMaps
package import TerminalUI

/// Which characters libchafa may draw a picture with.
package enum PictureSymbols: String, Sendable, Hashable, CaseIterable {
  case halfBlocks = "half"
  case quadrants = "quadrants"
  case sextants = "sextants"
  case ascii = "ascii"
}

extension PictureRenderer {
  /// Pictures by libchafa, which picks for each cell the symbol and the two colours nearest to it.
  ///
  /// Where characters beyond ASCII cannot be shown, the symbols are ASCII whatever was asked for.
  package static func chafa(_ asked: PictureSymbols = .halfBlocks, _ look: Appearance) -> PictureRenderer {
    let symbols = look.glyphs.isUnicode ? asked : .ascii
    return PictureRenderer(name: "libchafa, \(symbols.rawValue)") { rgb, width, height, cells in
      guard cells.width > 0 && cells.height > 0 else { return [] }
      precondition(width > 0 && height > 0, "a picture has pixels")
      precondition(rgb.count == width * height * 3, "RGB pixels fill the picture")
      // libchafa samples 8×8 pixels per cell and its own scaler drifts by parts of a cell; given these it has no need to.
      let (columns, rows) = (cells.width * 8, cells.height * 8)
      let samples = boxFiltered(rgb, width: width, height: height, toWidth: columns, toHeight: rows)
      let count = cells.width * cells.height
      let drawn = [cchafa_cell](unsafeUninitializedCapacity: count) { buffer, filled in
        cchafa_draw(
          samples, Int32(columns), Int32(rows), Int32(cells.width), Int32(cells.height), symbols.code, look.depth.code,
          buffer.baseAddress)
        filled = count
      }
      return drawn.map { cell($0, look) }
    }
  }
}

/// RGB pixels `[height, width, 3]` as DEC's sixels, by libchafa.
package func sixel(_ pixels: [UInt8], width: Int, height: Int) -> [UInt8] {
  precondition(pixels.count == width * height * 3 && width > 0 && height > 0, "RGB pixels fill the picture")
  var length = 0
  guard let text = cchafa_sixel(pixels, Int32(width), Int32(height), &length) else { return [] }
  defer { cchafa_free(text) }
  return [UInt8](UnsafeRawBufferPointer(start: text, count: length))
}

private func cell(_ drawn: cchafa_cell, _ look: Appearance) -> Cell {
  let character = Unicode.Scalar(drawn.character).map(Character.init) ?? " "
  if look.depth == .mono { return Cell(character, look.theme.text) }
  return Cell(character, Style(color(drawn.foreground), on: color(drawn.background)))
}

private func color(_ packed: Int32) -> Color { packed < 0 ? .terminal : Color(hex: UInt32(packed)) }

extension PictureSymbols {
  fileprivate var code: cchafa_symbols {
    switch self {
    case .halfBlocks: CCHAFA_HALF_BLOCKS
    case .quadrants: CCHAFA_QUADRANTS
    case .sextants: CCHAFA_SEXTANTS
    case .ascii: CCHAFA_ASCII
    }
  }
}

extension ColorDepth {
  fileprivate var code: cchafa_colors {
    switch self {
    case .trueColor: CCHAFA_TRUECOLOR
    case .palette256: CCHAFA_PALETTE_256
    case .ansi16: CCHAFA_PALETTE_16
    case .mono: CCHAFA_MONO
    }
  }
}
