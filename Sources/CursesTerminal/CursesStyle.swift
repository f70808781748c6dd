package import ColorMaps
package import TerminalUI

/// A style as ncurses numbers it: colours of the terminal's own table, -1 for its default.
package struct CursesStyle: Sendable, Hashable {
  package let foreground: Int32
  package let background: Int32
  package let attributes: Attributes

  /// - Parameter colors: the terminal's number of colours; `1 << 24` for direct colour.
  package init(_ style: Style, depth: ColorDepth, colors: Int) {
    var attributes = style.attributes
    let bright = Self.number(depth.reduce(style.foreground), colors: colors)
    if colors == 8 && bright >= 8 { attributes.insert(.bold) }
    foreground = colors == 8 && bright >= 8 ? bright - 8 : bright
    let back = Self.number(depth.reduce(style.background), colors: colors)
    background = colors == 8 && back >= 8 ? back - 8 : back
    self.attributes = attributes
  }

  private static func number(_ color: TerminalColor, colors: Int) -> Int32 {
    switch color {
    case .terminal: return -1
    case .index(let index):
      guard colors >= 1 << 24, case .rgb(let r, let g, let b) = paletteColor(index) else { return Int32(index) }
      return direct(r, g, b)
    case .direct(let r, let g, let b): return direct(r, g, b)
    }
  }

  /// `0xRRGGBB`. Direct-colour terminfo entries keep 0–7 for the palette, so the darkest blues become one step of grey.
  private static func direct(_ r: UInt8, _ g: UInt8, _ b: UInt8) -> Int32 {
    let value = Int32(r) << 16 | Int32(g) << 8 | Int32(b)
    return value < 8 ? (value < 4 ? 0x010101 : 0x000008) : value
  }
}
