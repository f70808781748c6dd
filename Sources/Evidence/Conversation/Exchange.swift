import Statistics
package import Trace

/// A token, and how likely the model finds it.
package struct TokenProbability: Sendable, Hashable, Encodable {
  package let id: Int
  /// As the vocabulary spells it.
  package let piece: String
  /// 0…1, over the whole vocabulary at temperature 1.
  package let probability: Double

  package init(id: Int, piece: String, probability: Double) {
    self.id = id
    self.piece = piece
    self.probability = probability
  }

  package var text: String { shownPiece(piece) }

  /// `“red” 45 %`.
  package var words: String { "“\(text)” \(Format.percent(probability))" }
}

/// What a question cost before its first answer token.
package struct QuestionCost: Sendable, Hashable {
  /// Rows of keys and values that were there before.
  package let reusedRows: Int
  package let reusedBytes: Int
  /// Rows computed for the question.
  package let computedRows: Int
  /// Of them, the prompt's tokens.
  package let promptTokens: Int
  /// Seconds until the first token could be chosen.
  package let seconds: Double
  /// The position of the first answer token.
  package let position: Int

  package init(
    reusedRows: Int, reusedBytes: Int, computedRows: Int, promptTokens: Int, seconds: Double, position: Int
  ) {
    self.reusedRows = reusedRows
    self.reusedBytes = reusedBytes
    self.computedRows = computedRows
    self.promptTokens = promptTokens
    self.seconds = seconds
    self.position = position
  }
}

/// One column: an answer from one source.
package struct SourceAnswer: Sendable, Hashable {
  package let source: VisualSource
  package internal(set) var cost: QuestionCost?
  package internal(set) var tokens: [TokenProbability] = []
  package internal(set) var text = ""
  /// Why it ended: `endOfSequence`, `maxNewTokens`, `positions`; `nil` while it goes on.
  package internal(set) var stop: String?
  /// Seconds for the tokens after the first.
  package internal(set) var generationSeconds: Double?
  /// Why there is no answer: one sentence.
  package internal(set) var refusal: String?

  package init(_ source: VisualSource) { self.source = source }

  /// Seconds per token after the first; `nil` where there was none.
  package var secondsPerToken: Double? {
    guard let generationSeconds, tokens.count > 1 else { return nil }
    return generationSeconds / Double(tokens.count - 1)
  }

  package var isOver: Bool { stop != nil || refusal != nil }

  /// What was answered, or why not; a word said over and over is said once, with its count.
  package var outcome: String { refusal ?? withoutLoops(text) }
}

/// `text` with each word that follows itself at least four times said once: `trumpet (64 times)`.
package func withoutLoops(_ text: String) -> String {
  var runs: [(word: Substring, count: Int)] = []
  for word in text.split(separator: " ") {
    if let last = runs.last, last.word == word {
      runs[runs.count - 1].count += 1
    } else {
      runs.append((word, 1))
    }
  }
  guard runs.contains(where: { $0.count >= 4 }) else { return text }
  return runs.map { run in
    run.count >= 4
      ? "\(run.word) (\(run.count) times)" : [Substring](repeating: run.word, count: run.count).joined(separator: " ")
  }.joined(separator: " ")
}

/// A question and its answers side by side.
package struct Exchange: Sendable, Hashable {
  /// Counts from 1.
  package let number: Int
  package let question: String
  /// How many pictures the conversation held.
  package let pictures: Int
  /// Whether earlier questions and answers were in sight.
  package let keepsTurns: Bool
  package internal(set) var answers: [SourceAnswer]

  package init(number: Int, question: String, pictures: Int, keepsTurns: Bool, sources: [VisualSource]) {
    self.number = number
    self.question = question
    self.pictures = pictures
    self.keepsTurns = keepsTurns
    answers = sources.map(SourceAnswer.init)
  }

  package subscript(source: VisualSource) -> SourceAnswer? { answers.first { $0.source == source } }

  package var isOver: Bool { answers.allSatisfy(\.isOver) }

  /// Every pair of sources that were asked.
  package var agreements: [Agreement] {
    answers.indices.flatMap { first in
      answers.indices.filter { $0 > first }.map { Agreement(answers[first], answers[$0]) }
    }
  }

  /// The first token, from 0, at which `source` parts from voco, or, where voco was not asked, from all tokens; `nil`
  /// where it does not.
  package func divergence(of source: VisualSource) -> Int? {
    guard let reference = self[.voco] ?? self[.full], reference.source != source, let answer = self[source] else {
      return nil
    }
    return Agreement(reference, answer).partsAt
  }

  /// Whether every answer that has a token here says the same one for the third time.
  package func repeats(at index: Int) -> Bool {
    guard index >= 2 else { return false }
    return answers.allSatisfy { answer in
      !answer.tokens.indices.contains(index)
        || answer.tokens[index].id == answer.tokens[index - 1].id
          && answer.tokens[index].id == answer.tokens[index - 2].id
    }
  }
}

/// How far two answers are the same, token by token.
package struct Agreement: Sendable, Hashable {
  package let first: VisualSource
  package let second: VisualSource
  /// Tokens that are equal at the same place.
  package let equal: Int
  /// The longer answer's tokens.
  package let length: Int
  /// The first token, from 0, that differs or that only one answer has; `nil` where all are equal so far.
  package let partsAt: Int?

  package init(_ a: SourceAnswer, _ b: SourceAnswer) {
    (first, second) = (a.source, b.source)
    let pairs = zip(a.tokens, b.tokens).map { $0.id == $1.id }
    equal = pairs.count { $0 }
    length = max(a.tokens.count, b.tokens.count)
    let difference = pairs.firstIndex(of: false)
    let isShorter = (a.isOver && a.tokens.count < b.tokens.count) || (b.isOver && b.tokens.count < a.tokens.count)
    partsAt = difference ?? (isShorter ? pairs.count : nil)
  }

  /// The share of equal tokens; `nil` before the first.
  package var share: Double? { length == 0 ? nil : Double(equal) / Double(length) }
}
