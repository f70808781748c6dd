import Foundation
import Statistics
import Tensor
import Tokenization
import Trace

/// The decoder's input up to the prompt, after the interventions on it.
struct DecoderInput: Sendable {
  /// Without the prompt's tokens.
  let layout: SequenceLayout
  /// `[layout.length, D]`.
  let embeddings: Tensor
  /// The rotary position of each row.
  let positions: [Int]

  init(
    order: [SegmentKind], parts: SequenceLayout.Parts, visualMask: VisualMask, edits: [InputEdit],
    anchors: Tensor,
    patches: Tensor, cls: Tensor?, embedding: StoredTensor
  ) throws(ModelError) {
    var order = order
    var visual: [SegmentKind: Tensor] = [.anchors: anchors, .patches: patches]
    visual[.cls] = cls
    for edit in edits {
      switch edit {
      case .order(let other): order = other
      case .anchors(let edited): try Self.replace(.anchors, in: &visual, with: edited.rows)
      case .patches(let edited): try Self.replace(.patches, in: &visual, with: edited.rows)
      case .noise(let kind, let scale, let seed):
        guard let rows = visual[kind] else {
          throw .intervention("noise goes on anchors or patches, not on \(kind.rawValue)")
        }
        visual[kind] = Self.noisy(rows, scale: scale, seed: seed)
      case .exchange: break
      }
    }
    layout = try SequenceLayout(order: order, parts: parts, visualMask: visualMask)
    embeddings = try Self.exchanged(Self.embed(layout, visual: visual, embedding: embedding), edits: edits)
    positions = Array(0..<layout.length)
  }

  private static func replace(
    _ kind: SegmentKind, in visual: inout [SegmentKind: Tensor], with rows: Tensor
  ) throws(ModelError) {
    let shape = visual[kind]?.shape ?? []
    guard rows.shape == shape else {
      throw .intervention("\(kind.rawValue) of shape \(rows.shape) replace vectors of shape \(shape)")
    }
    visual[kind] = rows
  }

  private static func exchanged(_ rows: Tensor, edits: [InputEdit]) throws(ModelError) -> Tensor {
    var order = Array(0..<rows.shape[0])
    for edit in edits {
      guard case .exchange(let first, let second) = edit else { continue }
      guard order.indices.contains(first), order.indices.contains(second) else {
        throw .intervention("positions \(first) and \(second) of a sequence of \(order.count)")
      }
      order.swapAt(first, second)
    }
    return order == Array(order.indices) ? rows : gatherRows(rows, order)
  }

  /// Rows in sequence order: gathered token embeddings and the visual vectors.
  private static func embed(
    _ layout: SequenceLayout, visual: [SegmentKind: Tensor], embedding: StoredTensor
  ) -> Tensor {
    let width = embedding.shape[1]
    let pieces = layout.spans.filter { $0.count > 0 }.map { span in
      visual[span.kind] ?? embedding.rows(layout.tokenIDs[span.range].map(Int.init))
    }
    return pieces.isEmpty ? .zeros([0, width]) : Tensor.concatenate(pieces)
  }

  /// Box–Muller noise, scaled to the standard deviation of all elements.
  private static func noisy(_ rows: Tensor, scale: Float, seed: UInt64) -> Tensor {
    let count = Double(max(rows.count, 1))
    let mean = rows.values.reduce(0.0) { $0 + Double($1) } / count
    let variance = rows.values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
    let deviation = variance.squareRoot() * Double(scale)
    var generator = SplitMix64(seed: seed)
    return Tensor(
      shape: rows.shape,
      values: rows.values.map { value in
        let radius = (-2 * log(1 - generator.unit())).squareRoot()
        return value + Float(deviation * radius * cos(2 * Double.pi * generator.unit()))
      })
  }
}

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
    embeddings =
      text.isEmpty
      ? input.embeddings
      : Tensor.concatenate([input.embeddings, model.decoder.embedding.rows(text.map(Int.init))])
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
