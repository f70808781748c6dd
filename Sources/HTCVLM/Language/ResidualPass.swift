package import Tensor
import Trace
import WeightFormats

/// Rows through all layers against each other's keys and values, under the mask's rules.
struct ResidualPass {
  let decoder: LlamaDecoder
  let layout: SequenceLayout
  /// The rotary position of each row.
  let positions: [Int]
  let answerRows: [Int]

  /// All rows, from their embeddings `[S, D]`.
  func run(_ embeddings: Tensor, check: () throws -> Void) throws -> ResidualRun {
    let rows = Array(0..<layout.length)
    let visible = visibleKeys(rows, without: [])
    var x = embeddings
    var states = [x]
    var layers: [KeyValues] = []
    var attention: [[Tensor]] = []
    for layer in decoder.layers {
      let normalized = layer.normalized(x)
      let own = layer.keyValues(normalized, positions: positions)
      layers.append(own)
      let queries = layer.queries(normalized, positions: positions)
      try check()
      let (mixed, weights) = decoder.shape.attend(queries, own, visible: visible, reporting: Set(answerRows))
      attention.append(answerRows.map { row in weights[row] ?? .zeros([decoder.shape.heads, layout.length]) })
      x = try layer.complete(x, attention: mixed, check: check)
      states.append(layers.count < decoder.layers.count ? x : decoder.normalized(x))
    }
    return ResidualRun(
      layout: layout, states: states, logits: try decoder.logits(gatherRows(states[layers.count], answerRows)),
      attention: attention, layers: layers, positions: positions, answerRows: answerRows)
  }

  /// The logits at the answer's rows; keys and values of rows that the edit cannot reach are the base's.
  func run(_ base: ResidualRun, after edit: ResidualEdit, check: () throws -> Void) throws -> Tensor {
    let rows = reached(edit)
    let visible = visibleKeys(rows, without: edit.cutKeys)
    let rowPositions = rows.map { positions[$0] }
    let places = Dictionary(uniqueKeysWithValues: rows.enumerated().map { ($0.element, $0.offset) })
    let first = edit.cutKeys.isEmpty ? edit.layer : 0
    var x = gatherRows(base.states[first], rows)
    for index in first..<decoder.layers.count {
      if index == edit.layer { x = replaced(x, edit, places) }
      let layer = decoder.layers[index]
      let normalized = layer.normalized(x)
      let own = layer.keyValues(normalized, positions: rowPositions)
      let all = base.layers[index].replacing(rows, by: own)
      let queries = layer.queries(normalized, positions: rowPositions)
      try check()
      let (mixed, _) = decoder.shape.attend(queries, all, visible: visible, reporting: [])
      x = try layer.complete(x, attention: mixed, check: check)
    }
    // Answer rows that nothing reached are as they were.
    let last = base.states[decoder.layers.count]
    let normalized = decoder.normalized(x)
    let answers = answerRows.map { row in
      places[row].map { normalized[rows: $0..<$0 + 1] } ?? last[rows: row..<row + 1]
    }
    return try decoder.logits(Tensor.concatenate(answers))
  }

  private func replaced(_ x: Tensor, _ edit: ResidualEdit, _ places: [Int: Int]) -> Tensor {
    guard !edit.rows.isEmpty else { return x }
    let width = x.shape[1]
    var values = x.values
    for (index, row) in edit.rows.enumerated() {
      guard let place = places[row] else { preconditionFailure("an edit reaches its own rows") }
      values.replaceSubrange(
        place * width..<(place + 1) * width, with: edit.states.values[index * width..<(index + 1) * width])
    }
    return Tensor(shape: x.shape, values: values)
  }

  /// Ascending rows that the edit can change: its own, those that see one of these, and voco where its edges are cut.
  private func reached(_ edit: ResidualEdit) -> [Int] {
    var isReached = [Bool](repeating: false, count: layout.length)
    for row in edit.rows { isReached[row] = true }
    if !edit.cutKeys.isEmpty {
      for row in layout.positions(of: .voco) { isReached[row] = true }
    }
    for row in 0..<layout.length where !isReached[row] {
      isReached[row] = (0..<row).contains { isReached[$0] && layout.rule.allows(row: row, column: $0) }
    }
    return isReached.indices.filter { isReached[$0] }
  }

  /// For each row the keys that it sees, `[rows][S]`.
  private func visibleKeys(_ rows: [Int], without cut: Set<Int>) -> [[Bool]] {
    rows.map { row in
      let isVoco = layout.kinds[row] == .voco
      return (0..<layout.length).map { key in
        layout.rule.allows(row: row, column: key) && !(isVoco && cut.contains(key))
      }
    }
  }
}

extension KeyValues {
  /// The same with other keys and values at some rows.
  fileprivate func replacing(_ rows: [Int], by other: KeyValues) -> KeyValues {
    let width = keys.shape[1]
    var (keyValues, valueValues) = (keys.values, values.values)
    for (index, row) in rows.enumerated() {
      let (target, source) = (row * width..<(row + 1) * width, index * width..<(index + 1) * width)
      keyValues.replaceSubrange(target, with: other.keys.values[source])
      valueValues.replaceSubrange(target, with: other.values.values[source])
    }
    return KeyValues(
      keys: Tensor(shape: keys.shape, values: keyValues), values: Tensor(shape: values.shape, values: valueValues))
  }
}

extension AttentionShape {
  /// Attention of rows to all keys `[S]` that `visible` allows them; weights `[heads, S]` of the `reporting` ones.
  fileprivate func attend(
    _ queries: Tensor, _ all: KeyValues, visible: [[Bool]], reporting: Set<Int>
  ) -> (mixed: Tensor, weights: [Int: Tensor]) {
    let (rows, keys) = (queries.shape[0], all.rows)
    var reported: [Int: [Float]] = [:]
    let mixed = (0..<heads).map { head in
      let keyColumns = keyColumns(head: head)
      let scores = matmul(
        queries.columns(columns(head: head)), all.keys.columns(keyColumns), transposeB: true, scale: scale)
      let masked = Tensor(shape: scores.shape) { output in
        scores.values.withUnsafeBufferPointer { input in
          for row in 0..<rows {
            let isVisible = visible[row]
            for key in 0..<keys { output[row * keys + key] = isVisible[key] ? input[row * keys + key] : -.infinity }
          }
        }
      }
      let weights = softmaxRows(masked)
      for row in reporting { reported[row, default: []] += weights[row: row].values }
      return matmul(weights, all.values.columns(keyColumns))
    }
    return (
      Tensor.concatenateColumns(mixed),
      reported.mapValues { Tensor(shape: [heads, keys], values: $0) }
    )
  }
}

/// One picture and one text through the decoder with every row's state kept: what the lens reads, and what a causal trace
/// puts from one picture into another.
///
/// All rows, visual and text, run together under the mask's rules; the answers of `HTCVLMModel.answer` take another path
/// to the same numbers. Holds S · D states and S · 2 · D_kv keys and values per layer in 32 bits: 0.6 GB and 1.3 GB at 7B.
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
