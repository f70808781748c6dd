package import Evidence
import Reports
import Statistics

/// A causal trace in words and as rows of a table.
package struct CausalTraceReport: Sendable {
  private let trace: CausalTrace

  package init(_ trace: CausalTrace) { self.trace = trace }

  package var lines: [String] {
    let common = trace.commonAnswer.isEmpty ? "" : " after “\(trace.commonAnswer)”"
    let head =
      "causal trace: \(trace.picture) (“\(shownPiece(trace.answers.own))”) and \(trace.donor) (“\(shownPiece(trace.answers.donor))”)\(common)"
    guard let scale = trace.scale else {
      return [head, "The answer does not depend on which of the two pictures it is: there is nothing to trace."]
    }
    let measure =
      scale == .logitDifference
      ? "the difference of the two answers' logits"
      : "the change of all logits, because the answers are equal or their logits hardly differ"
    return [head, "Shares of \(measure); states are exchanged as they enter a layer, in one segment alone.", ""]
      + table("restoration: \(trace.picture)'s states in \(trace.donor)'s run, 1 brings its answer back", \.restoration)
      + [""]
      + table(
        "corruption: \(trace.donor)'s states in \(trace.picture)'s run, 1 brings \(trace.donor)'s answer", \.corruption)
      + [
        "",
        "One pair of pictures shows where an answer can travel; that it does so in general takes many (vocoscope verify).",
      ]
  }

  private func table(_ title: String, _ value: (CausalTrace.Cell) -> Double) -> [String] {
    let rows = trace.cells.enumerated().map { layer, cells in
      ["into layer \(layer + 1)"] + cells.map { Format.rounded(value($0), places: 3) }
    }
    return [title] + TextTable(.trailingButFirst).lines([[""] + trace.segments.map(\.name)] + rows)
  }

  /// A row for each layer and segment, under its heading.
  package var rows: [[String]] {
    [["layer", "segment", "positions", "restoration", "corruption", "scale"]]
      + trace.cells.enumerated().flatMap { layer, cells in
        zip(trace.segments, cells).map { segment, cell in
          [
            "\(layer + 1)", segment.name, "\(segment.rows.count)", "\(cell.restoration)", "\(cell.corruption)",
            trace.scale?.rawValue ?? "",
          ]
        }
      }
  }
}
