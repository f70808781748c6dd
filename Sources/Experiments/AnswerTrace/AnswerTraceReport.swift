package import Evidence
import Foundation
import Reports
import Statistics

/// What an answer's tokens read and lose, in words and as rows of a table.
package struct AnswerTraceReport: Sendable {
  private let trace: AnswerTrace

  package init(_ trace: AnswerTrace) { self.trace = trace }

  package var lines: [String] {
    let changes = trace.tokens.first?.changes.map(\.name) ?? []
    let table = trace.tokens.map { token in
      [shown(token), Format.percent(exp(token.logProbability))]
        + token.changes.map { Format.rounded($0.nats, places: 3) }
    }
    var lines =
      [
        "from the answer back to what it reads", "“\(trace.prompt)”", "",
        "tokens, their probability, and what changes its logarithm by how many nats",
      ]
      + TextTable(.trailingButFirst).lines([["token", "probability"] + changes] + table)
    if let donor = trace.donor { lines.append("  swapped: the anchors of \(donor)") }
    if !changes.isEmpty { lines.append("  random patches: means over \(trace.draws) draws") }
    let showsVisual = trace.tokens.contains { $0.readings.contains { $0.visual > 0 } }
    // A LLaVA has none to read.
    let showsVoco = trace.tokens.contains { $0.readings.contains { $0.voco > 0 } }
    let heading =
      ["token", "layer"] + (showsVoco ? ["<voco>"] : []) + (showsVisual ? ["visual"] : []) + ["text", "answer so far"]
    let readings = trace.tokens.flatMap { token in
      token.readings.enumerated().map { layer, reading in
        [layer == 0 ? shown(token) : "", "\(layer + 1)"] + (showsVoco ? [Format.percent(reading.voco)] : [])
          + (showsVisual ? [Format.percent(reading.visual)] : [])
          + [Format.percent(reading.text), Format.percent(reading.answer)]
      }
    }
    return lines + ["", "attention of the row that predicts a token, means over heads"]
      + TextTable(.trailingButFirst).lines([heading] + readings)
  }

  private func shown(_ token: AnswerTrace.Token) -> String { "“\(token.text)”" }

  /// A row for each number, under its heading.
  package var rows: [[String]] {
    [["token", "piece", "layer", "name", "value"]]
      + trace.tokens.enumerated().flatMap { index, token -> [[String]] in
        let head = ["\(index + 1)", token.piece]
        let readings = token.readings.enumerated().flatMap { layer, reading in
          [("voco", reading.voco), ("visual", reading.visual), ("text", reading.text), ("answer", reading.answer)].map {
            head + ["\(layer + 1)", "attention on \($0.0)", "\($0.1)"]
          }
        }
        return [head + ["", "log probability", "\(token.logProbability)"]]
          + token.changes.map { head + ["", $0.name, "\($0.nats)"] } + readings
      }
  }
}
