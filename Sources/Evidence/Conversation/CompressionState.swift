package import Trace

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
