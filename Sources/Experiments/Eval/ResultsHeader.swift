package import Evaluation
import JSON

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
    for (field, found, expected) in fields where found != expected {
      throw .headerMismatch(file: file, field: field, found: "\"\(found)\"", expected: "\"\(expected)\"")
    }
  }
}
