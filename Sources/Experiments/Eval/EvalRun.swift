package import Evaluation
import Files
import Foundation
package import HTCVLM
package import Reports
package import Trace

/// Asks the models of an evaluation one after the other.
package struct EvalRun: Sendable {
  /// How every model is asked.
  package struct Settings: Sendable {
    /// The most tokens of an answer, at least 1.
    package var maxNewTokens: Int
    package var precision: Precision
    package var shard: Shard
    /// Of what interventions draw.
    package var seed: UInt64
    /// This program's, for the provenance.
    package var version: String

    package init(
      maxNewTokens: Int, precision: Precision = .exact, shard: Shard = .whole, seed: UInt64 = 0, version: String
    ) {
      self.maxNewTokens = maxNewTokens
      self.seed = seed
      self.precision = precision
      self.shard = shard
      self.version = version
    }
  }

  /// How far the run is: the model that is asked, with its place where there are several, and its questions.
  package typealias Progress = (_ model: String, ProgressBarText) -> Void

  package let questions: QuestionSet
  private let questionsSHA256: String
  private let images: String
  private let settings: Settings
  private let open: @Sendable (CheckpointSource, Precision) throws -> Pipeline

  /// - Parameters:
  ///   - images: the directory that the questions' pictures are named from.
  ///   - open: opens a checkpoint in `settings.precision`.
  package init(
    questions: QuestionSet, images: String, settings: Settings,
    open: @escaping @Sendable (CheckpointSource, Precision) throws -> Pipeline
  ) {
    self.questions = questions
    questionsSHA256 = SHA256.hexDigest(of: Array(questions.identity.utf8))
    self.images = images
    self.settings = settings
    self.open = open
  }

  /// Each model's answers in the given order; throws the first thing wrong, after which what was answered is kept.
  ///
  /// - Parameters:
  ///   - path: where answers are kept; nil keeps none.
  ///   - cancellation: stops between two layers; throws `CancellationError`, and the answers so far are kept.
  package func answers(
    of contestants: [EvalContestant], savingTo path: String?, cancellation: CancellationFlag = CancellationFlag(),
    progress: Progress = { _, _ in }
  ) throws -> [EvalAnswers] {
    // A file that does not fit is better known before hours of asking.
    let answered = try contestants.map { contestant -> EvalAnswers? in
      guard case .answers(let path) = contestant.model else { return nil }
      let results = try questions.results(path, sha256: questionsSHA256)
      return EvalAnswers(header: results.header, records: results.records)
    }
    let asked = answered.count { $0 == nil }
    let swaps = contestants.contains { $0.intervention == .swapAnchors }
    let donors = swaps ? try AnchorDonors(questions.questions, seed: settings.seed) : nil
    var files = EvalFiles(path: path, isShared: asked > 1)
    var all: [EvalAnswers] = []
    for (contestant, answers) in zip(contestants, answered) {
      if let answers {
        all.append(answers)
      } else if case .checkpoint(let source) = contestant.model {
        let place = asked > 1 ? "\(all.count + 1)/\(contestants.count) " : ""
        let subject = try EvalSubject(
          try open(source, settings.precision), of: contestant, images: images, settings: settings, donors: donors,
          run: RunContext(cancellation: cancellation))
        all.append(try ask(subject, savingTo: files.path(for: subject.name)) { progress(place + subject.name, $0) })
      }
    }
    return EvalAnswers.distinctlyNamed(all)
  }

  private func ask(
    _ subject: EvalSubject, savingTo path: String?, progress: (ProgressBarText) -> Void
  ) throws -> EvalAnswers {
    let header = ResultsHeader(
      benchmark: questions.benchmark, questions: URL(fileURLWithPath: questions.file).lastPathComponent,
      questionsSHA256: questionsSHA256, questionCount: questions.questions.count, model: subject.name,
      modelSHA256: subject.sha256, promptTemplate: subject.promptTemplate, settings: subject.settings,
      shard: settings.shard)
    let start = ContinuousClock.now
    let records = try questions.evaluate(
      into: path, header: header,
      progress: { state in
        progress(
          ProgressBarText(
            done: state.done, total: state.total, resumed: state.resumed,
            seconds: (ContinuousClock.now - start) / .seconds(1)))
      }, picture: subject.pictureSHA256, answer: subject.answer)
    return EvalAnswers(header: header, records: records, pictureWarnings: subject.pictureWarnings)
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
