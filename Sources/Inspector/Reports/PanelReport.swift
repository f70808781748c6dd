import Evidence
import Foundation
import Reports
import Statistics
import TerminalUI

/// What a panel says, as values: the screen, `report` and exports are made from it.
package struct PanelReport: Sendable, Equatable, Encodable {
  /// A named value.
  package struct Fact: Sendable, Equatable, Encodable {
    package let name: String
    package let value: ReportValue
  }

  /// Rows under a heading.
  package struct Table: Sendable, Equatable, Encodable {
    package let title: String
    package let columns: [String]
    package let rows: [[ReportValue]]

    package init(_ title: String, columns: [String], rows: [[ReportValue]]) {
      precondition(rows.allSatisfy { $0.count == columns.count })
      self.title = title
      self.columns = columns
      self.rows = rows
    }
  }

  /// `image`, `attention`, …
  package let panel: String
  package let title: String
  package internal(set) var facts: [Fact] = []
  package internal(set) var tables: [Table] = []
  /// Formulae, rules and warnings, one sentence each.
  package internal(set) var notes: [String] = []

  init(_ panel: Panel, title: String? = nil) {
    self.panel = panel.name
    self.title = title ?? panel.title
  }

  mutating func add(_ name: String, _ value: ReportValue) { facts.append(Fact(name: name, value: value)) }

  mutating func add(_ name: String, _ text: String) { add(name, .text(text)) }

  /// The report without the tables of these titles.
  package func withoutTables(_ titles: Set<String>) -> PanelReport {
    var report = self
    report.tables.removeAll { titles.contains($0.title) }
    return report
  }

  package subscript(fact name: String) -> ReportValue? { facts.first { $0.name == name }?.value }
}

extension InspectorState {
  /// The panel's content as values; the same numbers as on screen.
  package func report(_ panel: Panel) -> PanelReport {
    switch panel {
    case .image: imageReport
    case .attention: attentionReport
    case .anchors: anchorsReport
    case .mask: maskReport
    case .verdict: verdictReport
    case .compression: compressionReport
    case .checkpoint: checkpointReport
    case .compare: compareReport
    }
  }

  /// All panels that have something to say.
  package var reports: [PanelReport] {
    Panel.allCases.filter { panel in
      switch panel {
      case .compression: compression.facts != nil
      case .checkpoint: checkpoint != nil
      case .compare: comparison != nil
      default: true
      }
    }.map(report)
  }

  func reportLineCount(_ panel: Panel) -> Int {
    ReportText.lines(report(panel), width: max(20, size.width)).count
  }
}

/// A value that screen and report write alike; in JSON numbers stay numbers.
package enum ReportValue: Sendable, Hashable {
  case text(String)
  case integer(Int)
  case number(Double)
  /// A fraction, written as a percentage and kept as a fraction in JSON and CSV.
  case share(Double)
  /// A ratio, written as ×8.2.
  case times(Double)
  /// How much more a key gets than a patch, in the words of `liftText`.
  case lift(Double)
  case flag(Bool)
  /// Undefined or not measured.
  case missing

  package init(number: Double?) { self = number.map(ReportValue.number) ?? .missing }

  package init(lift: Double?) { self = lift.map(ReportValue.lift) ?? .missing }

  package init(integer: Int?) { self = integer.map(ReportValue.integer) ?? .missing }

  /// As people read it.
  package var text: String {
    switch self {
    case .text(let text): text
    case .integer(let value): Format.integer(value)
    case .number(let value): Format.number(value)
    case .share(let value): Format.percent(value)
    case .times(let value): Format.times(value)
    case .lift(let value): liftText(value)
    case .flag(let value): value ? "true" : "false"
    case .missing: "–"
    }
  }

  /// As programs read it: full precision, no units; empty when missing.
  package var plain: String {
    switch self {
    case .text(let text): text
    case .integer(let value): String(value)
    case .number(let value), .share(let value), .times(let value), .lift(let value):
      value.isFinite ? String(value) : ""
    case .flag(let value): value ? "true" : "false"
    case .missing: ""
    }
  }
}

extension ReportValue: Encodable {
  /// A value that JSON has no number for is null.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let text): try container.encode(text)
    case .integer(let value): try container.encode(value)
    case .number(let value), .share(let value), .times(let value), .lift(let value):
      if value.isFinite { try container.encode(value) } else { try container.encodeNil() }
    case .flag(let value): try container.encode(value)
    case .missing: try container.encodeNil()
    }
  }
}

/// Reports as people and programs read them.
package enum ReportText {
  /// Facts aligned, tables under their titles, notes last; lines longer than `width` are wrapped between words, tables
  /// are not.
  package static func lines(_ report: PanelReport, width: Int) -> [String] {
    var lines = self.lines(report.facts, width: width)
    for table in report.tables {
      if !lines.isEmpty { lines.append("") }
      lines.append(table.title)
      lines += rows(of: table)
    }
    if !report.notes.isEmpty && !lines.isEmpty { lines.append("") }
    lines += report.notes.flatMap { wrapped($0, to: max(10, width)) }
    return lines
  }

  /// Facts alone, their values in one column; names take no more than half of the width.
  static func lines(_ facts: [PanelReport.Fact], width: Int) -> [String] {
    let nameWidth = min(facts.map { displayWidth($0.name) }.max() ?? 0, max(10, width / 2 - 1))
    let room = max(10, width - nameWidth - 2)
    return facts.flatMap { fact in
      let (names, values) = (wrapped(fact.name, to: nameWidth), wrapped(fact.value.text, to: room))
      return (0..<max(names.count, values.count)).map { row in
        TextTable.padded(row < names.count ? names[row] : "", to: nameWidth) + "  "
          + (row < values.count ? values[row] : "")
      }
    }
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
