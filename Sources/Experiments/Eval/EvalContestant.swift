import Files
import Foundation
package import HTCVLM
package import Trace

/// One model of an evaluation: a checkpoint to ask, or the answers that an earlier run left.
package struct EvalContestant: Sendable {
  enum Model: Sendable {
    case checkpoint(CheckpointSource)
    case answers(path: String)
  }

  let model: Model
  /// What a checkpoint's text may attend to; nil: what the model was made to answer from.
  let from: VisualSource?

  /// A checkpoint, whole or in parts.
  package init(_ source: CheckpointSource, from: VisualSource?) {
    model = .checkpoint(source)
    self.from = from
  }

  /// A checkpoint directory, or a file of answers.
  package init(path: String, from: VisualSource?) {
    let isFile = FileManager.default.fileExists(atPath: path) && !Directory.exists(path)
    model = isFile ? .answers(path: path) : .checkpoint(.directory(path))
    self.from = from
  }

  /// What reports call a checkpoint of this name: what its text sees and what of it is not trained belong to it.
  func name(_ checkpoint: String, seeing from: VisualSource, untrained parts: [String]) -> String {
    let seen = from == .voco ? checkpoint : "\(checkpoint) (\(from.rawValue))"
    return parts.isEmpty ? seen : "\(seen) [\(parts.joined(separator: ", "))]"
  }
}

/// A model's answers, whether it was asked now or before.
package struct EvalAnswers: Sendable {
  package let name: String
  /// The text for the question of each index.
  package let answers: [Int: String]
  package let source: EvaluationReport.Source

  init(header: ResultsHeader, records: [ResultRecord]) {
    name = header.model
    answers = Dictionary(uniqueKeysWithValues: records.map { ($0.index, $0.answer.text) })
    source = EvaluationReport.Source(header: header, picturesSHA256: records.picturesSHA256)
  }

  private init(name: String, _ other: EvalAnswers) {
    self.name = name
    answers = other.answers
    source = other.source
  }

  /// The same answers, those of equal names numbered.
  static func distinctlyNamed(_ all: [EvalAnswers]) -> [EvalAnswers] {
    var seen: [String: Int] = [:]
    return all.map { one in
      let number = (seen[one.name] ?? 0) + 1
      seen[one.name] = number
      return number == 1 ? one : EvalAnswers(name: "\(one.name) #\(number)", one)
    }
  }
}

extension [ResultRecord] {
  /// SHA-256 over the pictures' own, in the order of the questions; nil where one was not recorded.
  fileprivate var picturesSHA256: String? {
    let digests = sorted { $0.index < $1.index }.compactMap(\.answer.imageSHA256)
    guard !isEmpty, digests.count == count else { return nil }
    return SHA256.hexDigest(of: [UInt8](digests.joined(separator: "\n").utf8))
  }
}
