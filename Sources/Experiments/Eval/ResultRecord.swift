package import Evaluation
import JSON

/// A line of a results file: what the model answered to one question.
package struct ResultRecord: Sendable, Equatable {
  /// The question's index in its set.
  package let index: Int
  package let id: QuestionID
  package let answer: ModelAnswer

  package init(index: Int, id: QuestionID, answer: ModelAnswer) {
    self.index = index
    self.id = id
    self.answer = answer
  }

  var json: JSONValue {
    .object([
      "index": .integer(index), "question_id": id.json, "text": .string(answer.text),
      "tokens": answer.tokens.map { .integer($0) } ?? .null, "image_sha256": .optional(answer.imageSHA256),
    ])
  }

  /// - Parameter allowed: the indices of the file's shard.
  init(_ record: RecordReader, allowed: Range<Int>) throws(EvaluationError) {
    index = try record.integer("index")
    guard allowed.contains(index) else {
      throw record.wrong("index", "\(index)", expected: "in \(allowed.lowerBound)..<\(allowed.upperBound)")
    }
    id = try record.questionID("question_id")
    let tokens: Int? = if case .integer(let count)? = record.object["tokens"] { count } else { nil }
    answer = ModelAnswer(
      text: try record.string("text"), tokens: tokens, imageSHA256: try record.optionalString("image_sha256"))
  }
}

/// What a model says to a question.
package struct ModelAnswer: Sendable, Equatable {
  package let text: String
  /// Number of generated tokens, if known.
  package let tokens: Int?
  /// SHA-256 of the picture's file, in hexadecimal, if known.
  package let imageSHA256: String?

  package init(text: String, tokens: Int? = nil, imageSHA256: String? = nil) {
    self.text = text
    self.tokens = tokens
    self.imageSHA256 = imageSHA256
  }
}
