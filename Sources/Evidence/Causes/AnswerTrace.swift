/// From the answer back: what each generated token reads, and what it loses without the anchors.
package struct AnswerTrace: Sendable, Hashable, Encodable {
  /// Shares of a row's attention in one layer, means over heads; they add up to 1.
  package struct Reading: Sendable, Hashable, Encodable {
    /// On every voco.
    package let voco: Double
    /// On anchors and patches, which text of a model with voco does not see.
    package let visual: Double
    /// On the prompt's tokens and newlines.
    package let text: Double
    /// On the answer's tokens before.
    package let answer: Double

    package init(voco: Double, visual: Double, text: Double, answer: Double) {
      self.voco = voco
      self.visual = visual
      self.text = text
      self.answer = answer
    }
  }

  /// What became of a token's log-probability, in nats: below 0 it is less likely.
  package struct Change: Sendable, Hashable, Encodable {
    /// `cut anchors`, `cut as many random patches`, `swap anchors`.
    package let name: String
    package let nats: Double

    package init(name: String, nats: Double) {
      self.name = name
      self.nats = nats
    }
  }

  package struct Token: Sendable, Hashable, Encodable {
    package let id: Int
    package let piece: String
    /// ln of the probability that the model gave it.
    package let logProbability: Double
    /// `[L]`, of the row that predicted it.
    package let readings: [Reading]
    package let changes: [Change]

    package var text: String { shownPiece(piece) }

    package init(id: Int, piece: String, logProbability: Double, readings: [Reading], changes: [Change]) {
      self.id = id
      self.piece = piece
      self.logProbability = logProbability
      self.readings = readings
      self.changes = changes
    }

    private enum CodingKeys: String, CodingKey {
      case id, piece, readings, changes
      case logProbability = "log_probability"
    }
  }

  package let prompt: String
  /// Whose anchors were put in; nil if none.
  package let donor: String?
  /// Draws of random patches that the control is a mean over.
  package let draws: Int
  package let tokens: [Token]

  package init(prompt: String, donor: String?, draws: Int, tokens: [Token]) {
    self.prompt = prompt
    self.donor = donor
    self.draws = draws
    self.tokens = tokens
  }
}
