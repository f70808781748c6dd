/// What a person did, as a backend reports it.
package enum InputEvent: Sendable, Hashable {
  case key(Key)
  case mouse(MouseEvent)
  case resize(Size)
  /// Text that arrived as one bracketed paste.
  case paste(String)
}

/// A key, after the terminal's escape sequences are decoded.
package enum Key: Sendable, Hashable {
  case character(Character)
  /// Control with a lower-case letter, as in Ctrl-L = `.control("l")`.
  case control(Character)
  case up, down, left, right, home, end, pageUp, pageDown
  case enter, escape, tab, backTab, backspace, delete, insert
  case function(Int)
}

extension Key: ExpressibleByExtendedGraphemeClusterLiteral {
  /// A key that writes this character.
  package init(extendedGraphemeClusterLiteral character: Character) { self = .character(character) }
}

/// A mouse event at a cell.
package struct MouseEvent: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    case press, release, drag, doubleClick, scrollUp, scrollDown
  }

  package var kind: Kind
  package var position: Point

  package init(_ kind: Kind, at position: Point) {
    self.kind = kind
    self.position = position
  }
}
