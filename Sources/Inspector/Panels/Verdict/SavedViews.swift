import ColorMaps
import Evidence
import Statistics
import TerminalUI

extension InspectorState {
  /// The probe that says most among those that something reads, for the panel's title.
  var probeFinding: String {
    guard let probes, let best = probes.results.filter(\.read).max(by: { $0.accuracy < $1.accuracy }) else {
      return "probes"
    }
    return "\(best.name) tells \(Format.percent(best.accuracy)) of labels, chance \(Format.percent(probes.chance))"
  }

  /// What the first intervention costs, for the panel's title.
  var accuracyFinding: String {
    guard let first = accuracy.first, let family = first.families.last else { return "accuracy without anchors" }
    return "\(first.intervention): \(Self.points(family.difference)) points"
  }

  var savedTables: [PanelReport.Table] {
    [probes.map(Self.probeTable), accuracy.isEmpty ? nil : accuracyTable].compactMap { $0 }
  }

  private static func probeTable(_ report: ProbeReport) -> PanelReport.Table {
    let rows = report.results.map { result -> [ReportValue] in
      [
        .text(result.name), .flag(result.read), .integer(result.dimension), .share(result.accuracy),
        .share(result.interval.low), .share(result.interval.high), .share(result.permutedMean),
        .number(result.pValue),
      ]
    }
    let chance: [ReportValue] = [
      .text("the commonest label"), .missing, .missing, .share(report.chance), .missing, .missing, .missing, .missing,
    ]
    return .init(
      "probes: which of \(report.labels.count) labels a linear map reads off, over \(report.pictures) pictures",
      columns: ["features", "read", "values", "right", "low", "high", "permuted", "p"], rows: rows + [chance])
  }

  private var accuracyTable: PanelReport.Table {
    .init(
      "accuracy under intervention",
      columns: ["intervention", "family", "n", "before", "after", "difference", "low", "high", "lost", "gained"],
      rows: accuracy.flatMap { change in
        change.families.map { family -> [ReportValue] in
          [
            .text(change.intervention), .text(family.name), .integer(family.count), .share(family.before),
            .share(family.after), .number(family.difference), .number(family.interval.low),
            .number(family.interval.high), .integer(family.lost), .integer(family.gained),
          ]
        }
      })
  }

  /// Percentage points with their sign.
  static func points(_ difference: Double) -> String {
    (difference > 0 ? "+" : "") + Format.rounded(100 * difference, places: 1)
  }

  /// How to get what a view lacks.
  static let probesMissing =
    "No probes were given: vocoscope probe DIR --format json > probes.json measures them on pictures with labels, and --evidence "
    + "probes.json shows them here."
  static let accuracyMissing =
    "No answers without the anchors were given: vocoscope eval --cut anchors --cut random:4 --swap anchors --format json > "
    + "accuracy.json counts them, and --evidence accuracy.json shows them here."
}

extension Canvas {
  /// What a linear map reads off each kind of feature, against the commonest label.
  mutating func drawProbes(_ state: InspectorState, in rect: Rect) {
    guard let report = state.probes else {
      paragraph(InspectorState.probesMissing, in: rect, style: look.theme.dim)
      return
    }
    let head =
      "Which of \(report.labels.count) labels a linear map reads off each, over \(report.pictures) pictures, each judged by the fit to "
      + "all others; line: the commonest label (\(Format.percent(report.chance))). A label that can be read is there; whether "
      + "the model uses it is another question."
    let room = rect.dropping(
      top: paragraph(head, in: rect.top(max(1, rect.height / 3)), style: look.theme.dim) + (rect.height >= 12 ? 1 : 0))
    let rows = report.results.map { result in
      Bars.Row(
        label: result.read ? result.name : "\(result.name) (read by nobody)", value: result.accuracy,
        text: "\(Format.percent(result.accuracy)) [\(Format.percent(result.interval.low)), "
          + "\(Format.percent(result.interval.high))], permuted \(Format.percent(result.permutedMean)), p "
          + significant(result.pValue))
    }
    draw(Bars(rows, scale: .linear(0...1), reference: report.chance), in: room)
  }

  /// What each intervention costs in right answers, a family a row.
  mutating func drawAccuracy(_ state: InspectorState, in rect: Rect) {
    guard let first = state.accuracy.first else {
      paragraph(InspectorState.accuracyMissing, in: rect, style: look.theme.dim)
      return
    }
    let head =
      "Right answers of \(first.uncut), and by how many percentage points an intervention changes them, question by question, with 95 % "
      + "intervals."
    let room = rect.dropping(
      top: paragraph(head, in: rect.top(max(1, rect.height / 4)), style: look.theme.dim) + (rect.height >= 12 ? 1 : 0))
    let families = first.families
    let cells = families.map { family in
      state.accuracy.map { change in change.families.first { $0.name == family.name } }
    }
    let values = cells.map { $0.map { $0?.difference } }
    let largest = max(0.1, values.joined().compactMap { $0.map(abs) }.max() ?? 0)
    let matrix = ScoreMatrix(
      rowNames: families.map { "\($0.name) \(Format.percent($0.before)) of \($0.count)" },
      columnNames: state.accuracy.map(\.intervention), values: values,
      texts: cells.map { row in
        row.map { family in
          family.map {
            "\(InspectorState.points($0.difference)) [\(InspectorState.points($0.interval.low)), "
              + "\(InspectorState.points($0.interval.high))]"
          } ?? Format.none
        }
      }, scale: .linear(-largest...largest), map: .blueOrange)
    draw(matrix, in: room)
  }
}
