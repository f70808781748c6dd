import Foundation
import TerminalUI

/// Comma-separated values after RFC 4180; the program's only writer of them.
package enum CSV {
  /// Rows of fields, each row ended by `lineEnd`.
  package static func text(_ rows: [[String]], lineEnd: String = "\n") -> String {
    rows.map { $0.map(field).joined(separator: ",") + lineEnd }.joined()
  }

  /// A field, quoted if it holds a comma, a quotation mark or a line's end; scalars decide, since Swift sees a carriage
  /// return and a line feed, or a comma with a mark on it, as one character.
  package static func field(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0 == "," || $0 == "\"" || $0 == "\n" || $0 == "\r" }) else {
      return text
    }
    var quoted = "\"".unicodeScalars
    for scalar in text.unicodeScalars {
      if scalar == "\"" { quoted.append(scalar) }
      quoted.append(scalar)
    }
    quoted.append("\"")
    return String(quoted)
  }
}

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

/// How a report is printed.
package enum ReportFormat: String, Sendable, CaseIterable { case text, json, csv }

/// A document that is written by its `Encodable` type: indented, keys in order, so that two runs compare line by line.
package func prettyJSON(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
}

/// Rows as lines of aligned columns; the program's only table of plain text.
///
/// Widths are columns of a terminal. No line ends with spaces.
package struct TextTable: Sendable {
  package enum Alignment: Sendable {
    case leading, trailing
  }

  /// Which columns stand at the right edge.
  package enum Columns: Sendable {
    /// All but the first: a name, then numbers.
    case trailingButFirst
    /// Those in which no row but the first, the heading, begins with a letter.
    case numbersTrailing
    case each([Alignment])
  }

  package var columns: Columns
  /// Spaces before a row, and between two columns.
  package var indent: Int
  package var gap: Int
  /// Whether all columns but the first are as wide as the widest of them, as in a matrix.
  package var isMatrix: Bool

  package init(_ columns: Columns = .numbersTrailing, indent: Int = 2, gap: Int = 2, isMatrix: Bool = false) {
    self.columns = columns
    self.indent = indent
    self.gap = gap
    self.isMatrix = isMatrix
  }

  package func lines(_ rows: [[String]]) -> [String] {
    let count = rows.map(\.count).max() ?? 0
    let widths = widths(rows, count)
    let alignments = alignments(rows, count)
    return rows.map { row in
      let cells = row.enumerated().map { Self.padded($0.element, to: widths[$0.offset], alignments[$0.offset]) }
      var line = Self.spaces(indent) + cells.joined(separator: Self.spaces(gap))
      while line.last == " " { line.removeLast() }
      return line
    }
  }

  private func widths(_ rows: [[String]], _ count: Int) -> [Int] {
    var widths = [Int](repeating: 0, count: count)
    for row in rows {
      for (column, text) in row.enumerated() { widths[column] = max(widths[column], displayWidth(text)) }
    }
    guard isMatrix, let widest = widths.dropFirst().max() else { return widths }
    return widths.prefix(1) + [Int](repeating: widest, count: count - 1)
  }

  private func alignments(_ rows: [[String]], _ count: Int) -> [Alignment] {
    switch columns {
    case .trailingButFirst: (0..<count).map { $0 == 0 ? .leading : .trailing }
    case .numbersTrailing:
      (0..<count).map { column in
        rows.dropFirst().allSatisfy { !$0.indices.contains(column) || $0[column].first?.isLetter != true }
          ? .trailing : .leading
      }
    case .each(let alignments):
      (0..<count).map { alignments.indices.contains($0) ? alignments[$0] : .leading }
    }
  }

  /// `text` and the spaces that fill `width` columns.
  package static func padded(_ text: String, to width: Int, _ alignment: Alignment = .leading) -> String {
    let padding = spaces(width - displayWidth(text))
    return alignment == .leading ? text + padding : padding + text
  }

  private static func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}
