import TerminalUI

/// Rows as lines of aligned columns, numbers to the right.
package enum TextTable {
  package static func lines(_ rows: [[String]]) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { $0.indices.contains(column) ? width($0[column]) : 0 }.max() ?? 0
    }
    let isNumber = (0..<columns).map { column in
      rows.dropFirst().allSatisfy { !$0.indices.contains(column) || $0[column].first?.isLetter != true }
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, text in
        let space = String(repeating: " ", count: widths[column] - width(text))
        if column == row.count - 1 && !isNumber[column] { return text }
        return isNumber[column] ? space + text : text + space
      }
      return "  " + cells.joined(separator: "  ")
    }
  }

  private static func width(_ text: String) -> Int { text.reduce(0) { $0 + displayWidth($1) } }
}
