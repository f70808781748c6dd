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

  /// The tokens before the end of sequence.
  package var said: ArraySlice<TokenProbability> { tokens.dropLast(stop == "endOfSequence" ? 1 : 0) }

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

/// How far two answers are the same, token by token. The end of sequence is no part of them: answers of one length share it
/// whatever they say.
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
    let (ofA, ofB) = (a.said, b.said)
    let pairs = zip(ofA, ofB).map { $0.id == $1.id }
    equal = pairs.count { $0 }
    length = max(ofA.count, ofB.count)
    let difference = pairs.firstIndex(of: false)
    let isShorter = (a.isOver && ofA.count < ofB.count) || (b.isOver && ofB.count < ofA.count)
    partsAt = difference ?? (isShorter ? pairs.count : nil)
  }

  /// The share of equal tokens; `nil` before the first.
  package var share: Double? { length == 0 ? nil : Double(equal) / Double(length) }
}

/// A picture of the conversation.
package struct ConversationPicture: Sendable, Hashable {
  package let name: String
  package let sha256: String
  /// Seconds for its keys and values from each source; missing where they were not computed in this run.
  package let seconds: [VisualSource: Double]
  /// Rows and bytes that it added to what each source keeps.
  package let rows: [VisualSource: Int]
  package let bytes: [VisualSource: Int]
  /// Why a source could not take it.
  package let refusals: [VisualSource: String]

  package init(
    name: String, sha256: String, seconds: [VisualSource: Double], rows: [VisualSource: Int],
    bytes: [VisualSource: Int], refusals: [VisualSource: String] = [:]
  ) {
    self.name = name
    self.sha256 = sha256
    self.seconds = seconds
    self.rows = rows
    self.bytes = bytes
    self.refusals = refusals
  }
}

/// A family's question, answered from each source.
package struct FamilyAnswer: Sendable, Hashable {
  package let family: String
  package let question: String
  /// The right answer, where it is known.
  package let right: String?
  package let answers: [Column]

  package struct Column: Sendable, Hashable {
    package let source: VisualSource
    package let text: String
    /// The product of its tokens' probabilities.
    package let probability: Double

    package init(source: VisualSource, text: String, probability: Double) {
      self.source = source
      self.text = text
      self.probability = probability
    }
  }

  package init(family: String, question: String, right: String?, answers: [Column]) {
    self.family = family
    self.question = question
    self.right = right
    self.answers = answers
  }

  package subscript(source: VisualSource) -> Column? { answers.first { $0.source == source } }

  /// Whether the answer is the right one; `nil` where that is not known.
  package func isRight(_ source: VisualSource) -> Bool? {
    guard let right, let column = self[source] else { return nil }
    return column.text.lowercased() == right.lowercased()
  }

  /// What voco kept: `kept` and `lost` where the right answer is known, else whether it says what all tokens say.
  package var verdict: String {
    if let isRight = isRight(.voco) { return isRight ? "kept" : "lost" }
    guard let full = self[.full], let voco = self[.voco] else { return "" }
    return full.text == voco.text ? "same" : "differs"
  }
}

/// Something that happened while compression was shown.
package enum CompressionEvent: Sendable, Equatable {
  case facts(CompressionFacts)
  /// The conversation starts anew, without pictures and turns.
  case cleared
  case picture(ConversationPicture)
  case asked(Exchange)
  case prompted(VisualSource, QuestionCost)
  case token(VisualSource, TokenProbability, text: String)
  case ended(VisualSource, stop: String, generationSeconds: Double)
  case refused(VisualSource, String)
  /// The families' table starts anew.
  case familiesStarted(Int)
  case family(FamilyAnswer)
}

/// Everything the Compression panel knows.
package struct CompressionState: Sendable, Equatable {
  package private(set) var facts: CompressionFacts?
  package private(set) var pictures: [ConversationPicture] = []
  package private(set) var exchanges: [Exchange] = []
  package private(set) var families: [FamilyAnswer] = []
  /// How many family questions there are to ask.
  package private(set) var familyCount = 0

  package init() {}

  /// The question on screen.
  package var latest: Exchange? { exchanges.last }

  package mutating func apply(_ event: CompressionEvent) {
    switch event {
    case .facts(let facts): self.facts = facts
    case .cleared:
      pictures = []
      exchanges = []
      families = []
    case .picture(let picture): pictures.append(picture)
    case .asked(let exchange): exchanges.append(exchange)
    case .prompted(let source, let cost): change(source) { $0.cost = cost }
    case .token(let source, let token, let text):
      change(source) {
        $0.tokens.append(token)
        $0.text = text
      }
    case .ended(let source, let stop, let seconds):
      change(source) {
        $0.stop = stop
        $0.generationSeconds = seconds
      }
    case .refused(let source, let sentence): change(source) { $0.refusal = sentence }
    case .familiesStarted(let count):
      families = []
      familyCount = count
    case .family(let family): families.append(family)
    }
  }

  /// The latest question with at most so many tokens of each answer, as if the rest were still to come.
  package func revealing(tokens count: Int) -> CompressionState {
    var state = self
    guard let turn = exchanges.indices.last else { return state }
    for column in exchanges[turn].answers.indices where exchanges[turn].answers[column].tokens.count > count {
      var answer = exchanges[turn].answers[column]
      answer.tokens.removeLast(answer.tokens.count - count)
      (answer.text, answer.stop) = ("", nil)
      state.exchanges[turn].answers[column] = answer
    }
    return state
  }

  private mutating func change(_ source: VisualSource, _ edit: (inout SourceAnswer) -> Void) {
    guard let turn = exchanges.indices.last,
      let column = exchanges[turn].answers.firstIndex(where: { $0.source == source })
    else { return }
    edit(&exchanges[turn].answers[column])
  }
}
