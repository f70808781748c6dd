import ColorMaps
package import Evidence
import Foundation
import Inspector
package import Plots
import Statistics
package import Trace

/// What states decode to: likeliest tokens by layer of voco, anchors and the last prompt token, and how sure patches are.
struct LensFigure {
  private let statistics: LensStatistics

  init(_ statistics: LensStatistics) { self.statistics = statistics }

  private var lens: Lens { statistics.lens }

  var figure: Figure {
    let states = lens.layers + 1
    return Figure(
      title: "What states decode to", columnWidths: [max(360, 90 * Double(statistics.named.count)), 420],
      rowHeights: [max(220, 60 + 26 * Double(states))], panels: [named, voco],
      notes: [
        "Likeliest tokens of the states that enter each layer, and after the last, through the final norm and the head; "
          + "colour: probability over the whole vocabulary. A lens shows what could be said from a state, not what is read of it; "
          + "no value is drawn behind states that nothing reads."
      ])
  }

  private var rowTicks: [ScaleTick] {
    let step = max(1, (lens.layers + 12) / 12)
    return stride(from: 0, through: lens.layers, by: step).map {
      ScaleTick(Double($0), $0 < lens.layers ? "\($0 + 1)" : "after")
    }
  }

  private func isRead(_ row: Lens.Row, _ state: Int) -> Bool { state < lens.liveStates(of: row.place.kind) }

  private var named: MatrixPlot? {
    guard !statistics.named.isEmpty else { return nil }
    let rows = (0...lens.layers).map { state in statistics.named.map { (row: $0, guess: $0.states[state].first) } }
    return MatrixPlot(
      title: "the likeliest token of each state",
      values: rows.enumerated().map { state, cells in
        cells.map { isRead($0.row, state) ? $0.guess?.probability : nil }
      }, rowTicks: rowTicks,
      columnTicks: statistics.named.enumerated().map { ScaleTick(Double($0.offset), $0.element.place.name) },
      rowLabel: "into layer", range: 0...1, measure: "probability",
      words: states(rows.map { $0.map { $0.guess?.text ?? "" } }))
  }

  private var voco: MatrixPlot? {
    guard let row = statistics.named.last(where: { $0.place.kind == .voco }) ?? statistics.named.last else {
      return nil
    }
    let ranks = 0..<Lens.count
    let guess = { (state: Int, rank: Int) in
      row.states[state].indices.contains(rank) ? row.states[state][rank] : nil
    }
    return MatrixPlot(
      title: "\(row.place.name): the five likeliest",
      values: row.states.indices.map { state in ranks.map { isRead(row, state) ? guess(state, $0)?.probability : nil }
      },
      rowTicks: rowTicks, columnTicks: ranks.map { ScaleTick(Double($0), "\($0 + 1)") }, rowLabel: "into layer",
      columnLabel: "rank", range: 0...1, measure: "probability",
      words: states(row.states.indices.map { state in ranks.map { guess(state, $0)?.text ?? "" } }))
  }

  /// Words where rows are high enough for them.
  private func states(_ words: [[String]]) -> [[String]] { words.count <= 40 ? words : [] }
}

/// From the answer back: what each token loses, and what it reads by layer.
struct AnswerTraceFigure {
  private let trace: AnswerTrace

  init(_ trace: AnswerTrace) { self.trace = trace }

  var figure: Figure {
    Figure(
      title: "From the answer back", columnWidths: [400, 300, 300],
      rowHeights: [max(260, 80 + 22 * Double(trace.tokens.count))],
      panels: [
        changes, map("attention on <voco>") { $0.voco }, map("on text and the answer so far") { $0.text + $0.answer },
      ],
      notes: [
        "“\(trace.prompt)”. Left: what becomes of each token's log-probability, in nats; random patches: mean over \(trace.draws) "
          + "draws"
          + (trace.donor.map { "; swapped in: the anchors of \($0)" } ?? "")
          + ". Right: the row that predicts the token, means over heads."
      ])
  }

  private var names: [String] { trace.tokens.enumerated().map { "\($0.offset + 1) \($0.element.text)" } }

  private var changes: Chart? {
    guard let first = trace.tokens.first, !first.changes.isEmpty else { return nil }
    let marks: [ChartMark] = first.changes.indices.map { index in
      .points(
        DataSeries(
          first.changes[index].name, color: .series(index),
          points: trace.tokens.enumerated().map { DataPoint(Double($0.offset), $0.element.changes[index].nats) }),
        radius: 4)
    }
    return Chart(
      title: "change of ln p", x: .categories(names), y: ChartAxis("nats"),
      marks: [.horizontalRule(0, name: "as likely as before")] + marks)
  }

  private func map(_ title: String, _ share: (AnswerTrace.Reading) -> Double) -> MatrixPlot? {
    guard let layers = trace.tokens.first?.readings.count, layers > 0 else { return nil }
    let step = max(1, (layers + 11) / 12)
    return MatrixPlot(
      title: title, values: trace.tokens.map { $0.readings.map(share) },
      rowTicks: names.enumerated().map { ScaleTick(Double($0.offset), $0.element) },
      columnTicks: stride(from: 0, to: layers, by: step).map { ScaleTick(Double($0), "\($0 + 1)") },
      columnLabel: "layer", range: 0...1, measure: "share",
      words: layers <= 8 ? trace.tokens.map { $0.readings.map { Format.rounded(share($0), places: 2) } } : [])
  }
}

/// The maps of a causal trace.
package struct CausalTraceFigure {
  private let trace: CausalTrace
  private let provenance: Provenance?

  /// - Parameter provenance: named in the caption, where the figure stands alone.
  package init(_ trace: CausalTrace, provenance: Provenance? = nil) {
    self.trace = trace
    self.provenance = provenance
  }

  package var figure: Figure {
    let panels: [(any FigurePanel)?] =
      trace.cells.isEmpty
      ? [nil, nil]
      : [
        map("Restoration: \(trace.picture)'s states in \(trace.donor)'s run", \.restoration),
        map("Corruption: \(trace.donor)'s states in \(trace.picture)'s run", \.corruption),
      ]
    let common = trace.commonAnswer.isEmpty ? "" : " after “\(trace.commonAnswer)”"
    let scale = trace.scale.map {
      "share of the answers' \($0 == .logitDifference ? "logit difference" : "change of logits")"
    }
    let source = provenance.map {
      "\($0.modelName), weights \($0.weightsSHA256.prefix(12)), pictures \($0.imageSHA256.prefix(12)), vocoscope \($0.version)"
    }
    return Figure(
      title: "Where the answer travels", columnWidths: [520, 520], rowHeights: [330], panels: panels,
      notes: [
        "“\(trace.prompt)”: “\(shownPiece(trace.answers.own))” for \(trace.picture), “\(shownPiece(trace.answers.donor))” for \(trace.donor)\(common). "
          + "States are exchanged as they enter a layer, in one segment alone; "
          + (scale ?? "the answer does not depend on which picture it is") + "."
      ] + [source].compactMap { $0 })
  }

  private func map(_ title: String, _ value: (CausalTrace.Cell) -> Double) -> MatrixPlot {
    let values = trace.cells.map { $0.map { Optional(value($0)) } }
    let largest = max(1, values.joined().compactMap { $0.map(abs) }.max() ?? 1)
    let step = max(1, (values.count + 11) / 12)
    return MatrixPlot(
      title: title, values: values,
      rowTicks: stride(from: 0, to: values.count, by: step).map { ScaleTick(Double($0), "\($0 + 1)") },
      columnTicks: trace.segments.enumerated().map { ScaleTick(Double($0.offset), $0.element.name) },
      rowLabel: "into layer", columnLabel: "", range: -largest...largest, map: .blueOrange, measure: "share",
      words: values.count <= 12 ? values.map { $0.map { Format.rounded($0, places: 2) } } : [])
  }
}

/// Which label can be read off what: accuracies with their intervals, over what permuted labels give.
package struct ProbeFigure {
  private let report: ProbeReport
  private let source: String?

  /// - Parameter source: model and weights, for the caption of a figure that stands alone.
  package init(_ report: ProbeReport, source: String? = nil) { (self.report, self.source) = (report, source) }

  package var figure: Figure {
    let results = report.results.enumerated()
    let points = results.map {
      DataPoint(
        Double($0.offset), $0.element.accuracy, low: $0.element.interval.low, high: $0.element.interval.high)
    }
    let permuted = results.map {
      DataPoint(
        Double($0.offset) + 0.2, $0.element.permutedMean, low: $0.element.permutedRange.low,
        high: $0.element.permutedRange.high)
    }
    return Figure(
      title: "Which label can be read off what", columnWidths: [max(480, 70 * Double(report.results.count))],
      rowHeights: [340],
      panels: [
        Chart(
          title: "leave-one-out ridge probes",
          x: .categories(report.results.map { $0.read ? $0.name : $0.name + " *" }),
          y: ChartAxis("right", range: 0...1.02),
          marks: [
            .points(DataSeries("right, 95 %", color: .series(0), points: points), radius: 4),
            .points(DataSeries("permuted labels, 95 %", color: .series(5), points: permuted), radius: 3),
            .horizontalRule(report.chance, name: "the commonest label", color: .ink),
          ])
      ],
      notes: [
        "\(report.pictures) pictures, \(report.labels.count) labels, \(report.permutations) permutations, seed "
          + "\(report.seed). * read by nobody. A label that can be read is there; that the model uses it is another question."
      ] + [source].compactMap { $0 })
  }
}

/// What interventions cost in right answers, a family of questions each.
package struct AccuracyFigure {
  private let changes: [AccuracyChange]
  private let source: String?

  /// - Parameters:
  ///   - changes: at least one.
  ///   - source: models, weights and questions, for the caption of a figure that stands alone.
  package init(_ changes: [AccuracyChange], source: String? = nil) {
    precondition(!changes.isEmpty)
    (self.changes, self.source) = (changes, source)
  }

  package var figure: Figure {
    let names = changes.reduce(into: [String]()) { names, change in
      for family in change.families where !names.contains(family.name) { names.append(family.name) }
    }
    let series = changes.enumerated().map { number, change -> ChartMark in
      let points = change.families.compactMap { family -> DataPoint? in
        guard let place = names.firstIndex(of: family.name) else { return nil }
        let shift = (Double(number) - Double(changes.count - 1) / 2) * min(0.2, 0.8 / Double(changes.count))
        return DataPoint(
          Double(place) + shift, 100 * family.difference, low: 100 * family.interval.low,
          high: 100 * family.interval.high)
      }
      let name = Set(changes.map(\.uncut)).count > 1 ? change.model : change.intervention
      return .points(DataSeries(name, color: .series(number), points: points), radius: 4)
    }
    return Figure(
      title: "What the anchors are worth in right answers",
      columnWidths: [max(480, 90 * Double(names.count) + 120)], rowHeights: [340],
      panels: [
        Chart(
          title: "change of right answers", x: .categories(names), y: ChartAxis("percentage points"),
          marks: [.horizontalRule(0, name: "as without it")] + series)
      ],
      notes: [
        "Each intervention beside the same model without it, question by question, 95 % intervals. "
          + (changes[0].families.last.map { "n = \($0.count) questions. " } ?? "") + "Uncut: "
          + changes[0].families.map { "\($0.name) \(Format.percent($0.before))" }.joined(separator: ", ") + "."
      ] + [source].compactMap { $0 })
  }
}
