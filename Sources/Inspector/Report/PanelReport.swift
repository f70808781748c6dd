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
    case .compression: compression.report()
    case .checkpoint: checkpointReport
    }
  }

  /// All panels that have something to say.
  package var reports: [PanelReport] {
    Panel.allCases.filter { panel in
      switch panel {
      case .compression: compression.facts != nil
      case .checkpoint: checkpoint != nil
      default: true
      }
    }.map(report)
  }

  func reportLineCount(_ panel: Panel) -> Int {
    ReportText.lines(report(panel), width: max(20, size.width)).count
  }
}
