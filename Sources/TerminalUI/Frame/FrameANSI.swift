package import ColorMaps

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
