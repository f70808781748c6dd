/// Parts of a page in Markdown (GitHub's tables).
package enum Markdown {
  /// A table of `rows` under `heading`; what would end a cell or a row in a text is written so that it does not.
  package static func table(_ heading: [String], _ rows: [[String]]) -> [String] {
    [row(heading.map(cell)), row(heading.map { _ in "---" })] + rows.map { row($0.map(cell)) }
  }

  /// Text as it may stand in a cell: a bar is escaped, a line's end is a space.
  package static func cell(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "|": result += "\\|"
      case "\n", "\r": result += " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
}
