package import ColorMaps

/// A screen's worth of cells, and where the caret stands; the output of `view`, the input of a backend.
package struct Frame: Sendable, Equatable {
  package let size: Size
  /// Row-major; `cells.count == size.width * size.height`.
  package internal(set) var cells: [Cell]
  /// Where a text field's caret is shown; `nil` hides it.
  package var caret: Point?
  /// Pictures that the terminal draws in pixels, the topmost last; each shows where cells are `Cell.picture`.
  package internal(set) var pictures: [PictureRegion] = []

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
      var line = String(
        (0..<size.width).map { self[$0, y].character }.filter { $0 != Cell.continuation.character }
          .map { $0 == Cell.picture.character ? "░" : $0 })
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}

/// A run of neighbouring cells in one row that differ from what the screen shows.
package struct FrameRun: Sendable, Hashable {
  package let x: Int
  package let y: Int
  package let cells: [Cell]
}

/// The runs of cells to draw so that a screen showing `old` shows `new`; everything when the size differs.
///
/// A run never starts on the right half of a wide character, nor ends on its left half.
package func frameDiff(from old: Frame?, to new: Frame) -> [FrameRun] {
  let width = new.size.width
  let old = old?.size == new.size ? old?.cells : nil
  var runs: [FrameRun] = []
  for y in 0..<max(0, new.size.height) {
    let row = y * width
    var x = 0
    while x < width {
      if let old, old[row + x] == new.cells[row + x] {
        x += 1
        continue
      }
      var start = x
      while start > 0 && isContinuation(new.cells[row + start]) { start -= 1 }
      var end = x + 1
      while end < width
        && (isContinuation(new.cells[row + end]) || old.map { $0[row + end] != new.cells[row + end] } ?? true)
      {
        end += 1
      }
      runs.append(FrameRun(x: start, y: y, cells: Array(new.cells[row + start..<row + end])))
      x = end
    }
  }
  return runs
}

private func isContinuation(_ cell: Cell) -> Bool { cell.character == Cell.continuation.character }

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

extension Frame {
  /// The rows with their colours and attributes as ANSI escape sequences (ECMA-48 SGR), each row ending in a reset: what
  /// `cat` shows as the screen showed it.
  package func ansi(_ depth: ColorDepth) -> String {
    (0..<size.height).map { y in
      var line = ""
      var current = "0"
      for x in 0..<size.width {
        let cell = self[x, y]
        guard cell.character != Cell.continuation.character else { continue }
        let wanted = cell.style.ansiParameters(depth)
        if wanted != current { line += "\u{1B}[\(wanted)m" }
        current = wanted
        line.append(cell.character == Cell.picture.character ? " " : cell.character)
      }
      return line + (current == "0" ? "" : "\u{1B}[0m") + "\n"
    }.joined()
  }
}

extension Style {
  /// Everything that sets this style from any other: `0;1;38;5;17`.
  fileprivate func ansiParameters(_ depth: ColorDepth) -> String {
    let marks: [(Attributes, String)] = [(.bold, "1"), (.dim, "2"), (.italic, "3"), (.underline, "4"), (.reverse, "7")]
    let set = marks.filter { attributes.contains($0.0) }.map(\.1)
    let colors = Self.parameters(depth.reduce(foreground), 30) + Self.parameters(depth.reduce(background), 40)
    return (["0"] + set + colors).joined(separator: ";")
  }

  /// - Parameter base: 30 for the foreground, 40 for the background.
  private static func parameters(_ color: TerminalColor, _ base: Int) -> [String] {
    switch color {
    case .terminal: []
    case .index(let index) where index < 8: ["\(base + Int(index))"]
    case .index(let index) where index < 16: ["\(base + 52 + Int(index))"]
    case .index(let index): ["\(base + 8);5;\(index)"]
    case .direct(let red, let green, let blue): ["\(base + 8);2;\(red);\(green);\(blue)"]
    }
  }
}
