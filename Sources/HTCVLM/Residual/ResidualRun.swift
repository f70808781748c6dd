package import Tensor
import Trace
import WeightFormats

/// One picture and one text through the decoder with every row's state kept: what the lens reads, and what a causal trace
/// puts from one picture into another.
///
/// All rows, visual and text, run together under the mask's rules; the answers of `HTCVLMModel.answer` take another path
/// to the same numbers. Holds S · D states and S · 2 · D_kv keys and values a layer in 32 bits: 0.6 GB and 1.3 GB at 7B.
package struct ResidualRun: Sendable {
  package let layout: SequenceLayout
  /// `[S, D]`, entering each layer; the last of L + 1 is after the final norm.
  package let states: [Tensor]
  /// `[n, vocab]` at each of the answer's rows: the last prompt token and the tokens after it but the last.
  package let logits: Tensor
  /// `[heads, S]` for each answer row, by layer: `[L][n]`.
  package let attention: [[Tensor]]
  let layers: [KeyValues]
  /// The rotary position of each row.
  let positions: [Int]

  /// Rows that predict the answer's tokens.
  package let answerRows: [Int]
  package var layerCount: Int { layers.count }
}

/// What a run computes anew when something was put into it.
package struct ResidualEdit: Sendable {
  /// The layer that these states enter, from 0.
  package var layer: Int
  /// Rows whose states are replaced, and by what: `[rows, D]`.
  package var rows: [Int]
  package var states: Tensor
  /// Keys that voco does not see, in any layer.
  package var cutKeys: Set<Int>

  package init(layer: Int = 0, rows: [Int] = [], states: Tensor, cutKeys: Set<Int> = []) {
    self.layer = layer
    self.rows = rows
    self.states = states
    self.cutKeys = cutKeys
  }

  /// Other states in the place of some rows', as they enter a layer: those of another run at the same rows.
  package static func states(of other: ResidualRun, rows: [Int], layer: Int) -> ResidualEdit {
    ResidualEdit(layer: layer, rows: rows, states: gatherRows(other.states[layer], rows))
  }

  /// voco without its edges to `keys`.
  package static func cut(_ keys: Set<Int>, in run: ResidualRun) -> ResidualEdit {
    ResidualEdit(states: .zeros([0, run.states[0].shape[1]]), cutKeys: keys)
  }
}

extension HTCVLMModel {
  /// Runs a compressed picture's input with `text`, a tokenised prompt, and the first tokens of an answer after it.
  ///
  /// Throws `ModelError.promptTooLong`, and `CancellationError` between layers.
  package func residualRun(
    _ cache: VisualCache, text: [Int32], answer: [Int32] = [], run: RunContext = RunContext()
  ) throws -> ResidualRun {
    let sequence = try PromptedSequence(cache.input, text: text + answer, self)
    let pass = ResidualPass(
      decoder: decoder, layout: sequence.layout, positions: sequence.positions,
      answerRows: Array(sequence.layout.length - answer.count - 1..<sequence.layout.length))
    return try pass.run(sequence.embeddings, check: run.checkCancellation)
  }

  /// The logits `[n, vocab]` at the answer's rows of `base` after an edit: only rows that the edit can reach run again.
  package func logits(
    of base: ResidualRun, after edit: ResidualEdit, run: RunContext = RunContext()
  ) throws -> Tensor {
    let pass = ResidualPass(
      decoder: decoder, layout: base.layout, positions: base.positions, answerRows: base.answerRows)
    return try pass.run(base, after: edit, check: run.checkCancellation)
  }

  /// What a state `[n, D]` would predict, `[n, vocab]`: the final norm and the head on it, as on the last layer's
  /// (nostalgebraist 2020). The states after the last layer have had their norm.
  /// Throws `ModelError.notFinite`.
  package func lens(_ states: Tensor, isNormalized: Bool) throws(ModelError) -> Tensor {
    try decoder.logits(isNormalized ? states : decoder.normalized(states))
  }
}
