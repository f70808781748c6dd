package import Evidence
import Reports
import Statistics
import Trace

/// A lens in words and as rows of a table.
package struct LensReport: Sendable {
  private let lens: Lens

  package init(_ lens: Lens) { self.lens = lens }

  /// The likeliest tokens of voco, anchors and the last prompt token by layer; of the patches, which tokens are likeliest
  /// most often.
  package var lines: [String] {
    let alone = lens.rows.filter { $0.place.kind != .patches }
    let tables = alone.flatMap { row -> [String] in
      let live = lens.liveStates(of: row.place.kind)
      let rows = row.states.enumerated().map { layer, guesses in
        [name(layer), layer < live ? "" : "read by nobody"]
          + guesses.map(\.words)
      }
      return [row.place.name] + TextTable(.each([])).lines(rows) + [""]
    }
    return ["lens: what states decode to through the final norm and the head, likeliest first", ""] + tables + patches
      + [
        "",
        "A lens shows what could be said from a state, not what is read of it; states that no answer depends on are marked.",
      ]
  }

  private var patches: [String] {
    let rows = lens.rows.filter { $0.place.kind == .patches }
    guard !rows.isEmpty else { return [] }
    let live = lens.liveStates(of: .patches)
    let table = (0...lens.layers).map { layer in
      let likeliest = rows.compactMap { $0.states[layer].first }
      let counts = Dictionary(grouping: likeliest, by: \.id).values
        .sorted { ($1.count, $0[0].id) < ($0.count, $1[0].id) }
      return [name(layer), layer < live ? "" : "read by nobody"]
        + counts.prefix(Lens.count).map { same in
          let probability = mean(same.map(\.probability)) ?? 0
          return "“\(same[0].text)” \(same.count)× \(Format.percent(probability))"
        }
    }
    return ["\(rows.count) patches: the likeliest token, how many have it, and its mean probability there"]
      + TextTable(.each([])).lines(table)
  }

  private func name(_ layer: Int) -> String { layer < lens.layers ? "into layer \(layer + 1)" : "after the last" }

  /// A row for each guess, under its heading.
  package var rows: [[String]] {
    [["position", "name", "layer", "read", "rank", "token", "piece", "probability"]]
      + lens.rows.flatMap { row in
        row.states.enumerated().flatMap { layer, guesses in
          guesses.enumerated().map { rank, guess in
            [
              "\(row.place.position)", row.place.name, "\(layer + 1)",
              "\(layer < lens.liveStates(of: row.place.kind))", "\(rank + 1)", "\(guess.id)", guess.piece,
              "\(guess.probability)",
            ]
          }
        }
      }
  }
}
