import Evaluation
import Files
import Foundation
import HTCVLM
import Tensor

/// Asks the models of an evaluation one after the other.
struct EvalRun {
  let questions: QuestionSet
  private let questionsSHA256: String
  private let images: String
  private let maxNewTokens: Int
  private let precision: Precision
  private let shard: Shard

  init(questions: QuestionSet, images: String, maxNewTokens: Int, precision: Precision, shard: Shard) {
    self.questions = questions
    questionsSHA256 = SHA256.hexDigest(of: Array(questions.identity.utf8))
    self.images = images
    self.maxNewTokens = maxNewTokens
    self.precision = precision
    self.shard = shard
  }

  /// Each model's answers in the given order; throws the first thing wrong, after which what was answered is kept.
  ///
  /// - Parameter path: where answers are kept; nil keeps none.
  func answers(of contestants: [EvalContestant], savingTo path: String?) throws -> [EvalAnswers] {
    // A file that does not fit is better known before hours of asking.
    let answered = try contestants.map { contestant -> EvalAnswers? in
      guard case .answers(let path) = contestant.model else { return nil }
      let results = try questions.results(path, sha256: questionsSHA256)
      return EvalAnswers(header: results.header, records: results.records)
    }
    let asked = answered.count { $0 == nil }
    var files = EvalFiles(path: path, isShared: asked > 1)
    var all: [EvalAnswers] = []
    for (contestant, answers) in zip(contestants, answered) {
      if let answers {
        all.append(answers)
      } else if case .checkpoint(let source) = contestant.model {
        let place = asked > 1 ? "\(all.count + 1)/\(contestants.count) " : ""
        all.append(try ask(source, of: contestant, place: place, files: &files))
      }
    }
    return EvalAnswers.distinctlyNamed(all)
  }

  private func ask(
    _ source: CheckpointSource, of contestant: EvalContestant, place: String, files: inout EvalFiles
  ) throws -> EvalAnswers {
    let subject = try EvalSubject(
      source, of: contestant, images: images, maxNewTokens: maxNewTokens, precision: precision)
    let header = ResultsHeader(
      benchmark: questions.benchmark, questions: URL(fileURLWithPath: questions.file).lastPathComponent,
      questionsSHA256: questionsSHA256, questionCount: questions.questions.count, model: subject.name,
      modelSHA256: subject.sha256, promptTemplate: subject.promptTemplate, settings: subject.settings, shard: shard)
    let bar = EvalProgressBar(prefix: place + subject.name + " ")
    defer { bar.clear() }
    let records = try questions.evaluate(
      into: files.path(for: subject.name), header: header, progress: bar.show, answer: subject.answer)
    return EvalAnswers(header: header, records: records)
  }
}

/// Where the answers of each model are kept.
private struct EvalFiles {
  /// As the command line named it; nil keeps nothing.
  let path: String?
  /// Whether several models share the name.
  let isShared: Bool
  private var used: Set<String> = []

  init(path: String?, isShared: Bool) {
    self.path = path
    self.isShared = isShared
  }

  /// `answers.jsonl`, or `answers-<model>.jsonl`, or with `-2` for a second model of that name.
  mutating func path(for model: String) -> String? {
    guard let path, isShared else { return path }
    let url = URL(fileURLWithPath: path)
    let ending = url.pathExtension.isEmpty ? "" : ".\(url.pathExtension)"
    let stem = String(path.dropLast(ending.count))
    let name = String(model.map { $0.isLetter || $0.isNumber || "-_.".contains($0) ? $0 : "-" })
    let numbered = sequence(first: 1) { $0 + 1 }.lazy.map { $0 == 1 ? name : "\(name)-\($0)" }
    let free = numbered.first { !used.contains($0) } ?? name
    used.insert(free)
    return "\(stem)-\(free)\(ending)"
  }
}

/// Digests of what an evaluation ran on.
enum EvalDigest {
  /// SHA-256 over the pictures' own, in the order of the questions; nil where one was not recorded.
  static func pictures(_ records: [ResultRecord]) -> String? {
    let digests = records.sorted { $0.index < $1.index }.compactMap(\.answer.imageSHA256)
    guard !records.isEmpty, digests.count == records.count else { return nil }
    return SHA256.hexDigest(of: Array(digests.joined(separator: "\n").utf8))
  }
}
