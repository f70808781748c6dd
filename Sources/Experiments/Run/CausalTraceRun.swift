package import Evidence
package import HTCVLM
import Reports
import Statistics
import Tensor
import Tokenization
import Trace

/// A causal trace between two pictures: 2 · L · segments partial runs of the decoder, of which each computes only the
/// rows that the exchanged states can reach.
package struct CausalTraceRun: Sendable {
  private let model: HTCVLMModel
  private let prompt: String
  private let run: RunContext

  /// A compressed picture with its name.
  package typealias NamedPicture = (name: String, cache: VisualCache)

  package init(_ model: HTCVLMModel, prompt: String, run: RunContext = RunContext()) {
    self.model = model
    self.prompt = prompt
    self.run = run
  }

  /// Answers are compared over so many tokens.
  private static let answerTokens = 16

  /// - Parameter onProgress: how many of all partial runs are done.
  package func trace(
    _ picture: NamedPicture, donor: NamedPicture, onProgress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws -> CausalTrace {
    let text = try model.tokenize(prompt)
    let (own, theirs) = (try answer(picture.cache), try answer(donor.cache))
    // Read where the greedy answers part; where they do not, at the first token.
    let place = zip(own, theirs).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? 0
    let common = Array(own[..<place])
    let (a, b) = (
      try model.residualRun(picture.cache, text: text, answer: common, run: run),
      try model.residualRun(donor.cache, text: text, answer: common, run: run)
    )
    let answers = (from: Int(own[place]), to: Int(theirs[place]))
    let (before, after) = (last(a.logits), last(b.logits))
    let scale = CausalScale.between(before, after, answers: answers)
    let segments = TraceSegment.all(a.layout.kinds)
    let total = scale == nil ? 0 : a.layerCount * segments.count
    var cells: [[CausalTrace.Cell]] = []
    if let scale {
      for layer in 0..<a.layerCount {
        var row: [CausalTrace.Cell] = []
        for segment in segments {
          onProgress(layer * segments.count + row.count, total)
          let restored = try logits(b, a, segment, layer)
          let corrupted = try logits(a, b, segment, layer)
          row.append(
            CausalTrace.Cell(
              restoration: scale.share(restored, from: after, to: before, answers: (answers.to, answers.from)),
              corruption: scale.share(corrupted, from: before, to: after, answers: answers)))
        }
        cells.append(row)
      }
    }
    let piece = { (ids: [Int32]) in model.tokenizer.decode(ids) }
    return CausalTrace(
      picture: picture.name, donor: donor.name, prompt: prompt,
      answers: (model.tokenizer.piece(own[place]), model.tokenizer.piece(theirs[place])), commonAnswer: piece(common),
      scale: scale, segments: segments, cells: cells)
  }

  private func answer(_ cache: VisualCache) throws -> [Int32] {
    try model.answer(
      prompt, from: cache, options: GenerationOptions(maxNewTokens: Self.answerTokens),
      run: RunContext(cancellation: run.cancellation)
    ).tokenIDs
  }

  /// The logits of `base` with the states of `other` in a segment, as they enter a layer.
  private func logits(_ base: ResidualRun, _ other: ResidualRun, _ segment: TraceSegment, _ layer: Int) throws -> Tensor
  {
    last(try model.logits(of: base, after: .states(of: other, rows: segment.rows, layer: layer), run: run))
  }

  private func last(_ logits: Tensor) -> Tensor { logits[row: logits.shape[0] - 1] }
}

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
