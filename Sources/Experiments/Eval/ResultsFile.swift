package import Evaluation
import Foundation
import JSON

/// A results file as it was read: a header line, then a line for each answer, in the order they came.
package struct ResultsFile: Sendable, Equatable {
  package let file: String
  package let header: ResultsHeader
  package let records: [ResultRecord]
  /// Bytes up to the end of the last whole line; what follows is a line that an interruption has torn.
  let wholeByteCount: Int

  /// Reads a results file; a torn last line is left out.
  ///
  /// - Throws: `EvaluationError` if another line is damaged, two lines answer one question, or there is no header.
  package static func read(_ path: String) throws(EvaluationError) -> ResultsFile {
    guard let results = try parse(try readFile(path), file: path) else {
      throw .malformed(file: path, line: 1, reason: "it ends before its header does")
    }
    return results
  }

  /// The text of each answered question.
  package var answers: [Int: String] {
    Dictionary(uniqueKeysWithValues: records.map { ($0.index, $0.answer.text) })
  }

  /// Parses a results file's bytes; nil where not even the header was written whole.
  static func parse(_ data: Data, file: String) throws(EvaluationError) -> ResultsFile? {
    try withBytes(of: data) { bytes throws(EvaluationError) in
      guard let end = bytes.firstIndex(of: 0x0A) else {
        try checkIsHeader(bytes, file: file)
        return nil
      }
      let header = try ResultsHeader(try record(bytes[..<end], file: file, line: 1))
      let (records, wholeByteCount) = try records(bytes, from: end + 1, header: header, file: file)
      return ResultsFile(file: file, header: header, records: records, wholeByteCount: wholeByteCount)
    }
  }

  /// Throws unless `bytes` can be the beginning of a header, so that no other file is taken for an interrupted one.
  private static func checkIsHeader(_ bytes: UnsafeBufferPointer<UInt8>, file: String) throws(EvaluationError) {
    let opening = Array("{\"\(ResultsHeader.versionKey)\":".utf8)
    guard bytes.starts(with: opening) || opening.starts(with: bytes) else {
      throw .malformed(file: file, line: 1, reason: "this is not a results file")
    }
  }

  private static func record(_ text: Slice<UnsafeBufferPointer<UInt8>>, file: String, line: Int)
    throws(EvaluationError) -> RecordReader
  {
    let json = try parseJSON(UnsafeBufferPointer(rebasing: text), file: file, line: line)
    return try RecordReader(file: file, line: line, value: json)
  }

  private static func records(
    _ bytes: UnsafeBufferPointer<UInt8>, from first: Int, header: ResultsHeader, file: String
  ) throws(EvaluationError) -> ([ResultRecord], wholeByteCount: Int) {
    let range = header.shard.range(of: header.questionCount)
    var records: [ResultRecord] = []
    var seen: Set<Int> = []
    var start = first
    var line = 2
    while let end = bytes[start...].firstIndex(of: 0x0A) {
      let reader: RecordReader
      do {
        reader = try record(bytes[start..<end], file: file, line: line)
      } catch {
        // A power cut can leave a last line of the right length with the wrong bytes.
        if end + 1 == bytes.count { break }
        throw error
      }
      let record = try ResultRecord(reader, allowed: range)
      guard seen.insert(record.index).inserted else {
        throw .answeredTwice(question: record.id.description, files: [file])
      }
      records.append(record)
      start = end + 1
      line += 1
    }
    return (records, start)
  }
}

/// The first line of a results file: what the answers depend on.
package struct ResultsHeader: Sendable, Equatable {
  package var benchmark: Benchmark
  /// The question file's name, for people; the hash decides.
  package var questions: String
  package var questionsSHA256: String
  package var questionCount: Int
  /// The model's name, for people; the hash decides.
  package var model: String
  package var modelSHA256: String
  package var promptTemplate: String
  /// Whatever else changes answers, such as the token limit.
  package var settings: String
  package var shard: Shard

  package init(
    benchmark: Benchmark, questions: String, questionsSHA256: String, questionCount: Int, model: String,
    modelSHA256: String, promptTemplate: String, settings: String, shard: Shard = .whole
  ) {
    self.benchmark = benchmark
    self.questions = questions
    self.questionsSHA256 = questionsSHA256
    self.questionCount = questionCount
    self.model = model
    self.modelSHA256 = modelSHA256
    self.promptTemplate = promptTemplate
    self.settings = settings
    self.shard = shard
  }

  static let versionKey = "vocoscope_results"
  private static let version = 1

  var json: JSONValue {
    .object([
      Self.versionKey: .integer(Self.version), "benchmark": .string(benchmark.rawValue),
      "questions": .string(questions), "questions_sha256": .string(questionsSHA256),
      "question_count": .integer(questionCount), "model": .string(model), "model_sha256": .string(modelSHA256),
      "prompt_template": .string(promptTemplate), "settings": .string(settings), "shard": .string("\(shard)"),
    ])
  }

  init(_ record: RecordReader) throws(EvaluationError) {
    let version = try record.integer(Self.versionKey)
    guard version == Self.version else {
      throw record.wrong(Self.versionKey, "\(version)", expected: "\(Self.version)")
    }
    let name = try record.string("benchmark", oneOf: Benchmark.allCases.map(\.rawValue))
    guard let benchmark = Benchmark(rawValue: name) else { preconditionFailure("the name is one of the benchmarks'") }
    let count = try record.integer("question_count")
    guard count > 0 else { throw record.wrong("question_count", "\(count)", expected: "at least 1") }
    let shard = try record.string("shard")
    do {
      self.init(
        benchmark: benchmark, questions: try record.string("questions"),
        questionsSHA256: try record.string("questions_sha256"), questionCount: count,
        model: try record.string("model"), modelSHA256: try record.string("model_sha256"),
        promptTemplate: try record.string("prompt_template"), settings: try record.string("settings"),
        shard: try Shard(shard))
    } catch .notAShard {
      throw record.wrong("shard", "\"\(shard)\"", expected: "i/n")
    }
  }

  /// Throws unless `self`, found in `file`, was made from the same questions, model and settings as `expected`.
  ///
  /// - Parameter ignoringShard: whether the parts may differ, as they do when parts are merged.
  func check(against expected: ResultsHeader, file: String, ignoringShard: Bool = false) throws(EvaluationError) {
    let fields: [(String, String, String)] = [
      ("the benchmark", benchmark.rawValue, expected.benchmark.rawValue),
      ("questions whose SHA-256 is", questionsSHA256, expected.questionsSHA256),
      ("a number of questions of", "\(questionCount)", "\(expected.questionCount)"),
      ("a model whose SHA-256 is", modelSHA256, expected.modelSHA256),
      ("the prompt template", promptTemplate, expected.promptTemplate),
      ("the settings", settings, expected.settings),
      ("the shard", "\(shard)", ignoringShard ? "\(shard)" : "\(expected.shard)"),
    ]
    for (field, found, expected) in fields where !found.isExactly(expected) {
      throw .headerMismatch(file: file, field: field, found: "\"\(found)\"", expected: "\"\(expected)\"")
    }
  }
}

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
