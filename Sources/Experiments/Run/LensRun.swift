package import Evidence
package import HTCVLM
import Reports
import Statistics
import Tensor
import Tokenization
import Trace

extension Lens {
  /// Decodes the states of every voco, anchor and patch of a compressed picture, and of the last prompt token.
  ///
  /// `onProgress` gets how many of the L + 1 states are decoded. Costs one traced run and, of each layer, a product of so many rows with the head: 4 TFLOP at 7B.
  package static func measure(
    _ model: HTCVLMModel, _ cache: VisualCache, prompt: String, run: RunContext = RunContext(),
    onProgress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws -> Lens {
    let residual = try model.residualRun(cache, text: model.tokenize(prompt), run: run)
    let kinds = residual.layout.kinds
    let shown = kinds.indices.filter { kinds[$0] == .voco || kinds[$0].isVisual } + residual.answerRows
    let places = LensPlace.all(shown.sorted(), kinds: kinds)
    var states: [[[TokenProbability]]] = places.map { _ in [] }
    for (layer, all) in residual.states.enumerated() {
      onProgress(layer, residual.states.count)
      // In parts, so that the logits of many rows over a large vocabulary are not all held at once.
      for start in stride(from: 0, to: places.count, by: 64) {
        let part = start..<min(start + 64, places.count)
        let rows = Tensor.concatenate(part.map { all[rows: places[$0].position..<places[$0].position + 1] })
        let logits = try model.lens(rows, isNormalized: layer == residual.layerCount)
        let guesses = Self.guesses(logits) { model.tokenizer.piece(Int32($0)) }
        for (place, guess) in zip(part, guesses) { states[place].append(guess) }
        if run.cancellation.isCancelled { throw CancellationError() }
      }
    }
    return Lens(
      layers: residual.layerCount, rows: zip(places, states).map { Row(place: $0, states: $1) },
      hasVoco: residual.layout.hasVoco)
  }
}

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
