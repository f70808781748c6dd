import ColorMaps
import TerminalUI

extension VirtualTerminal {
  mutating func blank(_ y: Int, _ columns: Range<Int>) {
    for x in columns { screen[y][x] = blankGlyph }
  }

  mutating func scrollUp(_ count: Int) { scroll(region, by: count) }

  mutating func scrollDown(_ count: Int) { scroll(region, by: -count) }

  /// Moves rows up (down when negative) and fills with blank ones.
  mutating func scroll(_ rows: Range<Int>, by count: Int) {
    let empty = [Glyph](repeating: blankGlyph, count: size.width)
    let old = screen
    for y in rows {
      let (source, overflows) = y.addingReportingOverflow(count)
      screen[y] = !overflows && rows.contains(source) ? old[source] : empty
    }
  }

  mutating func insertCharacters(_ count: Int) {
    let row = screen[cursor.y]
    for x in cursor.x..<size.width {
      screen[cursor.y][x] = x - cursor.x >= count ? row[x - count] : blankGlyph
    }
  }

  mutating func deleteCharacters(_ count: Int) {
    let row = screen[cursor.y]
    for x in cursor.x..<size.width {
      screen[cursor.y][x] = count < size.width - x ? row[x + count] : blankGlyph
    }
  }
}

extension VirtualTerminal.Glyph {
  /// Select Graphic Rendition: attributes, the 16, 256 and direct colours.
  mutating func apply(_ parameters: [Int?]) {
    var rest = ArraySlice((parameters.isEmpty ? [0] : parameters).map { $0 ?? 0 })
    while let code = rest.popFirst() {
      switch code {
      case 0: self = Self()
      case 1: attributes.insert(.bold)
      case 2: attributes.insert(.dim)
      case 3: attributes.insert(.italic)
      case 4: attributes.insert(.underline)
      case 7: attributes.insert(.reverse)
      case 22: attributes.subtract([.bold, .dim])
      case 23: attributes.remove(.italic)
      case 24: attributes.remove(.underline)
      case 27: attributes.remove(.reverse)
      case 30...37: foreground = .index(UInt8(code - 30))
      case 38: foreground = Self.color(&rest) ?? foreground
      case 39: foreground = .terminal
      case 40...47: background = .index(UInt8(code - 40))
      case 48: background = Self.color(&rest) ?? background
      case 49: background = .terminal
      case 90...97: foreground = .index(UInt8(code - 82))
      case 100...107: background = .index(UInt8(code - 92))
      default: break
      }
    }
  }

  /// `5;n` a palette entry; `2;r;g;b` direct.
  private static func color(_ rest: inout ArraySlice<Int>) -> TerminalColor? {
    switch rest.popFirst() {
    case 5: return rest.popFirst().map { .index(UInt8(clamping: $0)) }
    case 2:
      guard rest.count >= 3, let r = rest.popFirst(), let g = rest.popFirst(), let b = rest.popFirst() else {
        return nil
      }
      return .direct(UInt8(clamping: r), UInt8(clamping: g), UInt8(clamping: b))
    default: return nil
    }
  }
}
