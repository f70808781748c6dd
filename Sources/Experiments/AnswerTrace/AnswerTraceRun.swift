package import Evidence
package import HTCVLM
import Statistics
package import Tensor
import Tokenization
import Trace

extension AnswerTrace {
  /// Follows the greedy answer to `prompt` about a compressed picture back to what it reads.
  ///
  /// - Parameters:
  ///   - donor: another picture's anchors `[A, D]` with its name.
  ///   - seed: of the random patches.
  package static func measure(
    _ model: HTCVLMModel, _ cache: VisualCache, prompt: String, donor: (name: String, anchors: Tensor)? = nil,
    options: GenerationOptions = GenerationOptions(maxNewTokens: 16), seed: UInt64 = 0, run: RunContext = RunContext()
  ) throws -> AnswerTrace {
    let text = try model.tokenize(prompt)
    let quiet = RunContext(cancellation: run.cancellation)
    let answer = try model.answer(prompt, from: cache, options: options, run: quiet).tokenIDs
    let residual = try model.residualRun(cache, text: text, answer: Array(answer.dropLast()), run: quiet)
    let own = logProbabilities(residual.logits, answer)
    var changes: [(name: String, values: [Double])] = []
    for (name, edits) in try self.edits(model, residual, cache, donor: donor, seed: seed) {
      let changed = try edits.map { logProbabilities(try model.logits(of: residual, after: $0, run: quiet), answer) }
      changes.append(
        (name, answer.indices.map { token in (mean(changed.map { $0[token] }) ?? 0) - own[token] }))
    }
    let tokens = answer.indices.map { index in
      Token(
        id: Int(answer[index]), piece: model.tokenizer.piece(answer[index]), logProbability: own[index],
        readings: residual.attention.map { reading($0[index], residual, answerStart: residual.answerRows[0] + 1) },
        changes: changes.map { Change(name: $0.name, nats: $0.values[index]) })
    }
    return AnswerTrace(prompt: prompt, donor: donor?.name, draws: Self.draws, tokens: tokens)
  }

  /// Draws of as many random patches as there are anchors.
  private static let draws = 8

  private static func edits(
    _ model: HTCVLMModel, _ residual: ResidualRun, _ cache: VisualCache, donor: (name: String, anchors: Tensor)?,
    seed: UInt64
  ) throws -> [(name: String, edits: [ResidualEdit])] {
    let (anchors, patches) = (cache.anchorPositions, cache.patchPositions)
    guard !anchors.isEmpty, model.hasVoco else { return [] }
    var edits = [("cut anchors", [ResidualEdit.cut(Set(anchors), in: residual)])]
    if patches.count > anchors.count {
      var generator = SplitMix64(seed: seed, stream: "patches cut from the answer")
      let draws = (0..<Self.draws).map { _ in
        Set(generator.distinct(anchors.count, below: patches.count).map { patches[$0] })
      }
      edits.append(("cut as many random patches", draws.map { ResidualEdit.cut($0, in: residual) }))
    }
    if let donor {
      guard donor.anchors.shape == [anchors.count, residual.states[0].shape[1]] else {
        throw ExperimentError("\(donor.name): its anchors \(donor.anchors.shape) do not fit")
      }
      edits.append(("swap anchors", [ResidualEdit(rows: anchors, states: donor.anchors)]))
    }
    return edits
  }

  /// ln p of each token at its row of logits `[n, vocab]`.
  private static func logProbabilities(_ logits: Tensor, _ tokens: [Int32]) -> [Double] {
    tokens.enumerated().map { Divergence.logSoftmax(logits[row: $0.offset])[Int($0.element)] }
  }

  /// A row's weights `[heads, S]` by what they are on.
  private static func reading(_ weights: Tensor, _ residual: ResidualRun, answerStart: Int) -> Reading {
    var sums: [Group: Double] = [:]
    let (heads, length) = (weights.shape[0], weights.shape[1])
    for key in 0..<length {
      let kind = residual.layout.kinds[key]
      let group: Group = key >= answerStart ? .answer : kind == .voco ? .voco : kind.isVisual ? .visual : .text
      for head in 0..<heads { sums[group, default: 0] += Double(weights.values[head * length + key]) / Double(heads) }
    }
    return Reading(
      voco: sums[.voco] ?? 0, visual: sums[.visual] ?? 0, text: sums[.text] ?? 0, answer: sums[.answer] ?? 0)
  }

  private enum Group { case voco, visual, text, answer }
}
