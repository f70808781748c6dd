package import Evidence
import Foundation
package import HTCVLM
import Reports
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

/// What an answer's tokens read and lose, in words and as rows of a table.
package struct AnswerTraceReport: Sendable {
  private let trace: AnswerTrace

  package init(_ trace: AnswerTrace) { self.trace = trace }

  package var lines: [String] {
    let changes = trace.tokens.first?.changes.map(\.name) ?? []
    let table = trace.tokens.map { token in
      [shown(token), Format.percent(exp(token.logProbability))]
        + token.changes.map { Format.rounded($0.nats, places: 3) }
    }
    var lines =
      [
        "from the answer back to what it reads", "“\(trace.prompt)”", "",
        "tokens, their probability, and what changes its logarithm by how many nats",
      ]
      + TextTable(.trailingButFirst).lines([["token", "probability"] + changes] + table)
    if let donor = trace.donor { lines.append("  swapped: the anchors of \(donor)") }
    if !changes.isEmpty { lines.append("  random patches: means over \(trace.draws) draws") }
    let showsVisual = trace.tokens.contains { $0.readings.contains { $0.visual > 0 } }
    // A LLaVA has none to read.
    let showsVoco = trace.tokens.contains { $0.readings.contains { $0.voco > 0 } }
    let heading =
      ["token", "layer"] + (showsVoco ? ["<voco>"] : []) + (showsVisual ? ["visual"] : []) + ["text", "answer so far"]
    let readings = trace.tokens.flatMap { token in
      token.readings.enumerated().map { layer, reading in
        [layer == 0 ? shown(token) : "", "\(layer + 1)"] + (showsVoco ? [Format.percent(reading.voco)] : [])
          + (showsVisual ? [Format.percent(reading.visual)] : [])
          + [Format.percent(reading.text), Format.percent(reading.answer)]
      }
    }
    return lines + ["", "attention of the row that predicts a token, means over heads"]
      + TextTable(.trailingButFirst).lines([heading] + readings)
  }

  private func shown(_ token: AnswerTrace.Token) -> String { "“\(token.text)”" }

  /// A row for each number, under its heading.
  package var rows: [[String]] {
    [["token", "piece", "layer", "name", "value"]]
      + trace.tokens.enumerated().flatMap { index, token -> [[String]] in
        let head = ["\(index + 1)", token.piece]
        let readings = token.readings.enumerated().flatMap { layer, reading in
          [("voco", reading.voco), ("visual", reading.visual), ("text", reading.text), ("answer", reading.answer)].map {
            head + ["\(layer + 1)", "attention on \($0.0)", "\($0.1)"]
          }
        }
        return [head + ["", "log probability", "\(token.logProbability)"]]
          + token.changes.map { head + ["", $0.name, "\($0.nats)"] } + readings
      }
  }
}
