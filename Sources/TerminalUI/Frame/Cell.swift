package import ColorMaps

/// Text attributes; on a monochrome terminal they are what is left of a style.
package struct Attributes: OptionSet, Sendable, Hashable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let bold = Attributes(rawValue: 1)
  package static let dim = Attributes(rawValue: 2)
  package static let underline = Attributes(rawValue: 4)
  package static let reverse = Attributes(rawValue: 8)
  package static let italic = Attributes(rawValue: 16)
}

/// How a cell is drawn.
package struct Style: Sendable, Hashable {
  package var foreground: Color
  package var background: Color
  package var attributes: Attributes

  package init(_ foreground: Color = .terminal, on background: Color = .terminal, _ attributes: Attributes = []) {
    self.foreground = foreground
    self.background = background
    self.attributes = attributes
  }

  package static let plain = Style()
}

/// One character cell of a frame.
///
/// A character two columns wide stands in its left cell; the right one holds `continuation`.
package struct Cell: Sendable, Hashable {
  package var character: Character
  package var style: Style

  package init(_ character: Character, _ style: Style = .plain) {
    self.character = character
    self.style = style
  }

  package static let blank = Cell(" ")
  /// The right half of a wide character.
  package static let continuation = Cell("\u{0}")
  /// A cell that one of the frame's pictures shows in; a blank where it is written as text.
  package static let picture = Cell("\u{1}")
}
