import Tensor
import Trace
import WeightFormats

/// The whole decoder input: a picture's part and a prompt's tokens after it.
struct PromptedSequence: Sendable {
  let layout: SequenceLayout
  /// `[S, D]`.
  let embeddings: Tensor
  /// The rotary position of each row.
  let positions: [Int]
  /// Rows after the last voco that are computed, in order; the last is the last prompt token.
  let textRows: [Int]

  init(_ input: DecoderInput, text: [Int32], _ model: HTCVLMModel) throws(ModelError) {
    layout = try SequenceLayout(
      order: input.layout.spans.map(\.kind), parts: model.parts(text: text), visualMask: input.layout.visualMask)
    embeddings = Tensor.concatenate([input.embeddings, model.decoder.embedding.rows(text.map(Int.init))])
    positions = input.positions + (input.positions.count..<layout.length)
    textRows = layout.textRows
  }

  /// Weights `[heads, visible]` at the positions `columns`, spread over the whole sequence `[heads, S]`.
  func spread(_ weights: Tensor, columns: [Int]) -> Tensor {
    let (heads, visible, length) = (weights.shape[0], columns.count, layout.length)
    var values = [Float](repeating: 0, count: heads * length)
    for head in 0..<heads {
      for (index, column) in columns.enumerated() {
        values[head * length + column] = weights.values[head * visible + index]
      }
    }
    return Tensor(shape: [heads, length], values: values)
  }

  /// The sequence as the trace has it, with each position's text from `piece`.
  func trace(piece: (Int32) -> String) -> SequenceTrace {
    var anchor = 0
    let pieces = layout.kinds.indices.map { position -> String in
      switch layout.kinds[position] {
      case .anchors:
        anchor += 1
        return "A\(anchor)"
      case .patches: return "patch"
      case .cls: return "CLS"
      case .voco: return "<voco>"
      case .bos, .newline, .text: return piece(layout.tokenIDs[position])
      }
    }
    return SequenceTrace(
      spans: layout.spans, tokenIDs: layout.tokenIDs, pieces: pieces, embeddings: embeddings, mask: layout.mask)
  }
}
