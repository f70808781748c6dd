/// A screen's worth of cells, and where the caret stands; the output of `view`, the input of a backend.
package struct Frame: Sendable, Equatable {
  package let size: Size
  /// Row-major; `cells.count == size.width * size.height`.
  package internal(set) var cells: [Cell]
  /// Where a text field's caret is shown; `nil` hides it.
  package var caret: Point?

  package init(size: Size) {
    self.size = size
    cells = [Cell](repeating: .blank, count: max(0, size.width) * max(0, size.height))
  }

  package var bounds: Rect { Rect(size) }

  /// The cell at a position; writes outside the frame are dropped, reads give a blank.
  package subscript(x: Int, y: Int) -> Cell {
    get { bounds.contains(Point(x: x, y: y)) ? cells[y * size.width + x] : .blank }
    set { if bounds.contains(Point(x: x, y: y)) { cells[y * size.width + x] = newValue } }
  }

  /// The rows as text, without colour and without trailing spaces: what a snapshot of plain text holds.
  package var text: String {
    (0..<size.height).map { y in
      var line = String((0..<size.width).map { self[$0, y].character }.filter { $0 != "\u{0}" })
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}
