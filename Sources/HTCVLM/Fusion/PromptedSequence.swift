import Foundation
import Tensor
import Tokenization
import Trace

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

/// How a checkpoint's prompts become tokens.
struct PromptEncoding: Sendable {
  /// The text before the picture, of a template with `<image>`.
  let beforePicture: [Int32]
  /// Of `TextEncoding.vocoLLaMA` and its legacy.
  let newlines: SequenceLayout.Newlines?
  /// The token behind the picture, where there is one, and how the text behind it is encoded.
  private let delimiter: (id: Int32, isLegacy: Bool)?
  /// The prompt's part of the template.
  private let template: PromptTemplate
  /// Whether it continues the text before the picture.
  private let isContinued: Bool

  /// Throws `ModelError.configuration` if the tokenizer has no newline where the sequence needs one.
  init(_ configuration: HTCVLMConfiguration, _ tokenizer: SentencePieceTokenizer) throws {
    let text = configuration.promptTemplate ?? PromptTemplate.vocoLLaMA
    let parts = text.components(splitAt: PromptTemplate.image)
    template = PromptTemplate(parts[parts.count - 1])
    let delimiters = configuration.pictureDelimiters
    beforePicture = (parts.count > 1 ? try tokenizer.encode(parts[0]) : []) + delimiters.prefix(1)
    delimiter = delimiters.last.map { ($0, configuration.textEncoding.isLegacy) }
    isContinued = configuration.textEncoding == .continued && !beforePicture.isEmpty
    switch configuration.textEncoding {
    case .whole, .continued, .delimited, .delimitedLegacy: newlines = nil
    case .vocoLLaMA, .vocoLLaMALegacy:
      let newline = try tokenizer.encode("\n")
      guard let byte = tokenizer.byteTokenID(0x0A), newline.last == byte else {
        throw ModelError.configuration(
          key: "text_encoding", found: configuration.textEncoding.rawValue,
          expected: "\"whole\": the tokenizer has no piece <0x0A>")
      }
      // Without the dummy prefix, `legacy: false` (transformers, `LlamaTokenizer.tokenize`).
      newlines = SequenceLayout.Newlines(
        before: newline, after: configuration.textEncoding.isLegacy ? newline : [byte])
    }
  }

  /// The tokens of `prompt` in its template, behind the picture or behind voco's newline.
  func tokens(_ prompt: String, _ tokenizer: SentencePieceTokenizer) throws(TokenizerError) -> [Int32] {
    guard let newlines else {
      let ids = try tokenizer.encode(template.fill(prompt), continuing: isContinued)
      guard let delimiter else { return ids }
      // `▁ <im_end> <0x0A> …` without legacy: the prefix is the whole text's, which begins with <im_end>.
      return delimiter.isLegacy ? [delimiter.id] + ids : ids.prefix(1) + [delimiter.id] + ids.dropFirst()
    }
    // VoCo-LLaMA takes newlines out of its prompts (`llava/eval/model_vqa_loader.py`), and encodes all behind voco as one
    // text.
    let line = String(String.UnicodeScalarView(prompt.unicodeScalars.filter { $0 != "\n" }))
    return Array(try tokenizer.encode("\n" + template.fill(line)).dropFirst(newlines.before.count))
  }
}

extension String {
  /// The text before and after the first `separator`; all of it where there is none.
  fileprivate func components(splitAt separator: String) -> [String] {
    guard let place = range(of: separator) else { return [self] }
    return [String(self[..<place.lowerBound]), String(self[place.upperBound...])]
  }
}
