package import Evidence
package import HTCVLM
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
    var states: [[[Guess]]] = places.map { _ in [] }
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
