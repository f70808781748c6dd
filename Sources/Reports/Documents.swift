import Foundation

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
