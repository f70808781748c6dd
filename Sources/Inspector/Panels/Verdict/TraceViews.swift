import ColorMaps
import Evidence
import Foundation
import Statistics
import TerminalUI
import Trace

/// How the Verdict panel shows what is known.
package enum VerdictDisplay: String, Sendable, CaseIterable, Codable {
  /// A gauge a claim, controls, rules.
  case claims
  /// The paper's heat map.
  case figure = "heat map"
  /// What each token of the answer reads, and loses without the anchors.
  case answer = "from the answer back"
  /// Where the answer travels between two pictures.
  case trace = "causal trace"
  /// What can be read off codes, anchors and states.
  case probes
  /// What the anchors are worth in right answers.
  case accuracy = "accuracy without anchors"

  var next: VerdictDisplay {
    let all = VerdictDisplay.allCases
    return all[((all.firstIndex(of: self) ?? 0) + 1) % all.count]
  }
}

extension InspectorState {
  /// The tables of what was traced.
  var traceTables: [PanelReport.Table] { answerTables + causalTraceTables }

  private var answerTables: [PanelReport.Table] {
    guard let answerTrace else {
      let readings = statistics?.answerReadings ?? []
      guard !readings.isEmpty else { return [] }
      return [Self.readingTable([("first token", readings)])]
    }
    let names = answerTrace.tokens.first?.changes.map(\.name) ?? []
    let changes = PanelReport.Table(
      "from the answer back: changes of ln p in nats", columns: ["token", "probability"] + names,
      rows: answerTrace.tokens.map { token in
        [.text(token.text), .share(exp(token.logProbability))] + token.changes.map { .number($0.nats) }
      })
    return [changes, Self.readingTable(answerTrace.tokens.map { ($0.text, $0.readings) })]
  }

  private static func readingTable(_ tokens: [(String, [AnswerTrace.Reading])]) -> PanelReport.Table {
    PanelReport.Table(
      "from the answer back: attention of the row that predicts a token, means over heads",
      columns: ["token", "layer", "<voco>", "visual", "text", "answer so far"],
      rows: tokens.flatMap { text, readings in
        readings.enumerated().map { layer, reading in
          [
            .text(text), .integer(layer + 1), .share(reading.voco), .share(reading.visual), .share(reading.text),
            .share(reading.answer),
          ]
        }
      })
  }

  private var causalTraceTables: [PanelReport.Table] {
    guard let causalTrace, !causalTrace.cells.isEmpty else { return [] }
    return [("restoration", \CausalTrace.Cell.restoration), ("corruption", \.corruption)].map { name, value in
      PanelReport.Table(
        "causal trace, \(name): \(causalTrace.picture) and \(causalTrace.donor)",
        columns: ["into layer"] + causalTrace.segments.map(\.name),
        rows: causalTrace.cells.enumerated().map { layer, cells in
          [.integer(layer + 1)] + cells.map { .number($0[keyPath: value]) }
        })
    }
  }

  /// What the views beside the claims found, for the panel's title.
  var traceFinding: String? {
    switch view.verdictDisplay {
    case .claims, .figure: return nil
    case .probes: return probeFinding
    case .accuracy: return accuracyFinding
    case .answer:
      guard let first = answerTrace?.tokens.first, let cut = first.changes.first else { return "from the answer back" }
      return
        "“\(first.text)” \(Format.percent(exp(first.logProbability))), \(cut.name) \(Format.rounded(cut.nats, places: 2)) nat"
    case .trace:
      guard let causalTrace, let cells = causalTrace.cells.first else { return "causal trace" }
      let best = cells.indices.max { cells[$0].corruption < cells[$1].corruption } ?? 0
      return
        "most travels in by \(causalTrace.segments[best].name) (\(Format.rounded(cells[best].corruption, places: 2)) of the way)"
    }
  }
}

extension Canvas {
  /// Tokens of the answer by what they lose and by what they read, layer by layer.
  mutating func drawAnswerTrace(_ state: InspectorState, in rect: Rect) {
    guard let trace = state.answerTrace else {
      var room = rect
      room = room.dropping(top: paragraph(state.missingWords(.answerTrace), in: room, style: look.theme.dim) + 1)
      let readings = state.statistics?.answerReadings ?? []
      guard !readings.isEmpty else { return }
      return fill(room, with: readingBlocks([("first token", readings)]))
    }
    let donor = trace.donor.map { "; swapped in: the anchors of \($0)" } ?? ""
    let head =
      "“\(trace.prompt)”: what changes each token's ln p, in nats (random patches: mean of \(trace.draws) draws\(donor)), and what the row "
      + "that predicts it reads, means over heads."
    let room = rect.dropping(
      top: paragraph(head, in: rect.top(max(1, rect.height / 5)), style: look.theme.dim))
    // Columns are as wide as their names.
    let names = (trace.tokens.first?.changes ?? []).map { $0.name.replacing("as many random patches", with: "random") }
    let changes = trace.tokens.map { $0.changes.map(\.nats) }
    let largest = max(0.1, changes.joined().map(abs).max() ?? 0)
    let tokens = trace.tokens.map { "\($0.text) \(Format.percent(exp($0.logProbability)))" }
    let rowNames = tokens.map { displayWidth($0) }.max() ?? 0
    let width = names.reduce(rowNames + 2) { $0 + max(8, displayWidth($1)) + 2 }
    let least = Size(width: min(room.width, width), height: min(6, tokens.count + 2))
    let block = Block(least: least, most: tokens.count + 2) { canvas, rect in
      let matrix = ScoreMatrix(
        title: "change of ln p, nats", rowNames: tokens, columnNames: names,
        values: changes.map { $0.map(Optional.some) },
        texts: changes.map { $0.map { Format.rounded($0, places: 2) } }, scale: .linear(-largest...largest),
        map: .blueOrange)
      canvas.draw(matrix, in: rect)
    }
    fill(room, with: [block] + readingBlocks(trace.tokens.map { ($0.text, $0.readings) }))
  }

  /// Tokens × layers, shares of attention; a block for each kind of key that is read at all.
  private func readingBlocks(_ tokens: [(text: String, readings: [AnswerTrace.Reading])]) -> [Block] {
    let kinds: [(String, (AnswerTrace.Reading) -> Double)] = [
      ("<voco>", { $0.voco }), ("visual tokens", { $0.visual }), ("text", { $0.text }),
      ("the answer so far", { $0.answer }),
    ]
    return kinds.filter { kind in tokens.contains { $0.readings.contains { kind.1($0) > 0 } } }.map { name, share in
      Block(least: Size(width: 30, height: min(6, tokens.count + 2)), most: tokens.count + 2) { canvas, rect in
        let layers = tokens.map(\.readings.count).max() ?? 0
        let values = tokens.map { token in
          (0..<layers).map { token.readings.indices.contains($0) ? share(token.readings[$0]) : nil }
        }
        let matrix = ScoreMatrix(
          title: "attention on \(name), token × layer", rowNames: tokens.map(\.text),
          columnNames: (0..<layers).map { "L\($0 + 1)" }, values: values,
          texts: values.map { $0.map { $0.map(Format.percent) ?? "" } }, scale: .linear(0...1))
        canvas.draw(matrix, in: rect)
      }
    }
  }

  /// Restoration and corruption, layer × segment.
  mutating func drawCausalTrace(_ state: InspectorState, in rect: Rect) {
    guard let trace = state.causalTrace else {
      paragraph(state.missingWords(.causalTrace), in: rect, style: look.theme.dim)
      return
    }
    let common = trace.commonAnswer.isEmpty ? "" : " after “\(trace.commonAnswer)”"
    let pictures =
      "“\(shownPiece(trace.answers.own))” for \(trace.picture), “\(shownPiece(trace.answers.donor))” for \(trace.donor)\(common)"
    guard let scale = trace.scale else {
      paragraph(
        "\(pictures): the answer does not depend on which of the two it is, so there is nothing to trace.", in: rect)
      return
    }
    let head =
      "\(pictures). States are exchanged as they enter a layer, in one segment alone: shares of the "
      + (scale == .logitDifference ? "answers' logit difference" : "change of all logits") + ", 1 all of the way."
    let room = rect.dropping(
      top: paragraph(head, in: rect.top(max(1, rect.height / 4)), style: look.theme.dim))
    fill(
      room,
      with: [
        mapBlock(trace, "restoration: \(trace.picture)'s states in \(trace.donor)'s run", \.restoration, in: room),
        mapBlock(trace, "corruption: \(trace.donor)'s states in \(trace.picture)'s run", \.corruption, in: room),
      ])
  }

  private func mapBlock(
    _ trace: CausalTrace, _ title: String, _ value: KeyPath<CausalTrace.Cell, Double>, in room: Rect
  ) -> Block {
    let rows = trace.cells.count
    let columns = trace.segments.map { $0.name.replacing("patches, ", with: "") }
    // As wide as all segments, so that maps stand under each other rather than lose some.
    let width = columns.count * ((columns.map { displayWidth($0) }.max() ?? 0) + 2) + 10
    return Block(least: Size(width: min(width, room.width), height: min(rows + 2, 6)), most: rows + 3) { canvas, rect in
      let values = trace.cells.map { $0.map { Optional($0[keyPath: value]) } }
      let largest = max(1, values.joined().compactMap { $0.map(abs) }.max() ?? 1)
      let matrix = ScoreMatrix(
        title: title, rowNames: (0..<rows).map { "into L\($0 + 1)" }, columnNames: columns, values: values,
        texts: values.map { $0.map { $0.map { Format.rounded($0, places: 2) } ?? "" } },
        scale: .linear(-largest...largest), map: .blueOrange)
      canvas.draw(matrix, in: rect)
    }
  }
}
