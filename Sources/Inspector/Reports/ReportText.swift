import Foundation
import Reports
import TerminalUI

/// Reports as people and programs read them.
package enum ReportText {
  /// Facts aligned, tables under their titles, notes last; lines longer than `width` are wrapped between words, tables
  /// are not.
  package static func lines(_ report: PanelReport, width: Int) -> [String] {
    var lines: [String] = []
    let nameWidth = report.facts.map { displayWidth($0.name) }.max() ?? 0
    for fact in report.facts {
      let room = max(10, width - nameWidth - 2)
      for (index, part) in wrapped(fact.value.text, to: room).enumerated() {
        lines.append(TextTable.padded(index == 0 ? fact.name : "", to: nameWidth) + "  " + part)
      }
    }
    for table in report.tables {
      if !lines.isEmpty { lines.append("") }
      lines.append(table.title)
      lines += rows(of: table)
    }
    if !report.notes.isEmpty && !lines.isEmpty { lines.append("") }
    lines += report.notes.flatMap { wrapped($0, to: max(10, width)) }
    return lines
  }

  /// All reports one under another, each under its title.
  package static func text(_ reports: [PanelReport], width: Int = 100) -> String {
    reports.map { report in
      "\(report.title)\n\(String(repeating: "=", count: displayWidth(report.title)))\n"
        + lines(report, width: width).joined(separator: "\n")
    }.joined(separator: "\n\n") + "\n"
  }

  /// One object with a `panels` array; keys sorted, so that equal reports are equal bytes.
  package static func json(_ reports: [PanelReport]) -> String {
    struct Document: Encodable {
      let panels: [PanelReport]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(Document(panels: reports)) else {
      preconditionFailure("every report value has a JSON form")
    }
    return String(decoding: data, as: UTF8.self) + "\n"
  }

  /// One rectangular table for everything (RFC 4180): `panel,table,row,field,value`, rows counted from 1.
  package static func csv(_ reports: [PanelReport]) -> String {
    var rows = [["panel", "table", "row", "field", "value"]]
    for report in reports {
      for fact in report.facts { rows.append([report.panel, "facts", "1", fact.name, fact.value.plain]) }
      for table in report.tables {
        for (index, row) in table.rows.enumerated() {
          rows += zip(table.columns, row).map { [report.panel, table.title, String(index + 1), $0, $1.plain] }
        }
      }
      rows += report.notes.enumerated().map { [report.panel, "notes", String($0.offset + 1), "note", $0.element] }
    }
    return CSV.text(rows, lineEnd: "\r\n")
  }

  private static func rows(of table: PanelReport.Table) -> [String] {
    let alignments = table.columns.indices.map { column in
      table.rows.allSatisfy { if case .text = $0[column] { false } else { true } }
        ? TextTable.Alignment.trailing : .leading
    }
    return TextTable(.each(alignments)).lines([table.columns] + table.rows.map { $0.map(\.text) })
  }
}

extension InspectorState {
  /// The file that an export of the focused panel writes.
  package func exportFile(_ format: ExportFormat) -> ExportFile {
    let stem = imageName.split(separator: ".").first.map(String.init) ?? "picture"
    let subject = format == .frame || format == .ansi ? "screen" : focus.name
    return ExportFile(name: "\(stem)-\(subject).\(format.fileExtension)", panel: focus, format: format)
  }
}
