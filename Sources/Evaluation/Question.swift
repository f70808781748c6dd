package import JSON

/// A question's name in its file: benchmarks use numbers and strings, and both come back as they were.
package enum QuestionID: Sendable, Hashable, CustomStringConvertible {
  case integer(Int)
  case string(String)

  /// Byte for byte, as the files that answers go to compare them.
  package static func == (a: QuestionID, b: QuestionID) -> Bool {
    switch (a, b) {
    case (.integer(let a), .integer(let b)): a == b
    case (.string(let a), .string(let b)): a.isExactly(b)
    default: false
    }
  }

  package func hash(into hasher: inout Hasher) {
    switch self {
    case .integer(let value): hasher.combine(value)
    case .string(let value): hasher.combine(ExactText(value))
    }
  }

  package var description: String {
    switch self {
    case .integer(let value): String(value)
    case .string(let value): value
    }
  }

  package var json: JSONValue {
    switch self {
    case .integer(let value): .integer(value)
    case .string(let value): .string(value)
    }
  }
}

/// Where a question's picture is.
package enum ImageReference: Sendable, Hashable {
  /// A path, absolute or relative to the images' directory.
  case file(String)
  /// Base64 text inside a question file (MMBench's TSV).
  case embedded(EmbeddedImage)

  /// Byte for byte, as the system compares paths.
  package static func == (a: ImageReference, b: ImageReference) -> Bool {
    switch (a, b) {
    case (.file(let a), .file(let b)): a.isExactly(b)
    case (.embedded(let a), .embedded(let b)): a == b
    default: false
    }
  }

  package func hash(into hasher: inout Hasher) {
    switch self {
    case .file(let path): hasher.combine(ExactText(path))
    case .embedded(let image): hasher.combine(image)
    }
  }

  /// The file of a picture that lies apart: an absolute path as it is, another in `directory`.
  package static func path(of file: String, in directory: String) -> String {
    file.hasPrefix("/") ? file : "\(directory)/\(file)"
  }

  /// The same text for the same picture: the unit that a cluster bootstrap resamples.
  package var key: String {
    switch self {
    case .file(let path): path
    case .embedded(let image): "\(image.file)#\(image.byteOffset)"
    }
  }
}

/// One question as the model is asked it.
package struct Question: Sendable, Equatable {
  /// Place among the questions, from 0. Results refer to it, because MME gives two questions the same ID.
  package var index: Int
  package var id: QuestionID
  package var image: ImageReference
  /// The prompt, with the benchmark's suffix and without an image token.
  package var text: String
  /// Right answers; for VQAv2 all ten annotators'. Empty where the answers are not public.
  package var answers: [String]
  /// Family, subset or ability that the score is broken down by.
  package var category: String
  /// The options' texts, lettered A, B, … in this order; empty for an open question.
  package var choices: [String]
  /// Questions that are scored together (MME's pair, MMBench's rotations).
  package var group: String?

  package init(
    index: Int, id: QuestionID, image: ImageReference, text: String, answers: [String], category: String,
    choices: [String] = [], group: String? = nil
  ) {
    self.index = index
    self.id = id
    self.image = image
    self.text = text
    self.answers = answers
    self.category = category
    self.choices = choices
    self.group = group
  }
}

extension [Question] {
  /// The questions with what the file `annotations` holds of each, by its identifier.
  ///
  /// - Throws: `EvaluationError.unannotated` for one that it does not have.
  func annotated<Reference>(
    by references: [ExactText: Reference], in annotations: String, _ apply: (inout Question, Reference) -> Void
  ) throws(EvaluationError) -> [Question] {
    try map { question throws(EvaluationError) in
      guard let reference = references[ExactText(question.id.description)] else {
        throw EvaluationError.unannotated(file: annotations, question: question.id.description)
      }
      var question = question
      apply(&question, reference)
      return question
    }
  }
}

/// A benchmark's questions in the order of its file.
package struct QuestionSet: Sendable, Equatable {
  package let benchmark: Benchmark
  /// The question file, as it was named.
  package let file: String
  /// `questions[i].index == i`.
  package let questions: [Question]

  /// - Throws: `EvaluationError.noQuestions` where there is none.
  init(benchmark: Benchmark, file: String, questions: [Question]) throws(EvaluationError) {
    guard !questions.isEmpty else { throw .noQuestions(file: file) }
    self.benchmark = benchmark
    self.file = file
    self.questions = questions.enumerated().map { index, question in
      var question = question
      question.index = index
      return question
    }
  }
}

extension QuestionSet {
  /// All that the answers and their scores depend on, a line per question: what provenance hashes.
  ///
  /// Embedded pictures appear by their place in the file, so that it is the same wherever the file lies.
  package var identity: String {
    let lines = questions.map { question in
      let image: JSONValue =
        switch question.image {
        case .file(let path): .string(path)
        case .embedded(let image): .array([.integer(image.byteOffset), .integer(image.byteCount)])
        }
      return JSONValue.array([
        .string(benchmark.rawValue), question.id.json, image, .string(question.text),
        .array(question.answers.map(JSONValue.string)), .string(question.category),
        .array(question.choices.map(JSONValue.string)),
      ]).line
    }
    return lines.map { $0 + "\n" }.joined()
  }
}
